r"""Log evidence by thermodynamic integration over the tempered pass.

.. math::

    \log Z = \int_0^1 \mathrm E_\lambda[\ell]\, d\lambda, \qquad
    \ell = -\beta N L, \quad p_\lambda \propto \pi\, e^{\lambda \ell},

by the trapezoidal rule with its correction from the variances, which are the slopes of the
integrand,

.. math::

    \int_a^b \mathrm E_\lambda[\ell]\, d\lambda \approx \frac{b - a}2 (m_a + m_b)
        - \frac{(b - a)^2}{12} (v_b - v_a),

over the rungs of an adaptive pass (``smc.py``). The error of the rule falls with the fourth
power of the steps, so that a fifteenth of what changes when every second rung is left out
estimates it: that is added, and counted as an error all the same. Independent passes give
the sampling error.

The product of the weights' means estimates the same number from the same passes, but errs
otherwise: it is unbiased for any moves and errs by rare large weights; the integral needs
particles in equilibrium at every rung and errs where moves are too short. Where the two
agree neither has happened.

Sources: Gelman and Meng 1998, section 2; Friel, Hurn and Wyse 2014 (correction).
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..draws import Inputs, Progress, silent
from ..moves import Moves, hmc_moves
from ..options import check_count, check_share
from ..population import Population, PopulationSampler, populations
from ..smc import Rungs, check_tempering, temper
from ..target import Key, Params, Target
from .estimate import Estimate, mean_of, unavailable

type Array = jax.Array


class TemperedEvidence(NamedTuple):
    """Log evidence, nats, by two estimators from the same passes; errors are between passes.

    The integral's standard error contains ``discretisation``, that of the rule. ``passes`` are
    the integrals one by one.
    """

    integral: Estimate
    product: Estimate
    discretisation: float
    passes: list[float]


def thermodynamic_evidence(
    key: Key,
    target: Target,
    *,
    moves: Moves | None = None,
    num_passes: int = 4,
    num_particles: int = 300,
    target_ess: float = 0.8,
    max_stages: int = 300,
    progress: Progress = silent,
) -> TemperedEvidence:
    """The log evidence of a target by thermodynamic integration, beside the product estimate.

    ``num_passes`` independent populations of ``num_particles`` walk from the prior to the
    target. No estimate, with the reason, if a pass collapsed or did not arrive. Raises
    ``ValueError`` for counts below one, a share outside (0, 1) and targets that tempering
    cannot serve, as :func:`samplers.smc`.

    >>> from models import Batch, bayesian_model, gaussian, gaussian_prior, mlp
    >>> from samplers import elliptical_moves, posterior
    >>> network = mlp([1, 1])
    >>> model = bayesian_model(network, gaussian_prior(network), gaussian(0.5))
    >>> target = posterior(model, Batch(jnp.ones((4, 1)), jnp.ones(4)), num_data=4)
    >>> found = thermodynamic_evidence(jax.random.key(0), target, moves=elliptical_moves(3),
    ...                                num_particles=100)
    >>> bool(abs(found.integral.value + 2.7) < 0.5)  # exactly -2.70...
    True
    """
    sampler = passes(moves or hmc_moves(), num_particles, target_ess, max_stages)
    draws, _ = populations(key, sampler, target, _nothing, (), num_chains=num_passes, progress=progress)
    found, correction, product = (
        draws.stats[name][:, 0].astype(float) for name in ("integral", "correction", "product")
    )
    rule = float(abs(np.mean(correction)))
    failed = [sentence for sentence in draws.status if sentence != "ok"]
    if failed:
        nothing = unavailable(f"{len(failed)} of {num_passes} passes are not usable; {failed[0]}")
        return TemperedEvidence(nothing, nothing, rule, found.tolist())
    integral = mean_of(found)
    if integral.standard_error is not None:
        integral = integral._replace(standard_error=float(np.hypot(integral.standard_error, rule)))
    return TemperedEvidence(integral, mean_of(product), rule, found.tolist())


def integrated(rungs: Rungs) -> Array:
    """The integral of the mean over the rungs, ``()`` nats.

    >>> rungs = Rungs(jnp.array([0.0, 0.5, 1.0]), jnp.array([0.0, 0.25, 1.0]), jnp.array([0.0, 1.0, 2.0]))
    >>> round(float(integrated(rungs)), 6)  # of the square: no error
    0.333333
    """
    step = jnp.diff(rungs.temperature)
    middle = (rungs.mean[1:] + rungs.mean[:-1]) / 2
    return jnp.sum(step * middle - step**2 / 12 * jnp.diff(rungs.variance))


def corrected(rungs: Rungs, num_stages: Array) -> tuple[Array, Array]:
    """The integral with a fifteenth of what leaving out every second rung changes, and that, ``()`` nats."""
    every_second = jnp.minimum(2 * jnp.arange(rungs.mean.shape[0] // 2 + 2), num_stages)
    fine, coarse = integrated(rungs), integrated(jax.tree.map(lambda row: row[every_second], rungs))
    correction = (fine - coarse) / 15
    return fine + correction, correction


@cache
def passes(moves: Moves, num_particles: int, target_ess: float, max_stages: int) -> PopulationSampler:
    """SMC whose log evidence is the integral."""
    check_count(num_particles=num_particles, max_stages=max_stages)
    check_share(target_ess=target_ess)

    def run(key: Key, target: Target) -> Population:
        found, rungs = temper(key, target, moves, num_particles, target_ess, max_stages)
        integral, correction = corrected(rungs, found.stats["num_stages"])
        stats = {"integral": integral, "correction": correction, "product": found.log_evidence}
        return Population(found.params, integral, found.stats | stats)

    return PopulationSampler(
        "thermodynamic",
        "the posterior, up to a bias of order 1 / num_particles",
        f"Gelman and Meng 1998; Friel, Hurn and Wyse 2014; {moves.citation}",
        run,
        lambda target: check_tempering(target, moves),
    )


def _nothing(params: Params, inputs: Inputs) -> dict[str, Array]:
    return {}
