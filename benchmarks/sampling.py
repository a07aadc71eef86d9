"""Workload 2 in jax: Hamiltonian Monte Carlo of one posterior by this project, numpyro and blackjax.

The same target, starting points, step size and number of leapfrog steps for all, unit
mass matrix, no adaptation. The starting points are draws of eight chains that were left
to run from the prior, so that what is timed is stationary. Every function makes a
measurement (see :mod:`.protocol`).

Gradients a second are a slope: seconds of ``num_draws`` draws minus seconds of
``few_draws``, because a call has fixed costs. numpyro traces and compiles anew at each
call, which halves its naive rate and says nothing of long runs.
"""

import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import blackjax
import jax
import jax.numpy as jnp
import numpy as np

from models import bayesian_model, bernoulli, breast_cancer, gaussian_prior, mlp
from samplers import Sampler, Target, hmc, logdensity, posterior, sample

from .protocol import WARM_UP, Measurement
from .workloads import CANCER_WIDTHS, LEAPFROG_STEPS, NUM_CANCER, STEP_SIZE

BURN_IN = 100
KEPT = 64  # starting points of each of the eight chains
type Params = Any


@cache
def problem() -> tuple[Target, jax.Array, Callable[[Params, jax.Array], dict[str, jax.Array]]]:
    """The posterior, the probe inputs, and what is recorded: the logits on them."""
    network = mlp(CANCER_WIDTHS, "tanh")
    model = bayesian_model(network, gaussian_prior(network), bernoulli())
    task = breast_cancer(0, num_train=NUM_CANCER, num_probe=569 - NUM_CANCER)

    def observe(params: Params, inputs: jax.Array) -> dict[str, jax.Array]:
        return {"logits": jax.vmap(model.apply, (None, 0))(params, inputs)}

    return posterior(model, task.train, num_data=NUM_CANCER), jnp.asarray(task.probe.inputs), observe


@cache
def fixed_hmc() -> Sampler:
    """This project's HMC kernel without adaptation: step size and unit mass matrix are given."""
    sampler = hmc(LEAPFROG_STEPS)

    def given(key: jax.Array, target: Target, position: Params) -> tuple[Params, dict[str, Any]]:
        size = sum(leaf.size for leaf in jax.tree.leaves(position))
        return position, {"step_size": jnp.asarray(STEP_SIZE), "inverse_mass_matrix": jnp.ones(size)}

    return sampler._replace(warmup=given)


@cache
def starting_points(burn_in: int, kept: int) -> Params:
    """``8 kept`` draws of the posterior, leaves ``(8 kept, ...)``."""
    target, inputs, observe = problem()
    draws = sample(
        jax.random.key(0),
        fixed_hmc(),
        target,
        observe,
        inputs,
        num_chains=8,
        num_draws=burn_in + kept,
        keep_params=True,
    )
    kept_draws = jax.tree.map(lambda leaf: leaf[:, burn_in:], draws.params)
    return jax.tree.map(lambda leaf: jnp.asarray(leaf.reshape(-1, *leaf.shape[2:])), kept_draws)


@cache
def starts(burn_in: int, kept: int) -> Callable[[jax.Array], Params]:
    """A law of starts: one of the starting points, uniformly."""
    points = starting_points(burn_in, kept)

    def start(key: jax.Array) -> Params:
        row = jax.random.randint(key, (), 0, 8 * kept)
        return jax.tree.map(lambda leaf: leaf[row], points)

    return start


def slope(draw: Callable[[int, int], Any], num_chains: int, few_draws: int, num_draws: int) -> Measurement:
    """Gradients a second from two runs, ``draw(repeat, number of draws)``."""

    def run(repeat: int) -> dict[str, Any]:
        times = []
        for number in (few_draws, num_draws):
            begun = time.perf_counter()
            jax.block_until_ready(draw(repeat, number))
            times.append(time.perf_counter() - begun)
        if repeat != WARM_UP and times[1] <= times[0]:
            raise ValueError(
                f"{num_draws} draws took no longer than {few_draws}: no slope, ask for more draws"
            )
        gradients = num_chains * (num_draws - few_draws) * LEAPFROG_STEPS
        return {"gradients": gradients, "seconds": times[1] - times[0], "naive_seconds": times[1]}

    return run


def ours(
    num_chains: int, few_draws: int, num_draws: int, burn_in: int = BURN_IN, kept: int = KEPT
) -> Measurement:
    """``samplers.sample``: all its statistics included. Chunks of ``few_draws`` draws, one program."""
    target, inputs, observe = problem()
    start = starts(burn_in, kept)

    def draw(repeat: int, number: int) -> Any:
        return sample(
            jax.random.key(repeat + 1),
            fixed_hmc(),
            target,
            observe,
            inputs,
            num_chains=num_chains,
            num_draws=number,
            start=start,
            chunk=few_draws,
        ).observed

    return slope(draw, num_chains, few_draws, num_draws)


def ours_effective(num_chains: int, num_draws: int, burn_in: int = BURN_IN, kept: int = KEPT) -> Measurement:
    """Effective draws of the logits by ``samplers.sample``, and the seconds they took."""
    target, inputs, observe = problem()
    start = starts(burn_in, kept)

    def draw(repeat: int) -> Any:
        return sample(
            jax.random.key(repeat + 1),
            fixed_hmc(),
            target,
            observe,
            inputs,
            num_chains=num_chains,
            num_draws=num_draws,
            start=start,
        ).observed["logits"]

    return effective(draw)


def blackjax_effective(
    num_chains: int, num_draws: int, burn_in: int = BURN_IN, kept: int = KEPT
) -> Measurement:
    """The same by blackjax, ``vmap`` over all chains inside one ``lax.scan``."""
    target, inputs, observe = problem()
    start = starts(burn_in, kept)

    @partial(jax.jit, static_argnames="num_draws")
    def run(key: jax.Array, target: Target, inputs: jax.Array, num_draws: int) -> jax.Array:
        key_start, key_run = jax.random.split(key)
        first = jax.vmap(start)(jax.random.split(key_start, num_chains))
        size = sum(leaf.size for leaf in jax.tree.leaves(first)) // num_chains
        algorithm = blackjax.hmc(partial(logdensity, target), STEP_SIZE, jnp.ones(size), LEAPFROG_STEPS)

        def transition(states: Any, key: jax.Array) -> tuple[Any, jax.Array]:
            states, _ = jax.vmap(algorithm.step)(jax.random.split(key, num_chains), states)
            return states, jax.vmap(observe, (0, None))(states.position, inputs)["logits"]

        states = jax.vmap(algorithm.init)(first)
        return jax.lax.scan(transition, states, jax.random.split(key_run, num_draws))[1].swapaxes(0, 1)

    return effective(lambda repeat: run(jax.random.key(repeat + 1), target, inputs, num_draws))


def effective(draw: Callable[[int], Any]) -> Measurement:
    """Median over the logits of the bulk effective sample size; computing it is not timed."""
    from arviz_stats.base import array_stats

    def run(repeat: int) -> dict[str, Any]:
        begun = time.perf_counter()
        logits = np.asarray(jax.block_until_ready(draw(repeat)))[..., 0]  # (chain, draw, probe)
        seconds = time.perf_counter() - begun
        if repeat == WARM_UP:
            return {}
        axes: Any = {"chain_axis": 0, "draw_axis": 1}
        bulk = array_stats.ess(logits.astype(float), method="bulk", **axes)
        rhat = array_stats.rhat(logits.astype(float), **axes)
        return {
            "effective": float(np.median(bulk)),
            "rhat": float(np.median(rhat)),
            "draws": logits.shape[0] * logits.shape[1],
            "seconds": seconds,
        }

    return run
