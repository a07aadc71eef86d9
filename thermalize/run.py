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

from .arm import Arm, describe
from .blocks import Blocks
from .interrupt import interruptible
from .kinds import Role
from .prepare import (
    RECORD_EVERY,
    Elsewhere,
    Run,
    compiling,
    first_layer,
    key_of,
    make_run,
    observer,
    passes,
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

    def is_left(arm: Arm) -> bool:
        return not (arm.name in done and _enough(arm, states[arm.name]))

    ordered = sorted(arms, key=lambda arm: ORDER.index(arm.role))
    left = [together for together in passes(ordered) if any(is_left(arm) for arm in together)]
    trained_here = [together for together in left if together[0].stop and elsewhere is None]
    with interruptible() as check, compiling(trained_here, run) as compiled:
        for together in left:
            started = time.perf_counter()
            known = [state for arm in together if (state := states[arm.name])]
            saved = known if len(known) == len(together) else None
            stops, spent = _opened(together, arms, saved, done, run, store)
            with reporter(together[0].trained_as or together[0].name) as progress:
                compiled(together)
                found = _run_pass(together, stops, run, store, saved, check, progress, elsewhere)
            spent += (time.perf_counter() - started) / len(together)
            for arm, values in zip(together, found, strict=True):
                store.finish_arm(arm.name, {**values, "seconds": spent})
            check()


def _enough(arm: Arm, state: Saved | None) -> bool:
    """Whether a finished arm is done; one without a state was not made to be extended."""
    return state is None or state.num_done >= arm.num_wanted


def _opened(
    together: Sequence[Arm],
    arms: Sequence[Arm],
    saved: list[Saved] | None,
    done: Sequence[str],
    run: Run,
    store: Store,
) -> tuple[list[Stop | None], float]:
    """Begin the arms of one pass, or open them where all stood; their stops and the time spent so far."""
    stops, spent = [], 0.0
    for arm in together:
        if saved is None and arm.name in done:  # another one of its pass was lost: all are made again
            store.go_on(arm.name, arm.axis, 0)
    for place, arm in enumerate(together):
        if saved is None:
            stop = _resolved_stop(arm, arms, store)
            _begin(arm, stop, run, store, place)
        else:
            before = store.arm_attrs(arm.name)
            stop, spent = Stop(*before["stop"]) if before["stop"] else None, before.get("seconds", 0.0)
            num_done = min(state.num_done for state in saved)
            store.go_on(arm.name, arm.axis, num_done, {"options": dict(arm.options)})
        stops.append(stop)
    return stops, spent


def _begin(arm: Arm, stop: Stop | None, run: Run, store: Store, place: int) -> None:
    task = run.task
    store.begin_arm(
        arm.name,
        {
            "role": arm.role,
            "sampler": arm.sampler.name,
            "law": arm.sampler.law,
            "citation": arm.sampler.citation,
            "stopping": "" if stop is None else describe(stop),
            "stop": None if stop is None else list(stop),
            "first_layer": "" if stop is None else first_layer(arm, run)[1],
            "options": dict(arm.options),
        },
        probe_inputs=np.asarray(task.probe.inputs),
        probe_targets=np.asarray(task.probe.targets),
        train_targets=np.asarray(task.train.targets),
        record_steps=None if stop is None else record_steps(stop, RECORD_EVERY),
        place=place,
    )


def _run_pass(
    together: Sequence[Arm],
    stops: Sequence[Stop | None],
    run: Run,
    store: Store,
    saved: list[Saved] | None,
    check: Callable[[], None],
    progress: Progress,
    elsewhere: Elsewhere | None,
) -> list[dict[str, Any]]:
    """What is to be kept of every arm of one pass."""
    rules = tuple(stop for stop in stops if stop is not None)
    if not rules:
        return [_run_arm(together[0], run, store, saved[0] if saved else None, check, progress)]

    def sink_of(arm: Arm) -> Callable[[Draws, int], None]:
        return lambda draws, first: store.append(arm.name, draws, arm.axis)

    def save(all_stops: list[Saved]) -> None:
        for arm, state in zip(together, all_stops, strict=True):
            store.save_state(arm.name, state)
        check()

    found = train_all(
        training_of(together[0], rules, run),
        num_endpoints=together[0].num_chains,
        sinks=[sink_of(arm) for arm in together],
        save=save,
        saved=saved,
        progress=progress,
        train=elsewhere(together[0].name, rules) if elsewhere else None,
    )
    return [{"status": draws.status} for draws in found]


def _run_arm(
    arm: Arm,
    run: Run,
    store: Store,
    saved: Saved | None,
    check: Callable[[], None],
    progress: Progress,
) -> dict[str, Any]:
    """The status of every chain, and the evidence where populations measure it."""
    inputs, observe = jnp.asarray(run.task.probe.inputs), observer(run.model.apply)

    def sink(draws: Draws, first: int) -> None:
        store.append(arm.name, draws, arm.axis)

    def save(saved: Saved) -> None:
        store.save_state(arm.name, saved)
        check()

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
