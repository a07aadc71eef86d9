"""Endpoints of one small classifier, trained by the driver and replayed by hand."""

import functools
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from samplers import (
    Draws,
    Stop,
    loss,
    optimise,
    optimiser,
    training_errors,
)

from .problems import PROBE, classes, logits

type Array = jax.Array

KEY = jax.random.key(3)
NUM_ENDPOINTS, NUM_STEPS = 10, 150
SGD = optimiser(optax.sgd(0.05), batch_size=8, name="sgd")
CLASSES = classes()


def trained(stop: Stop, **options: Any) -> Draws:
    options = {"num_endpoints": NUM_ENDPOINTS, "record_every": 40, "lanes": 2, "keep_params": True} | options
    return optimise(KEY, SGD, CLASSES.target, logits, PROBE, stop=stop, **options)


class Replay(NamedTuple):
    """Every step of every endpoint, step 0 included: leaves ``(endpoint, step, ...)``."""

    params: Any
    losses: np.ndarray
    errors: np.ndarray


@functools.cache
def replay() -> Replay:
    kernel = SGD.kernel(CLASSES.target, ())

    @jax.jit
    def step(key: Array, t: Array, params: Any) -> tuple[Any, Array, Array]:
        state = kernel.init(key, params)
        moved = kernel.position(kernel.step(jax.random.fold_in(key, t), state)[0])
        return moved, loss(CLASSES.target, moved), training_errors(CLASSES.target, moved)

    def endpoint(e: int) -> list[Any]:
        key_start, _, _, key_run = jax.random.split(jax.random.fold_in(KEY, e), 4)
        params = CLASSES.target.sample_prior(key_start)
        rows = [(params, loss(CLASSES.target, params), training_errors(CLASSES.target, params))]
        for t in range(NUM_STEPS):
            rows.append(step(key_run, t, rows[-1][0]))
        return rows

    table = [endpoint(e) for e in range(NUM_ENDPOINTS)]
    stacked = jax.tree.map(
        lambda *leaves: np.stack(leaves), *[jax.tree.map(lambda *x: np.stack(x), *r) for r in table]
    )
    return Replay(*stacked)


def first(condition: np.ndarray) -> np.ndarray:
    """The first step at which the condition holds, -1 for never, ``(endpoint,)``."""
    return np.where(condition.any(axis=1), condition.argmax(axis=1), -1)


def at(steps: np.ndarray) -> Any:
    return jax.tree.map(lambda leaf: leaf[np.arange(NUM_ENDPOINTS), steps][:, None], replay().params)


def close(left: Any, right: Any) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), left, right)


@functools.cache
def fitted() -> Draws:
    return trained(Stop("first_fit", max_steps=NUM_STEPS))
