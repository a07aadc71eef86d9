r"""Sequential Monte Carlo tempered from the prior to the posterior.

Particles start as prior draws at :math:`\lambda_0 = 0`. A stage takes the largest step
for which the weights keep the wanted effective sample size, resamples and moves:

.. math::

    w_i = e^{(\lambda_{t+1} - \lambda_t)\, \ell(\theta_i)}, \qquad
    \frac{(\sum w_i)^2}{\sum w_i^2} = \text{target\_ess} \cdot n, \qquad
    \log \hat Z = \sum_t \log \frac1n \sum_i w_i,

with ``l = -beta N L``, until ``lambda = 1``. Every stage ends with moves at its own
temperature, the last one too, so the particles returned are equally weighted.

Law: the posterior, up to a bias of order ``1 / num_particles``; unlike a chain, the
error from moves that are too short shows in the spread between populations.

Sources: Del Moral, Doucet and Jasra 2006, section 2; adaptive steps: Jasra et al. 2011.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
from blackjax.smc.ess import log_ess
from blackjax.smc.resampling import systematic
from blackjax.smc.solver import dichotomy

from .moves import Moves, Tuning, first_tuning, hmc_moves, move_particles
from .options import check_count, check_share
from .population import (
    Population,
    PopulationSampler,
    num_distinct,
    prior_particles,
    take,
    tempered_log_likelihood,
)
from .target import Key, Params, Target

type Array = jax.Array


@cache
def smc(
    moves: Moves | None = None, num_particles: int = 500, target_ess: float = 0.5, max_stages: int = 200
) -> PopulationSampler:
    """Adaptive tempered SMC with Hamiltonian moves unless others are given.

    ``target_ess`` is the share of the particles that the effective sample size keeps in
    every stage. Raises ``ValueError`` for counts below one or a share outside (0, 1),
    and for a target that tempering cannot serve: log likelihoods of prior draws that
    are not finite, moves that do not fit the prior, or Hamiltonian moves where the
    likelihood has no gradient.

    >>> smc().name
    'smc'
    """
    check_count(num_particles=num_particles, max_stages=max_stages)
    check_share(target_ess=target_ess)
    chosen = hmc_moves() if moves is None else moves

    def run(key: Key, target: Target) -> Population:
        return temper(key, target, chosen, num_particles, target_ess, max_stages)[0]

    return PopulationSampler(
        "smc",
        "the posterior, up to a bias of order 1 / num_particles",
        f"Del Moral, Doucet and Jasra 2006; {chosen.citation}",
        run,
        lambda target: check_tempering(target, chosen),
    )


def check_tempering(target: Target, moves: Moves, num_draws: int = 64) -> None:
    """Raises ``ValueError`` where tempering with these moves cannot work."""
    moves.check(target)
    particles = prior_particles(jax.random.key(0), target, num_draws)
    values, gradients = _probe(target, particles)
    num_bad = int(jnp.sum(~jnp.isfinite(values)))
    if num_bad:
        raise ValueError(
            f"the log likelihood is not finite at {num_bad} of {num_draws} prior draws: powers of a "
            "likelihood that is zero do not lead there step by step; use level_smc for zero training errors"
        )
    if moves.needs_gradient and target.beta > 0 and not jnp.any(gradients > 0):
        raise ValueError(
            f"{moves.name} moves follow the gradient of the log likelihood, which is zero at all "
            f"{num_draws} prior draws: a zero-one likelihood is flat; use elliptical_moves or level_smc"
        )


class Rungs(NamedTuple):
    """Log likelihoods ``l`` at every temperature of a pass, ``(max_stages + 1,)``."""

    temperature: Array  # lambda, from 0 to 1
    mean: Array  # of l over the particles, nats
    variance: Array  # of l over the particles


class Stage(NamedTuple):
    """A population on its way, at ``temperature`` between 0, the prior, and 1, the target."""

    key: Key
    particles: Params
    log_likelihood: Array  # (particle,) nats, at lambda = 1
    ancestors: Array  # (particle,) index of the prior draw
    tuning: Tuning
    temperature: Array  # lambda, ()
    log_evidence: Array
    rungs: Rungs  # that were passed; zeros beyond
    stats: dict[str, Array]


@jax.jit
def _probe(target: Target, particles: Params) -> tuple[Array, Array]:
    values, gradients = jax.vmap(jax.value_and_grad(lambda p: tempered_log_likelihood(target, p)))(particles)
    return values, jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(gradients)])


def temper(
    key: Key, target: Target, moves: Moves, num_particles: int, target_ess: float, max_stages: int
) -> tuple[Population, Rungs]:
    """One pass from the prior to the target; the particles, and the rungs, of which the last repeats."""
    first = first_stage(key, target, moves, num_particles, max_stages)
    last = climb(first, jnp.ones(()), target, moves, target_ess, max_stages)
    summary = {"num_ancestors": num_distinct(last.ancestors), "finished": last.temperature >= 1}
    places = jnp.minimum(jnp.arange(max_stages + 1), last.stats["num_stages"])
    rungs = jax.tree.map(lambda row: row[places], last.rungs)
    return Population(last.particles, last.log_evidence, last.stats | summary), rungs


def first_stage(key: Key, target: Target, moves: Moves, num_particles: int, max_stages: int) -> Stage:
    """A population of prior draws, at temperature 0."""
    key_prior, key_run = jax.random.split(key)
    particles = prior_particles(key_prior, target, num_particles)
    tuning = first_tuning(moves, particles)
    stats = {
        "num_stages": jnp.asarray(0),
        "smallest_ess": jnp.asarray(float(num_particles)),
        "acceptance_rate": jnp.zeros(()),
        "step_size": tuning.step_size,
    }
    values, zero = _log_likelihoods(target, particles), jnp.zeros(())
    empty = Rungs(*(jnp.zeros(max_stages + 1) for _ in Rungs._fields))
    return Stage(
        key_run,
        particles,
        values,
        jnp.arange(num_particles),
        tuning,
        zero,
        zero,
        _passed(empty, stats["num_stages"], zero, values),
        stats,
    )


def climb(
    first: Stage, until: Array, target: Target, moves: Moves, target_ess: float, max_stages: int
) -> Stage:
    """Stage after stage until the temperature is reached, or ``max_stages`` in all were made."""
    num_particles = first.ancestors.shape[0]

    def unfinished(stage: Stage) -> Array:
        return (stage.temperature < until) & (stage.stats["num_stages"] < max_stages)

    def advance(stage: Stage) -> Stage:
        key, key_resample, key_move = jax.random.split(stage.key, 3)
        left = until - stage.temperature
        step = next_step(stage.log_likelihood, target_ess, left)
        temperature = jnp.where(step >= left, until, stage.temperature + step)
        log_weights = step * stage.log_likelihood
        chosen = systematic(key_resample, jax.nn.softmax(log_weights), num_particles)
        ancestors = stage.ancestors[chosen]
        particles, tuning, rate = move_particles(
            key_move,
            moves,
            target,
            lambda params: temperature * tempered_log_likelihood(target, params),
            stage.tuning,
            take(stage.particles, chosen),
        )
        stats = {
            "num_stages": stage.stats["num_stages"] + 1,
            "smallest_ess": jnp.minimum(stage.stats["smallest_ess"], jnp.exp(log_ess(log_weights))),
            "acceptance_rate": rate,
            "step_size": tuning.step_size,
        }
        values = _log_likelihoods(target, particles)
        return Stage(
            key,
            particles,
            values,
            ancestors,
            tuning,
            temperature,
            stage.log_evidence + log_mean(log_weights),
            _passed(stage.rungs, stats["num_stages"], temperature, values),
            stats,
        )

    return jax.lax.while_loop(unfinished, advance, first)


def _passed(rungs: Rungs, place: Array, temperature: Array, values: Array) -> Rungs:
    """The rungs with one more."""
    here = Rungs(temperature, jnp.mean(values), jnp.var(values, ddof=1))
    return jax.tree.map(lambda row, new: row.at[place].set(new), rungs, here)


def _log_likelihoods(target: Target, particles: Params) -> Array:
    return jax.vmap(lambda params: tempered_log_likelihood(target, params))(particles)


def log_mean(log_weights: Array) -> Array:
    """The logarithm of the mean weight, nats."""
    return jax.nn.logsumexp(log_weights) - jnp.log(log_weights.shape[0])


def next_step(log_likelihood: Array, target_ess: float, largest: Array) -> Array:
    """The largest step in lambda, at most ``largest``, that keeps the effective sample size.

    >>> float(next_step(jnp.zeros(4), 0.5, jnp.asarray(0.25)))
    0.25
    """
    wanted = jnp.log(target_ess * log_likelihood.shape[0])
    return dichotomy(
        lambda step: log_ess(jnp.nan_to_num(step * log_likelihood)) - wanted, jnp.zeros(()), largest
    )
