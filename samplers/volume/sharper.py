"""Particles on a ladder of ever sharper losses: what ``fitting.py`` integrates.

On the rung ``k`` the law is ``pi(theta) exp(l_k)``, ``l_k`` the log likelihood of all labels under
logits ``k`` times as large.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from blackjax.smc.ess import log_ess
from blackjax.smc.resampling import systematic
from jax.sharding import Mesh

from ..lanes import map_lanes
from ..moves import Moves, Tuning, move_particles, spread
from ..population import take
from ..smc import log_mean
from ..target import Key, Params, Target, loss, training_errors

type Array = jax.Array
type Sharpen = Callable[[Params, Array], Params]  # parameters whose logits are k times as large

# The ladder of k, and rungs more at its top, for particles to settle. At 50 a tenth of the particles carried
# the weight of the networks that fit, at 100 a third, at 200 a half (7 bits, 20 random labels).
FIRST, LAST, STAY = 0.05, 100.0, 3


def scaled_last_layer(params: Params, k: Array) -> Params:
    """A network given layer by layer, the last one linear, whose outputs are ``k`` times as large.

    >>> scaled_last_layer([{"w": 2.0}, {"w": 3.0, "b": 1.0}], 10.0)
    [{'w': 2.0}, {'b': 10.0, 'w': 30.0}]
    """
    *rest, last = params
    return [*rest, jax.tree.map(lambda leaf: k * leaf, last)]


def sharpness(rungs_a_doubling: int) -> np.ndarray:
    """The ladder of ``k``: 0, a geometric progression from ``FIRST`` to ``LAST`` by way of 1, a stay there.

    >>> [round(float(k), 2) for k in sharpness(1)]
    [0.0, 0.05, 0.11, 0.22, 0.47, 1.0, 1.93, 3.73, 7.2, 13.89, 26.83, 51.79, 100.0, 100.0, 100.0, 100.0]
    """
    low = np.geomspace(FIRST, 1.0, 1 + max(1, round(rungs_a_doubling * -np.log2(FIRST))))
    high = np.geomspace(1.0, LAST, 1 + max(1, round(rungs_a_doubling * np.log2(LAST))))
    return np.concatenate([[0.0], low, high[1:], np.full(STAY, LAST)]).astype(np.float32)


class Leg(NamedTuple):
    """A walk over the rungs of a ladder by every pass, leaves ``(pass, ...)``."""

    particles: Params
    step_size: Array
    mean: Array  # (pass, rung) of the slope of l_k over the particles
    bend: Array  # (pass, rung) the slope of that mean along k
    weight: Array  # (pass, rung) log mean weight of a particle as a draw of the networks that fit, nats
    share: Array  # (pass, rung) effective share of the particles under those weights
    kept: Array  # (pass, rung - 1) effective share under the weights of a step


@partial(jax.jit, static_argnames=("moves", "sharpen", "mesh"))
def walk(
    moves: Moves, sharpen: Sharpen, mesh: Mesh, shared: tuple[Target, Array], lanes: tuple[Key, Params, Array]
) -> Leg:
    """Every pass over the rungs of a ladder: resampled by the weights of a step, then moved on its rung."""

    def one(shared: tuple[Target, Array], lane: tuple[Key, Params, Array]) -> Leg:
        (target, ladder), (key, particles, step_size) = shared, lane
        value = partial(_log_likelihood, target, sharpen)

        def step(
            carry: tuple[Params, Array], rung: tuple[Key, Array, Array]
        ) -> tuple[tuple[Params, Array], tuple[Array, ...]]:
            (particles, step_size), (key, before, k) = carry, rung
            key_resample, key_move = jax.random.split(key)
            log_weights = jax.vmap(lambda params: value(k, params) - value(before, params))(particles)
            chosen = systematic(key_resample, jax.nn.softmax(log_weights), len(log_weights))
            particles, tuning, _ = move_particles(
                key_move,
                moves,
                target,
                partial(value, k),
                Tuning(step_size, spread(particles)),
                take(particles, chosen),
            )
            seen = _seen(target, sharpen, k, particles)
            return (particles, tuning.step_size), (*seen, _effective_share(log_weights))

        first = _seen(target, sharpen, ladder[0], particles)
        keys = jax.random.split(key, len(ladder) - 1)
        (particles, step_size), (*seen, kept) = jax.lax.scan(
            step, (particles, step_size), (keys, ladder[:-1], ladder[1:])
        )
        rows = [jnp.concatenate([here[None], rest]) for here, rest in zip(first, seen, strict=True)]
        mean, bend, weight, share = rows
        return Leg(particles, step_size, mean, bend, weight, share, kept)

    return map_lanes(one, shared, lanes, mesh=mesh, block=1)


def _seen(target: Target, sharpen: Sharpen, k: Array, particles: Params) -> tuple[Array, Array, Array, Array]:
    """Mean slope, its slope, log mean weight as networks that fit, effective share, of particles at ``k``."""

    def of(params: Params) -> tuple[Array, Array, Array]:
        def along(k: Array) -> tuple[Array, Array]:
            return jax.jvp(lambda k: _log_likelihood(target, sharpen, k, params), (k,), (jnp.ones(()),))

        (value, slope), (_, bend) = jax.jvp(along, (k,), (jnp.ones(()),))
        return jnp.where(training_errors(target, params) == 0, -value, -jnp.inf), slope, bend

    log_weights, slope, bend = jax.vmap(of)(particles)
    bends = jnp.var(slope, ddof=1) + jnp.mean(bend)
    return jnp.mean(slope), bends, log_mean(log_weights), _effective_share(log_weights)


def _effective_share(log_weights: Array) -> Array:
    """Of the particles; 0 where none has any weight."""
    share = jnp.exp(log_ess(log_weights)) / len(log_weights)
    return jnp.where(jnp.any(log_weights > -jnp.inf), share, 0.0)


@partial(jax.jit, static_argnames=("sharpen",))
def _at_zero(target: Target, sharpen: Sharpen, particles: Params) -> Array:
    return jax.vmap(jax.vmap(partial(_log_likelihood, target, sharpen, jnp.zeros(()))))(particles)


def guess_of(target: Target, sharpen: Sharpen, particles: Params) -> float:
    """The log likelihood of guessing, nats."""
    found = np.asarray(_at_zero(target, sharpen, particles))
    if not np.ptp(found) < 1e-3:
        raise ValueError(
            f"sharpen(params, 0) must guess: log likelihoods there lie {np.ptp(found):.3g} nats apart"
        )
    return float(found.mean())


def _log_likelihood(target: Target, sharpen: Sharpen, k: Array, params: Params) -> Array:
    """``l_k``, nats; ``-inf`` where it is not a number."""
    value = -target.num_data * loss(target, sharpen(params, k))
    return jnp.where(jnp.isnan(value), -jnp.inf, value)
