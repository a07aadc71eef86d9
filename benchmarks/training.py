"""Workload 1 in jax: endpoints by this project's engine, and by ``vmap`` in lockstep.

Each function makes a measurement (see :mod:`.protocol`): endpoints trained, steps taken
in all, and seconds, compile time excluded.
"""

import time
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from models import Batch, Model, bayesian_model, bernoulli, gaussian_prior, mlp
from samplers import Draws, Sampler, Stop, Target, optimise, optimiser, posterior
from samplers.draws import Observe

from .protocol import WARM_UP, Measurement
from .workloads import BATCH_SIZE, CHECK_EVERY, LEARNING_RATE, MAX_STEPS, boolean_rows, training_rows

CHUNK = 1024


class Problem(NamedTuple):
    """What is trained on what, by which optimiser; ``observe`` records the function on all ``inputs``."""

    model: Model
    target: Target
    sgd: Sampler
    inputs: jax.Array
    observe: Observe


@cache
def problem(widths: tuple[int, ...], num_train: int) -> Problem:
    """The networks of these widths and ``num_train`` points of the function."""
    network = mlp(widths, "relu")
    model = bayesian_model(network, gaussian_prior(network), bernoulli())
    inputs, values = training_rows(widths[0], num_train)
    data = Batch(jnp.asarray(inputs), jnp.asarray(values))
    sgd = optimiser(optax.sgd(LEARNING_RATE), batch_size=min(BATCH_SIZE, num_train), name="sgd")

    def observe(params: Any, inputs: jax.Array) -> dict[str, jax.Array]:
        return {"labels": jax.vmap(model.apply, (None, 0))(params, inputs)[:, 0] > 0}

    target = posterior(model, data, num_data=num_train)
    return Problem(model, target, sgd, jnp.asarray(boolean_rows(widths[0])[0]), observe)


def ours(
    widths: list[int],
    num_train: int,
    num_endpoints: int,
    lanes: int = 16,
    chunk: int = CHUNK,
    budget: int | None = None,
) -> Measurement:
    """``samplers.optimise`` to zero training errors, or for ``budget`` steps.

    The function of every endpoint on all inputs is recorded, handed over chunk by chunk
    and forgotten. ``growth`` has, chunk by chunk, endpoints so far, seconds so far and
    the memory of this process in MB.
    """
    _, target, sgd, inputs, observe = problem(tuple(widths), num_train)
    stop = Stop("first_fit", max_steps=MAX_STEPS) if budget is None else Stop("budget", max_steps=budget)

    def run(repeat: int) -> dict[str, Any]:
        count = min(num_endpoints, chunk) if repeat == WARM_UP else num_endpoints
        steps, unfit, growth = 0, 0, []
        begun = time.perf_counter()

        def forget(draws: Draws, first: int) -> None:
            nonlocal steps, unfit
            steps += int(draws.stats["steps"].sum())
            unfit += int((draws.stats["steps_to_fit"] < 0).sum())
            seen = first + len(draws.status)
            growth.append((seen, time.perf_counter() - begun, memory_now()))

        optimise(
            jax.random.key(repeat + 1),
            sgd,
            target,
            observe,
            inputs,
            num_endpoints=count,
            stop=stop,
            lanes=lanes,
            chunk=chunk,
            sink=forget,
        )
        seconds = time.perf_counter() - begun
        return {
            "endpoints": count,
            "steps": steps,
            "unfit": unfit,
            "seconds": seconds,
            "growth": growth,
            "peak": peak_memory(),
        }

    return run


def lockstep(widths: list[int], num_train: int, num_endpoints: int, lanes: int) -> Measurement:
    """Plain jax: ``vmap`` of a ``while_loop``, batch after batch of ``lanes`` networks.

    Under ``vmap`` the loop goes on until the slowest network of its batch has fitted.
    Training errors are looked for every ``CHECK_EVERY`` steps, which is faster. Networks are
    written out, as one would: nothing of this project is in a step.
    """
    model, target, *_ = problem(tuple(widths), num_train)
    batch_size = min(BATCH_SIZE, num_train)

    def logits(params: Any, x: jax.Array) -> jax.Array:  # (n, d) -> (n,)
        *hidden, last = params
        for layer in hidden:
            x = jax.nn.relu(x @ layer["w"] + layer["b"][None])
        return (x @ last["w"] + last["b"][None])[:, 0]

    @jax.jit
    def train(key: jax.Array, data: Batch, max_steps: int) -> jax.Array:
        def loss(params: Any, batch: Batch) -> jax.Array:
            return optax.losses.sigmoid_binary_cross_entropy(
                logits(params, batch.inputs), batch.targets.astype(float)
            ).mean()

        def one(key: jax.Array) -> jax.Array:
            key_start, key_run = jax.random.split(key)

            def step(t: jax.Array, carry: tuple[Any, jax.Array]) -> tuple[Any, jax.Array]:
                params, first = carry
                rows = jax.random.randint(jax.random.fold_in(key_run, first + t), (batch_size,), 0, num_train)
                grad = jax.grad(loss)(params, jax.tree.map(lambda leaf: leaf[rows], data))
                return jax.tree.map(lambda p, g: p - LEARNING_RATE * g, params, grad), first

            def body(carry: tuple[Any, jax.Array, jax.Array]) -> tuple[Any, jax.Array, jax.Array]:
                params, taken, _ = carry
                params, _ = jax.lax.fori_loop(0, CHECK_EVERY, step, (params, taken))
                fits = jnp.all((logits(params, data.inputs) > 0) == data.targets)
                return params, taken + CHECK_EVERY, fits

            def going(carry: tuple[Any, jax.Array, jax.Array]) -> jax.Array:
                return ~carry[2] & (carry[1] < max_steps)

            start = (model.sample_prior(key_start), jnp.asarray(0), jnp.asarray(False))
            return jax.lax.while_loop(going, body, start)[1]

        return jax.vmap(one)(jax.random.split(key, lanes))

    def run(repeat: int) -> dict[str, Any]:
        key = jax.random.key(repeat + 1)
        max_steps = CHECK_EVERY if repeat == WARM_UP else MAX_STEPS
        num_batches = 1 if repeat == WARM_UP else -(-num_endpoints // lanes)
        begun = time.perf_counter()
        steps = [
            np.asarray(train(jax.random.fold_in(key, batch), target.data, max_steps))
            for batch in range(num_batches)
        ]
        seconds = time.perf_counter() - begun
        return {
            "endpoints": num_batches * lanes,
            "steps": int(np.sum(steps)),
            "unfit": int(np.sum(np.asarray(steps) >= MAX_STEPS)),
            "seconds": seconds,
        }

    return run


def memory_now() -> float:
    """Resident memory of this process, MB; its peak where the system does not tell."""
    try:
        with open("/proc/self/statm") as pages:
            return int(pages.read().split()[1]) * 4096 / 1e6
    except OSError:
        return peak_memory()


def peak_memory() -> float:
    """Largest resident memory of this process so far, MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
