"""Exact samplers broken on purpose: mistakes that a test of invariance or calibration must see.

The mutants of the finite-step laws are in ``mutants.py``; these are judged by the checks of
the exact samplers.
"""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp

from samplers import Kernel, PopulationSampler, Sampler, Target, hmc, sgld
from samplers.kernel import Info, State, no_warmup
from samplers.population import Population, prior_particles, tempered_log_likelihood
from samplers.sgld import SgldTuning
from samplers.target import Key

from .kernels import POSTERIOR_KERNELS
from .networks import boolean_target

type Array = jax.Array

MOST_TRIES = 100


def no_metropolis_test(target: Target) -> Kernel:
    """MALA's proposals, all accepted."""
    sampler = sgld(0.15, None, 1, num_steps_per_draw=1)
    return sampler.kernel(target, SgldTuning(None, None))


def accepted_states_only(target: Target) -> Kernel:
    """A random walk that counts a state only when it is left: refusals are tried again."""
    kernel = POSTERIOR_KERNELS["random_walk"](target)

    def step(key: Key, state: State) -> tuple[State, Info]:
        def refused(carry: tuple[State, Array]) -> Array:
            now, tries = carry
            return (now.logdensity == state.logdensity) & (tries < MOST_TRIES)

        def again(carry: tuple[State, Array]) -> tuple[State, Array]:
            _, tries = carry
            return kernel.step(jax.random.fold_in(key, tries), state)[0], tries + 1

        now, _ = jax.lax.while_loop(refused, again, (state, jnp.zeros((), int)))
        return now, {}

    return kernel._replace(step=step)


def never_moves(target: Target) -> Kernel:
    kernel = POSTERIOR_KERNELS["hmc"](target)
    return kernel._replace(step=lambda key, state: (state, kernel.step(key, state)[1]))


def data_counted_once(target: Target) -> Target:
    """``N`` missing: the mean loss where the sum belongs."""
    return replace(target, num_data=jnp.ones(()))


def variance_for_deviation() -> Target:
    """The prior's variances where its standard deviations belong."""
    target = boolean_target()
    return replace(target, prior_scale=jax.tree.map(jnp.square, target.prior_scale))


def prior_forgotten(target: Target) -> Target:
    return replace(target, log_prior=lambda params: jnp.zeros(()))


def start_kept() -> Sampler:
    """Draws from the first step on, no warm-up: the average remembers the prior start."""
    tuning = {"step_size": jnp.asarray(0.05), "inverse_mass_matrix": jnp.ones(21)}
    sampler = hmc(3)
    make: Callable[[Target, object], Kernel] = sampler.kernel
    return sampler._replace(warmup=no_warmup, kernel=lambda target, _: make(target, tuning))


def weights_ignored(num_particles: int = 200) -> PopulationSampler:
    """Importance sampling from the prior whose weights make the evidence but not the particles."""

    def run(key: Key, target: Target) -> Population:
        particles = prior_particles(key, target, num_particles)
        weights = jax.vmap(lambda params: tempered_log_likelihood(target, params))(particles)
        log_evidence = jax.nn.logsumexp(weights) - jnp.log(num_particles)
        stats = {"num_stages": jnp.asarray(1), "num_ancestors": jnp.asarray(num_particles)}
        return Population(particles, log_evidence, stats | {"finished": jnp.asarray(True)})

    return PopulationSampler("smc", "", "", run)
