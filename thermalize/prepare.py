"""What one arm of a run needs before it starts: keys, the law of its networks, compiled programs.

Every arm gets its own key, derived from the seed and the arm's name: adding an arm
changes no other.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from models import Model, Span, Task
from samplers import Sampler, Stop, Target, posterior
from samplers.endpoints import Train
from samplers.training import Training, compile_training, make_training

from .arm import Arm
from .blocks import Blocks

RECORD_EVERY = 50  # optimiser steps between two points of a loss curve


type Elsewhere = Callable[[str, tuple[Stop, ...]], Train]  # trains the networks of an arm, by its name


class Run(NamedTuple):
    """What all arms of a run share."""

    task: Task
    model: Model
    target: Target
    seed: int
    blocks: Blocks


def make_run(task: Task, model: Model, *, seed: int, beta: float, blocks: Blocks) -> Run:
    """A run on the posterior of the task."""
    target = posterior(model, task.train, num_data=len(task.train.targets), beta=beta)
    return Run(task, model, target, seed, blocks)


def data_arrays(task: Task) -> list[np.ndarray]:
    """The data of a task, in the order in which they are hashed."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves((task.train, task.probe))]


def key_of(arm: Arm, run: Run) -> jax.Array:
    """The key of an arm, the same for arms that are trained as one."""
    return jax.random.fold_in(jax.random.key(run.seed), zlib.crc32((arm.trained_as or arm.name).encode()))


def training_of(arm: Arm, stops: Sequence[Stop], run: Run) -> Training:
    """What decides the networks of an optimiser's arm."""
    return make_training(
        key_of(arm, run),
        cast(Sampler, arm.sampler),
        run.target,
        observer(run.model.apply),
        jnp.asarray(run.task.probe.inputs),
        stops=stops,
        start=arm.start or run.model.init,
        coordinates=first_layer(arm, run)[0],
        lanes=run.blocks.lanes,
        block=run.blocks.block_lanes,
        chunk=min(run.blocks.chunk_endpoints, arm.num_chains),
        record_every=RECORD_EVERY,
        keep_params=arm.keep_params,
    )


def first_layer(arm: Arm, run: Run) -> tuple[Span | None, str]:
    """The coordinates in which the first layer is trained, if not in its weights, and why.

    ``models.span`` is exact where the optimiser's updates are sums of gradients, and
    cheaper where training examples are fewer than inputs.
    """
    num_train, num_inputs = len(run.task.train.targets), run.task.num_inputs
    if run.model.span is None:
        return None, "weights: the network does not begin with a layer of weights"
    if not cast(Sampler, arm.sampler).linear:
        return None, "weights: updates are not sums of gradients of the loss"
    if num_train >= num_inputs:
        return None, f"weights: {num_train} training examples are not fewer than {num_inputs} inputs"
    if not run.blocks.in_span:
        return None, "weights: in_span is false"
    return run.model.span, f"span of {num_train} training examples, fewer than {num_inputs} inputs"


def passes(arms: Sequence[Arm]) -> list[list[Arm]]:
    """The arms in order, those together that are trained as one."""
    found: dict[str, list[Arm]] = {}
    for arm in arms:
        found.setdefault(arm.trained_as or arm.name, []).append(arm)
    return list(found.values())


@contextmanager
def compiling(trained: Sequence[Sequence[Arm]], run: Run) -> Iterator[Callable[[Sequence[Arm]], None]]:
    """Compile optimisers in a thread while others run; yields a function that waits for one pass."""
    with ThreadPoolExecutor(1) as pool:
        waiting: dict[str, Future[None]] = {}
        for together in trained:
            stops = []
            for arm in together:
                assert arm.stop is not None
                # The level of the loss to stop at may not be known yet; it is an argument of the program.
                stops.append(arm.stop._replace(rule="loss") if arm.match_reference else arm.stop)
            waiting[together[0].name] = pool.submit(compile_training, training_of(together[0], stops, run))

        def compiled(together: Sequence[Arm]) -> None:
            if together[0].name in waiting:
                # What went wrong there goes wrong again, and is said, where it runs.
                wait([waiting[together[0].name]])

        try:
            yield compiled
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@cache
def observer(apply: Callable[[Any, jax.Array], jax.Array]) -> Callable[[Any, Any], dict[str, jax.Array]]:
    """Record the outputs on the probe inputs; cached, so that all arms share compilations."""
    return lambda params, inputs: {"logits": jax.vmap(apply, (None, 0))(params, inputs)}
