"""Samplers from the prior to the end, warm-up included, against posteriors that are known.

Chains, or populations, are the units: each gives an average over its draws, and errors come
from the spread between them. Where the truth is itself measured, by rejection, its standard
error is added.
"""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from samplers import PopulationSampler, Sampler, Target, populations
from samplers.evidence import Evidence
from samplers.target import Key, Params

from .check import Check, Matrix, Moment, check_moments
from .networks import Known

type Array = jax.Array


def exact_check(
    key: Key, sampler: Sampler, known: Known, *, num_chains: int = 128, num_draws: int = 100
) -> Check:
    """Chains from prior starts with their own warm-up."""
    return _judge(sampler.name, known, np.asarray(_averages(sampler, known, key, num_chains, num_draws)))


def population_check(
    key: Key, sampler: PopulationSampler, known: Known, *, num_populations: int = 32
) -> Check:
    """Populations of particles, which start from the prior by themselves."""
    averages, _ = population_averages(key, sampler, known, num_populations)
    return _judge(sampler.name, known, averages)


def population_averages(
    key: Key, sampler: PopulationSampler, known: Known, num_populations: int
) -> tuple[Matrix, Evidence]:
    """Functionals averaged over the particles of each population, and the evidence of all."""
    draws, evidence = populations(
        key, sampler, known.target, partial(_observe, known), (), num_chains=num_populations
    )
    averages = np.asarray(draws.observed["functionals"], np.float64).mean(axis=1)
    failed = [sentence != "ok" for sentence in draws.status]
    averages[failed] = np.nan  # a population that failed fails the check
    return averages, evidence


def _observe(known: Known, params: object, inputs: object) -> dict[str, Array]:
    return {"functionals": known.observe(params)}


def _judge(name: str, known: Known, averages: Matrix) -> Check:
    moments = [
        Moment(
            what,
            averages[:, i].astype(np.float64) / known.scale[i],
            float(known.mean[i] / known.scale[i]),
            float(known.mean_error[i] / known.scale[i]),
        )
        for i, what in enumerate(known.names)
    ]
    return check_moments(name, f"exact posterior: {known.name}", moments)


@partial(jax.jit, static_argnames=("sampler", "known", "num_chains", "num_draws"))
def _averages(sampler: Sampler, known: Known, key: Key, num_chains: int, num_draws: int) -> Array:
    target = known.target

    def one(key: Key) -> Array:
        key_start, key_warmup, key_init, key_run = jax.random.split(key, 4)
        start = target.sample_prior(key_start)
        keys = key_warmup, key_init, key_run
        return whole_run(keys, sampler, target, start, known.observe, num_draws).mean(axis=0)

    return jax.vmap(one)(jax.random.split(key, num_chains))


def whole_run(
    keys: tuple[Key, Key, Key],
    sampler: Sampler,
    target: Target,
    start: Params,
    observe: Callable[[Params], Array],
    num_draws: int,
) -> Array:
    """Warm up from ``start``, then ``num_draws`` observed draws, ``(draw, functional)``.

    The keys are for warm-up, the kernel's first state and its steps.
    """
    key_warmup, key_init, key_run = keys
    position, tuning = sampler.warmup(key_warmup, target, start)
    kernel = sampler.kernel(target, tuning)

    def transition(state: object, key: Key) -> tuple[object, None]:
        return kernel.step(key, state)[0], None

    def draw(state: object, key: Key) -> tuple[object, Array]:
        state, _ = jax.lax.scan(transition, state, jax.random.split(key, sampler.num_steps_per_draw))
        return state, observe(kernel.position(state))

    keys_draws = jax.random.split(key_run, num_draws)
    drawn: Array = jax.lax.scan(draw, kernel.init(key_init, position), keys_draws)[1]
    return drawn
