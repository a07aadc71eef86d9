r"""Sequential Monte Carlo by levels of training errors: the zero-one posterior.

The prior is conditioned on ever fewer training errors, :math:`e_1 > e_2 > \dots > 0`,
each level the median of the particles' errors, or lower:

.. math::

    P(\text{errors} = 0) = \prod_t P(\text{errors} \le e_{t+1} \mid \text{errors} \le e_t), \qquad
    \log \hat Z = \sum_t \log \frac{\text{survivors}_t}{n}.

Survivors are resampled and moved by kernels that are reversible for the prior and stay
in the set, so no gradient of the zero-one likelihood is ever asked for.

Many particles may share the level's errors: no lower count then keeps enough of them.
With ``break_ties`` such a set is split by the loss L: its levels are
``{errors < e} or {errors = e and L <= l}``, which are nested too. They are bridges only.
The last level is ``{errors = 0}`` without any condition on the loss, so the law is the
same with and without.

Law: the prior given zero training errors, up to a bias of order ``1 / num_particles``;
``beta`` plays no part. The evidence is the prior's probability of fitting the data.

Sources: Au and Beck 2001 (subset simulation); Cérou et al. 2012 (unbiased products).
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
from blackjax.smc.resampling import systematic

from .moves import Moves, Tuning, first_tuning, move_particles
from .options import check_count, check_share
from .population import Population, PopulationSampler, num_distinct, prior_particles, take
from .sweep import elliptical_moves
from .target import Key, Params, Target, loss, training_errors

type Array = jax.Array


@cache
def level_smc(
    moves: Moves | None = None,
    num_particles: int = 500,
    survival: float = 0.5,
    break_ties: bool = True,
    max_stages: int = 500,
) -> PopulationSampler:
    """SMC by levels of training errors, with elliptical slice moves unless others are given.

    ``survival`` is the share of particles that a level keeps where ties allow. Raises
    ``ValueError`` for counts below one, a share outside (0, 1), moves that need a
    gradient, and for a target without labels or whose prior the moves cannot serve.

    >>> level_smc().law
    'the prior given zero training errors, up to a bias of order 1 / num_particles'
    """
    check_count(num_particles=num_particles, max_stages=max_stages)
    check_share(survival=survival)
    chosen = elliptical_moves() if moves is None else moves
    if chosen.needs_gradient:
        raise ValueError(
            f"{chosen.name} moves follow a gradient, and a count of training errors has none: "
            "use elliptical_moves, crank_nicolson_moves or random_walk_moves"
        )

    def run(key: Key, target: Target) -> Population:
        return _descend(key, target, chosen, num_particles, survival, break_ties, max_stages)

    def check(target: Target) -> None:
        chosen.check(target)
        if target.errors is None:
            raise ValueError(
                "levels of training errors need labels: this likelihood is a regression; use smc, "
                "which tempers the likelihood"
            )

    return PopulationSampler(
        "level_smc",
        "the prior given zero training errors, up to a bias of order 1 / num_particles",
        f"Au and Beck 2001; Cérou et al. 2012; {chosen.citation}",
        run,
        check,
    )


class Level(NamedTuple):
    """The set ``{errors < e} or {errors = e and loss <= l}``; ``l = inf`` is no condition."""

    errors: Array  # ()
    loss: Array  # ()


class _Stage(NamedTuple):
    key: Key
    particles: Params
    fit: Level  # errors and loss of every particle, (particle,)
    ancestors: Array  # (particle,) index of the prior draw
    tuning: Tuning
    level: Level
    log_evidence: Array
    stats: dict[str, Array]


def within(level: Level, fit: Level) -> Array:
    """Whether a fit lies in the level's set."""
    return (fit.errors < level.errors) | ((fit.errors == level.errors) & (fit.loss <= level.loss))


def next_level(level: Level, fits: Level, survival: float, *, break_ties: bool) -> Level:
    """The next level down for particles with these fits, all within ``level``.

    >>> fits = Level(jnp.array([3, 2, 2, 1]), jnp.array([0.9, 0.6, 0.7, 0.1]))
    >>> top = Level(jnp.asarray(3), jnp.asarray(jnp.inf))
    >>> [float(x) for x in next_level(top, fits, 0.5, break_ties=True)]
    [2.0, inf]
    """
    num_particles = fits.errors.shape[0]
    order = jnp.lexsort((fits.loss, fits.errors))
    median = take(fits, order[max(1, round(survival * num_particles)) - 1])
    no_limit = jnp.full_like(level.loss, jnp.inf)
    stalled = median.errors >= level.errors  # the level's own errors: a lower count keeps too few
    if break_ties:
        return Level(median.errors, jnp.where(stalled & (median.errors > 0), median.loss, no_limit))
    return Level(jnp.where(stalled, level.errors - 1, median.errors), no_limit)


def _descend(
    key: Key,
    target: Target,
    moves: Moves,
    num_particles: int,
    survival: float,
    break_ties: bool,
    max_stages: int,
) -> Population:
    def fit(params: Params) -> Level:
        value = loss(target, params)
        return Level(training_errors(target, params), jnp.where(jnp.isnan(value), jnp.inf, value))

    def reached(stage: _Stage) -> Array:
        return (stage.level.errors == 0) & (stage.level.loss == jnp.inf)

    def unfinished(stage: _Stage) -> Array:
        alive = stage.log_evidence > -jnp.inf
        return ~reached(stage) & alive & (stage.stats["num_stages"] < max_stages)

    def advance(stage: _Stage) -> _Stage:
        key, key_resample, key_move = jax.random.split(stage.key, 3)
        level = next_level(stage.level, stage.fit, survival, break_ties=break_ties)
        survives = within(level, stage.fit)
        num_survivors = jnp.sum(survives)
        weights = jnp.where(num_survivors > 0, survives / jnp.maximum(num_survivors, 1), 1 / num_particles)
        chosen = systematic(key_resample, weights, num_particles)
        particles, tuning, rate = move_particles(
            key_move,
            moves,
            target,
            lambda params: jnp.where(within(level, fit(params)), 0.0, -jnp.inf),
            stage.tuning,
            take(stage.particles, chosen),
        )
        stats = {
            "num_stages": stage.stats["num_stages"] + 1,
            "smallest_ess": jnp.minimum(stage.stats["smallest_ess"], num_survivors.astype(float)),
            "acceptance_rate": rate,
            "step_size": tuning.step_size,
        }
        return _Stage(
            key,
            particles,
            jax.vmap(fit)(particles),
            stage.ancestors[chosen],
            tuning,
            level,
            stage.log_evidence + jnp.log(num_survivors / num_particles),
            stats,
        )

    key_prior, key_run = jax.random.split(key)
    particles = prior_particles(key_prior, target, num_particles)
    fits = jax.vmap(fit)(particles)
    tuning = first_tuning(moves, particles)
    stats = {
        "num_stages": jnp.asarray(0),
        "smallest_ess": jnp.asarray(float(num_particles)),
        "acceptance_rate": jnp.zeros(()),
        "step_size": tuning.step_size,
    }
    everything = Level(jnp.max(fits.errors), jnp.asarray(jnp.inf))
    first = _Stage(
        key_run, particles, fits, jnp.arange(num_particles), tuning, everything, jnp.zeros(()), stats
    )
    last = jax.lax.while_loop(unfinished, advance, first)
    summary = {"num_ancestors": num_distinct(last.ancestors), "finished": reached(last)}
    return Population(last.particles, last.log_evidence, last.stats | summary)
