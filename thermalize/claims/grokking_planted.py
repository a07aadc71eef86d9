r"""A landscape of two basins whose masses are known, and what weighing makes of it.

The prior is a standard normal in the plane, the likelihood two bumps of width ``s`` and weights
``w_i`` at ``(m_i, 0)``; basins are the half planes left and right of 0. The posterior is two normals,

.. math:: \sum_i v_i\, N\!\left(\tfrac{m_i}{1 + s^2}, \tfrac{s^2}{1 + s^2}\right), \qquad
    v_i \propto w_i\, N(m_i; 0, 1 + s^2),

so that both masses are known. Chains that the bumps' width lets cross must find them; chains between
narrow bumps, which sit where they began, must fail a gate.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from compare import Basins, weigh_basins
from samplers import Target, hmc, sample

from ..basins import started
from .claim import Check

WELLS, WEIGHTS = (-1.5, 2.0), (0.25, 0.75)
WIDE, NARROW = 0.7, 0.1
NUM_CHAINS, NUM_DRAWS, CONTROL_LEVEL = 4, 2000, 0.999


class Landscape(NamedTuple):
    """The data of the planted target, so that one program serves all of them."""

    row: jax.Array  # (1,) as many likelihoods as there are data
    width: jax.Array
    begins: jax.Array  # (2,) mean and standard deviation of a start


def planted_checks(key: jax.Array) -> list[Check]:
    """Chains that cross weigh the wells rightly and pass the gates; chains that sit do not pass."""
    key_wide, key_narrow = jax.random.split(key)
    crossing, sitting = planted(key_wide, WIDE), planted(key_narrow, NARROW)
    low, high = crossing.log_ratio.low, crossing.log_ratio.high
    truth = planted_log_ratio(WIDE)
    return [
        Check(
            "planted basins: chains that cross weigh them",
            crossing.certified and low <= truth <= high,
            f"free-energy difference {truth:.3f} nats, found [{low:.3f}, {high:.3f}]"
            + (f", {crossing.reason}" if crossing.reason else ""),
        ),
        Check(
            "planted basins: chains that sit are not believed",
            not sitting.certified,
            sitting.reason or "passed every gate",
        ),
    ]


def planted(key: jax.Array, width: float) -> Basins:
    """Both wells weighed by chains of one temperature, begun in each of them and at the prior."""
    starts = {"left": (WELLS[0], width / 2), "right": (WELLS[1], width / 2), "prior": (0.0, 1.0)}
    sampler = started(hmc(8, num_warmup=100), _begin)
    draws = [
        sample(
            jax.random.fold_in(key, place),
            sampler,
            _target(width, begins),
            _which,
            (),
            num_chains=NUM_CHAINS,
            num_draws=NUM_DRAWS,
            chunk=NUM_DRAWS,
        )
        for place, begins in enumerate(starts.values())
    ]
    labels, along = (np.concatenate([one.observed[name] for one in draws]) for name in ("basin", "along"))
    names = [name for name in starts for _ in range(NUM_CHAINS)]
    status = [sentence for one in draws for sentence in one.status]
    return weigh_basins(labels, along[..., None], names, status, level=CONTROL_LEVEL)


def planted_log_ratio(width: float) -> float:
    """The logarithm of the left half plane's mass over the right's.

    >>> round(planted_log_ratio(0.7), 2), round(planted_log_ratio(0.1), 2)
    (-0.55, -0.23)
    """
    spread = 1 + width**2
    evidence = np.array(WEIGHTS) * norm.pdf(WELLS, scale=np.sqrt(spread))
    left = norm.cdf(0, loc=np.array(WELLS) / spread, scale=width / np.sqrt(spread))
    mass = float(evidence @ left / evidence.sum())
    return float(np.log(mass) - np.log1p(-mass))


def _target(width: float, begins: tuple[float, float]) -> Target:
    return Target(
        log_prior=_log_prior,
        log_likelihood=_log_likelihood,
        errors=None,
        sample_prior=_sample_prior,
        data=Landscape(jnp.zeros(1), jnp.asarray(width), jnp.asarray(begins)),
        num_data=jnp.ones(()),
        beta=jnp.ones(()),
        prior_scale=jnp.ones(2),
    )


def _log_prior(params: jax.Array) -> jax.Array:
    return -jnp.sum(params**2) / 2


def _log_likelihood(params: jax.Array, data: Landscape) -> jax.Array:
    bumps = [
        jnp.log(weight) - ((params[0] - well) ** 2 + params[1] ** 2) / (2 * data.width**2)
        for well, weight in zip(WELLS, WEIGHTS, strict=True)
    ]
    return jax.nn.logsumexp(jnp.stack(bumps))[None] + 0 * data.row


def _sample_prior(key: jax.Array) -> jax.Array:
    return jax.random.normal(key, (2,))


def _begin(key: jax.Array, target: Target) -> jax.Array:
    mean, spread = target.data.begins
    return jnp.array([mean, 0.0]) + spread * jax.random.normal(key, (2,))


def _which(params: jax.Array, inputs: Any) -> dict[str, jax.Array]:
    return {"basin": jnp.where(params[0] < 0, 1, 2), "along": params[0]}
