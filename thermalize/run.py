"""Run the arms of one comparison into a store.

Every arm gets its own key, derived from the seed and the arm's name: adding an arm
changes no other. The reference runs before the arms, because an arm may train to the
reference's mean training loss. After every chunk of draws the state that is needed to go
on is stored: a run that was killed, or whose arms are to have more draws, continues where
it stood, bit for bit.
"""

import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from models import Model, Task
from samplers import (
    Draws,
    PopulationSampler,
    Stop,
    Target,
    optimise,
    populations,
    posterior,
    sample,
)
from samplers.draws import Progress, Saved, silent
from samplers.stopping import record_steps

from .arm import Arm, Blocks, describe
from .interrupt import interruptible
from .kinds import Role
from .store import Store

type Reporter = Callable[[str], AbstractContextManager[Progress]]
RECORD_EVERY = 50  # optimiser steps between two points of a loss curve
ORDER: tuple[Role, ...] = ("ceiling", "reference", "control", "arm")


def silent_reporter(name: str) -> AbstractContextManager[Progress]:
    """Report nothing."""
    return nullcontext(silent)


def execute(
    task: Task,
    model: Model,
    arms: Sequence[Arm],
    store: Store,
    *,
    seed: int,
    beta: float = 1.0,
    blocks: Blocks,
    reporter: Reporter = silent_reporter,
) -> None:
    """Run every arm that the store does not hold yet, or holds in part, streaming its draws.

    Raises ``KeyboardInterrupt`` between two chunks once that was asked for.
    """
    target = posterior(model, task.train, num_data=len(task.train.targets), beta=beta)
    done = store.finished()
    with interruptible() as check:
        for arm in sorted(arms, key=lambda arm: ORDER.index(arm.role)):
            state = store.state(arm.name)
            if arm.name in done and (state is None or state.num_done >= arm.num_wanted):
                continue
            started = time.perf_counter()
            if state is None:
                stop, spent = _resolved_stop(arm, arms, store), 0.0
                _begin(arm, stop, task, store)
            else:
                before = store.arm_attrs(arm.name)
                stop = Stop(*before["stop"]) if before["stop"] else None
                spent = before.get("seconds", 0.0)
                store.go_on(arm.name, arm.axis, state.num_done, {"options": dict(arm.options)})
            with reporter(arm.name) as progress:
                found = _run_arm(arm, stop, target, task, model, store, seed, blocks, state, check, progress)
            spent += time.perf_counter() - started
            store.finish_arm(arm.name, {**found, "seconds": spent})
            check()


def _begin(arm: Arm, stop: Stop | None, task: Task, store: Store) -> None:
    store.begin_arm(
        arm.name,
        {
            "role": arm.role,
            "sampler": arm.sampler.name,
            "law": arm.sampler.law,
            "citation": arm.sampler.citation,
            "stopping": "" if stop is None else describe(stop),
            "stop": None if stop is None else list(stop),
            "options": dict(arm.options),
        },
        probe_inputs=np.asarray(task.probe.inputs),
        probe_targets=np.asarray(task.probe.targets),
        train_targets=np.asarray(task.train.targets),
        record_steps=None if stop is None else record_steps(stop, RECORD_EVERY),
    )


def _run_arm(
    arm: Arm,
    stop: Stop | None,
    target: Target,
    task: Task,
    model: Model,
    store: Store,
    seed: int,
    blocks: Blocks,
    saved: Saved | None,
    check: Callable[[], None],
    progress: Progress,
) -> dict[str, Any]:
    """The status of every chain, and the evidence where populations measure it."""
    key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(arm.name.encode()))
    inputs = jnp.asarray(task.probe.inputs)
    sampler, observe = arm.sampler, _observer(model.apply)
    # Training starts from the model's own initialisation law, chains from the prior.
    start = arm.start or (model.sample_prior if stop is None else model.init)

    def sink(draws: Draws, first: int) -> None:
        store.append(arm.name, draws, arm.axis)

    def save(saved: Saved) -> None:
        store.save_state(arm.name, saved)
        check()

    if isinstance(sampler, PopulationSampler):
        draws, evidence = populations(
            key,
            sampler,
            target,
            observe,
            inputs,
            num_chains=arm.num_chains,
            keep_params=arm.keep_params,
            sink=sink,
            save=save,
            saved=saved,
            progress=progress,
        )
        return {"status": draws.status, "evidence": evidence._asdict()}
    if stop is None:
        draws = sample(
            key,
            sampler,
            target,
            observe,
            inputs,
            num_chains=arm.num_chains,
            num_draws=arm.num_draws,
            start=start,
            chunk=blocks.chunk_draws,
            block=blocks.block_chains,
            keep_params=arm.keep_params,
            sink=sink,
            save=save,
            saved=saved,
            progress=progress,
        )
    else:
        draws = optimise(
            key,
            sampler,
            target,
            observe,
            inputs,
            num_endpoints=arm.num_chains,
            stop=stop,
            start=start,
            lanes=blocks.lanes,
            block=blocks.block_lanes,
            chunk=blocks.chunk_endpoints,
            record_every=RECORD_EVERY,
            keep_params=arm.keep_params,
            sink=sink,
            save=save,
            saved=saved,
            progress=progress,
        )
    return {"status": draws.status}


@cache
def _observer(apply: Callable[[Any, jax.Array], jax.Array]) -> Callable[[Any, Any], dict[str, jax.Array]]:
    """Record the outputs on the probe inputs; cached, so that all arms share compilations."""
    return lambda params, inputs: {"logits": jax.vmap(apply, (None, 0))(params, inputs)}


def _resolved_stop(arm: Arm, arms: Sequence[Arm], store: Store) -> Stop | None:
    if arm.stop is None or not arm.match_reference:
        return arm.stop
    reference = next(other.name for other in arms if other.role == "reference")
    losses = store.tree()[reference]["sample_stats"]["loss"]
    return arm.stop._replace(rule="loss", threshold=float(losses.mean()))
