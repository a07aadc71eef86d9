"""Run the arms of one comparison into a store.

Every arm gets its own key, derived from the seed and the arm's name: adding an arm
changes no other. The reference runs before the arms, because an arm may train to the
reference's mean training loss.
"""

import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from models import Model, Task
from samplers import (
    Draws,
    PopulationSampler,
    Sampler,
    Stop,
    Target,
    optimise,
    populations,
    posterior,
    sample,
)
from samplers.draws import Progress, silent
from samplers.stopping import record_steps

from .kinds import Role
from .store import Store

type Reporter = Callable[[str], AbstractContextManager[Progress]]
RECORD_EVERY = 50  # optimiser steps between two points of a loss curve
ORDER: tuple[Role, ...] = ("ceiling", "reference", "control", "arm")


@dataclass(frozen=True)
class Arm:
    """One way to get networks for a task, and its part in the comparison.

    With ``stop`` the sampler is an optimiser, trained ``num_chains`` times to its end;
    without, it runs ``num_chains`` chains of ``num_draws`` draws, or ``num_chains``
    populations, whose particles are the draws. ``match_reference`` sets the loss
    threshold of ``stop`` to the reference's mean training loss.
    """

    name: str
    sampler: Sampler | PopulationSampler
    role: Role = "arm"
    num_chains: int = 8
    num_draws: int = 1
    stop: Stop | None = None
    match_reference: bool = False
    start: Callable[[jax.Array], Any] | None = None
    keep_params: bool = False
    options: dict[str, Any] = field(default_factory=dict)


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
    reporter: Reporter = silent_reporter,
) -> None:
    """Run every arm that the store does not hold yet, streaming its draws."""
    target = posterior(model, task.train, num_data=len(task.train.targets), beta=beta)
    done = store.finished()
    for arm in sorted(arms, key=lambda arm: ORDER.index(arm.role)):
        if arm.name in done:
            continue
        started = time.perf_counter()
        stop = _resolved_stop(arm, arms, store)
        store.begin_arm(
            arm.name,
            {
                "role": arm.role,
                "sampler": arm.sampler.name,
                "law": arm.sampler.law,
                "citation": arm.sampler.citation,
                "stopping": "" if stop is None else describe(stop),
                "options": dict(arm.options),
            },
            probe_inputs=np.asarray(task.probe.inputs),
            probe_targets=np.asarray(task.probe.targets),
            train_targets=np.asarray(task.train.targets),
            record_steps=None if stop is None else record_steps(stop, RECORD_EVERY),
        )
        with reporter(arm.name) as progress:
            found = _run_arm(arm, stop, target, task, model, store, seed, progress)
        store.finish_arm(arm.name, {**found, "seconds": time.perf_counter() - started})


def describe(stop: Stop) -> str:
    """The stopping rule as a phrase."""
    then = f", then {stop.extra_steps} more steps" if stop.extra_steps else ""
    match stop.rule:
        case "first_fit":
            rule = "first zero training error"
        case "loss":
            rule = f"training loss at most {stop.threshold:.4g} nats per datum"
        case "budget":
            return f"after {stop.max_steps} steps"
    return f"{rule}{then} (at most {stop.max_steps} steps)"


def _run_arm(
    arm: Arm,
    stop: Stop | None,
    target: Target,
    task: Task,
    model: Model,
    store: Store,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """The status of every chain, and the evidence where populations measure it."""
    key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(arm.name.encode()))
    inputs = jnp.asarray(task.probe.inputs)
    sampler, observe = arm.sampler, _observer(model.apply)
    # Training starts from the model's own initialisation law, chains from the prior.
    start = arm.start or (model.sample_prior if stop is None else model.init)

    def sink(axis: int) -> Callable[[Draws, int], None]:
        return lambda draws, first: store.append(arm.name, draws, axis)

    if isinstance(sampler, PopulationSampler):
        draws, evidence = populations(
            key,
            sampler,
            target,
            observe,
            inputs,
            num_chains=arm.num_chains,
            keep_params=arm.keep_params,
            sink=sink(0),
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
            keep_params=arm.keep_params,
            sink=sink(1),
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
            record_every=RECORD_EVERY,
            start=start,
            keep_params=arm.keep_params,
            sink=sink(0),
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
