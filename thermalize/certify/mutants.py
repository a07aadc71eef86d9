"""Samplers that are broken on purpose: each must fail the check that the right one passes.

A suite that passes right samplers proves little until it has been seen to fail wrong ones.
Every mutant carries one mistake that has been made in print or in public code.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from samplers import Kernel, Sampler, Target
from samplers.kernel import Info, State, no_warmup
from samplers.langevin import LangevinState, baoab
from samplers.named import optax_optimiser
from samplers.target import Params, logdensity

from .laws import (
    BATCH_SIZE,
    FRICTION,
    SGHMC_FRICTION,
    SGHMC_STEPS,
    STEP_SIZE,
    TIME_STEP,
    sgd_case,
    sgld_case,
    underdamped_case,
)
from .linear import trajectory
from .measure import Case
from .quadratic import BETA, location

type Key = jax.Array


@dataclass(frozen=True, eq=False)
class Mutant:
    """A mistake in words, and the case whose law the mistaken sampler must be seen to miss."""

    mistake: str
    case: Case


@cache
def finite_step_mutants() -> tuple[Mutant, ...]:
    """One mutant a mistake, all to be judged by :func:`certify_case`."""
    sgld, kept = sgld_case(), underdamped_case()
    return (
        Mutant("noise sqrt(e) instead of sqrt(2e)", _with_kernel(sgld, _half_the_noise)),
        Mutant("N missing", _with_num_data(sgld, 1.0)),
        Mutant("N replaced by the batch size", _with_num_data(kept, BATCH_SIZE)),
        Mutant("beta on the prior too", _with_target(sgld, _tempered_prior(sgld.problem.target))),
        Mutant("the same key at every step", _with_kernel(sgld, _one_key_for_all_steps)),
        Mutant("each key used for two steps", _with_kernel(sgld, _each_key_twice)),
        Mutant("momentum redrawn at the wrong variance", _hot_momentum()),
        Mutant("wrong sign of friction", _with_kernel(kept, _negative_friction)),
        Mutant("a chain that never moves", _with_kernel(sgld, _never_moves)),
        Mutant("prior not divided by N in SGD's objective", _heavy_prior(sgd_case())),
    )


def _with_kernel(case: Case, change: Callable[[Target, Kernel], Kernel]) -> Case:
    make = case.sampler.kernel
    sampler = case.sampler._replace(kernel=lambda target, tuning: change(target, make(target, tuning)))
    return replace(case, sampler=sampler)


def _with_num_data(case: Case, num_data: float) -> Case:
    return _with_target(case, replace(case.problem.target, num_data=jnp.asarray(float(num_data))))


def _with_target(case: Case, target: Target) -> Case:
    """The case's law, but another target for its sampler."""
    return replace(case, problem=replace(case.problem, target=target))


def _half_the_noise(target: Target, kernel: Kernel) -> Kernel:
    """What a step adds beyond its full-data drift, divided by ``sqrt(2)``."""

    def step(key: Key, state: State) -> tuple[State, Info]:
        after, info = kernel.step(key, state)
        gradient = jax.grad(lambda params: logdensity(target, params))(state.params)

        def halved(before: jax.Array, slope: jax.Array, now: jax.Array) -> jax.Array:
            drifted = before + STEP_SIZE * slope
            return drifted + (now - drifted) / jnp.sqrt(2.0)

        params = jax.tree.map(halved, state.params, gradient, after.params)
        return after._replace(params=params), info

    return kernel._replace(step=step)


def _tempered_prior(target: Target) -> Target:
    return replace(target, log_prior=lambda params: BETA * target.log_prior(params))


def _one_key_for_all_steps(target: Target, kernel: Kernel) -> Kernel:
    def init(key: Key, position: Params) -> State:
        return key, kernel.init(key, position)

    def step(key: Key, state: State) -> tuple[State, Info]:
        first, inner = state
        inner, info = kernel.step(first, inner)
        return (first, inner), info

    return Kernel(init, step, lambda state: kernel.position(state[1]))


def _never_moves(target: Target, kernel: Kernel) -> Kernel:
    return kernel._replace(step=lambda key, state: (state, kernel.step(key, state)[1]))


def _negative_friction(target: Target, kernel: Kernel) -> Kernel:
    def step(key: Key, state: LangevinState) -> tuple[LangevinState, Info]:
        state, info = kernel.step(key, state)
        growth = jnp.exp(2 * FRICTION * TIME_STEP)
        grown = jax.tree.map(lambda p: growth * p, state.momentum)
        return state._replace(momentum=grown), info

    return kernel._replace(step=step)


def _each_key_twice(target: Target, kernel: Kernel) -> Kernel:
    """Steps 1 and 2 share a key, then steps 3 and 4, and so on."""

    def init(key: Key, position: Params) -> State:
        return key, jnp.zeros((), bool), kernel.init(key, position)

    def step(key: Key, state: State) -> tuple[State, Info]:
        last, again, inner = state
        used = jax.lax.select(again, last, key)
        inner, info = kernel.step(used, inner)
        return (key, ~again, inner), info

    return Kernel(init, step, lambda state: kernel.position(state[2]))


def _hot_momentum() -> Case:
    """SGHMC whose fresh momenta have variance 2."""
    problem = location()

    def kernel(target: Target, tuning: tuple[()]) -> Kernel:
        def step(key: Key, position: Params) -> tuple[Params, Info]:
            key_momentum, key_steps = jax.random.split(key)
            flat, unravel = ravel_pytree(position)
            momentum = unravel(jnp.sqrt(2.0) * jax.random.normal(key_momentum, flat.shape))
            kicks = jnp.where(jnp.arange(SGHMC_STEPS) == 0, 0.5, 1.0)

            def advance(state: LangevinState, now: tuple[Key, jax.Array]) -> tuple[LangevinState, None]:
                return baoab(now[0], target, state, TIME_STEP, SGHMC_FRICTION, now[1], BATCH_SIZE, None)[
                    0
                ], None

            keys = jax.random.split(key_steps, SGHMC_STEPS)
            state, _ = jax.lax.scan(advance, LangevinState(position, momentum), (keys, kicks))
            return state.position, {}

        return Kernel(lambda key, position: position, step, lambda position: position)

    sampler = Sampler("sghmc", "", "", no_warmup, kernel)
    step = trajectory(problem, TIME_STEP, SGHMC_FRICTION, SGHMC_STEPS, BATCH_SIZE)
    return Case(sampler, problem, (step,), "SGHMC, minibatch: fresh momentum, four BAOAB steps")


def _heavy_prior(case: Case) -> Case:
    """``prior_weight = beta N`` cancels the division."""
    units = float(case.problem.target.beta * case.problem.target.num_data)
    return replace(case, sampler=optax_optimiser("sgd", STEP_SIZE * units, (), BATCH_SIZE, units))
