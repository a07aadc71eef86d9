"""Endpoints of one small classifier, trained by the driver and replayed by hand.

A program of the driver takes seconds to compile, so the tests share a few: :func:`fitted`,
:func:`all_stops` and what :func:`trained` gives for chunks of at most four.
"""

import functools
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from samplers import (
    Draws,
    Stop,
    Target,
    loss,
    optimise,
    optimise_through,
    optimiser,
    training_errors,
)

from .problems import CLASSIFIER, PROBE, Classes, classes, logits

type Array = jax.Array

KEY = jax.random.key(3)
NUM_ENDPOINTS, NUM_STEPS = 10, 150
SGD = optimiser(optax.sgd(0.05), batch_size=8, name="sgd")
TRACES: list[int] = []  # one entry each time that a program with this target is traced


def counted(params: Any, batch: Any) -> Array:
    TRACES.append(1)
    return CLASSIFIER.log_likelihood(params, batch)


CLASSES = Classes(CLASSIFIER, replace(classes().target, log_likelihood=counted))
OPTIONS: dict[str, Any] = {
    "num_endpoints": NUM_ENDPOINTS,
    "record_every": 40,
    "lanes": 2,
    "keep_params": True,
}


def trained(stop: Stop, target: Target = CLASSES.target, key: Array = KEY, **options: Any) -> Draws:
    return optimise(key, SGD, target, logits, PROBE, stop=stop, **OPTIONS | options)


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


# In any order, met in any order, at the same step or never.
STOPS = {
    "later": Stop("first_fit", extra_steps=7, max_steps=NUM_STEPS),
    "loss": Stop("loss", threshold=0.3, max_steps=NUM_STEPS),
    "first fit": Stop("first_fit", max_steps=NUM_STEPS),
    "budget": Stop("budget", max_steps=60),
    "never": Stop("loss", threshold=-1.0, max_steps=33),
}


@functools.cache
def all_stops() -> dict[str, Draws]:
    """The endpoints at every one of the stops, from one pass."""
    found = optimise_through(KEY, SGD, CLASSES.target, logits, PROBE, stops=list(STOPS.values()), **OPTIONS)
    return dict(zip(STOPS, found, strict=True))


@functools.cache
def fitted() -> Draws:
    return trained(Stop("first_fit", max_steps=NUM_STEPS))
