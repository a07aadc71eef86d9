"""Run the arms of one comparison into a store.

The reference runs before the arms, because an arm may train to the
reference's mean training loss. After every chunk of draws the state that is needed to go
on is stored: a run that was killed, or whose arms are to have more draws, continues where
it stood, bit for bit.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax.numpy as jnp
import numpy as np

from models import Model, Task
from samplers import Draws, PopulationSampler, Stop, populations, sample
from samplers.draws import Progress, Saved, silent
from samplers.endpoints import train_all
from samplers.stopping import record_steps

from .arm import Arm, Blocks, describe
from .interrupt import interruptible
from .kinds import Role
from .prepare import (
    RECORD_EVERY,
    Elsewhere,
    Run,
    compiling,
    key_of,
    make_run,
    observer,
    training_of,
)
from .store import Store

type Reporter = Callable[[str], AbstractContextManager[Progress]]
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
    elsewhere: Elsewhere | None = None,
) -> None:
    """Run every arm that the store does not hold yet, or holds in part, streaming its draws.

    Networks are trained here, or ``elsewhere``. Raises ``KeyboardInterrupt`` between two
    chunks once that was asked for.
    """
    run = make_run(task, model, seed=seed, beta=beta, blocks=blocks)
    done = store.finished()
    states = {arm.name: store.state(arm.name) for arm in arms}
    ordered = sorted(arms, key=lambda arm: ORDER.index(arm.role))
    left = [arm for arm in ordered if not (arm.name in done and _enough(arm, states[arm.name]))]
    trained_here = [arm for arm in left if arm.stop and elsewhere is None]
    with interruptible() as check, compiling(trained_here, run) as compiled:
        for arm in left:
            started, state = time.perf_counter(), states[arm.name]
            if state is None:
                stop, spent = _resolved_stop(arm, arms, store), 0.0
                _begin(arm, stop, task, store)
            else:
                before = store.arm_attrs(arm.name)
                stop = Stop(*before["stop"]) if before["stop"] else None
                spent = before.get("seconds", 0.0)
                store.go_on(arm.name, arm.axis, state.num_done, {"options": dict(arm.options)})
            with reporter(arm.name) as progress:
                compiled(arm)
                found = _run_arm(arm, stop, run, store, state, check, progress, elsewhere)
            spent += time.perf_counter() - started
            store.finish_arm(arm.name, {**found, "seconds": spent})
            check()


def _enough(arm: Arm, state: Saved | None) -> bool:
    """Whether a finished arm is done; one without a state was not made to be extended."""
    return state is None or state.num_done >= arm.num_wanted


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
    run: Run,
    store: Store,
    saved: Saved | None,
    check: Callable[[], None],
    progress: Progress,
    elsewhere: Elsewhere | None,
) -> dict[str, Any]:
    """The status of every chain, and the evidence where populations measure it."""
    inputs, observe = jnp.asarray(run.task.probe.inputs), observer(run.model.apply)

    def sink(draws: Draws, first: int) -> None:
        store.append(arm.name, draws, arm.axis)

    def save(saved: Saved) -> None:
        store.save_state(arm.name, saved)
        check()

    if stop is not None:
        (draws,) = train_all(
            training_of(arm, [stop], run),
            num_endpoints=arm.num_chains,
            sinks=[sink],
            save=lambda all_stops: save(all_stops[0]),
            saved=None if saved is None else [saved],
            progress=progress,
            train=elsewhere(arm.name, (stop,)) if elsewhere else None,
        )
        return {"status": draws.status}
    if isinstance(arm.sampler, PopulationSampler):
        draws, evidence = populations(
            key_of(arm, run),
            arm.sampler,
            run.target,
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
    draws = sample(
        key_of(arm, run),
        arm.sampler,
        run.target,
        observe,
        inputs,
        num_chains=arm.num_chains,
        num_draws=arm.num_draws,
        start=arm.start or run.model.sample_prior,  # chains start from the prior unless told otherwise
        chunk=run.blocks.chunk_draws,
        block=run.blocks.block_chains,
        keep_params=arm.keep_params,
        sink=sink,
        save=save,
        saved=saved,
        progress=progress,
    )
    return {"status": draws.status}


def _resolved_stop(arm: Arm, arms: Sequence[Arm], store: Store) -> Stop | None:
    if arm.stop is None or not arm.match_reference:
        return arm.stop
    reference = next(other.name for other in arms if other.role == "reference")
    losses = store.tree()[reference]["sample_stats"]["loss"]
    return arm.stop._replace(rule="loss", threshold=float(losses.mean()))
