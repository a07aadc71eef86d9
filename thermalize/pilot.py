"""Small measured runs of one arm: how long a draw or a network takes, and what it weighs.

Nothing here is a formula for a machine. A few draws are made, or a few networks trained,
with the arm's own sampler, network and batch sizes, and timed once compiled.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from samplers import Draws, PopulationSampler, Sampler, Stop, populations, sample
from samplers.draws import Saved, joined
from samplers.stopping import record_steps
from samplers.training import chunks_between, compile_training, train_chunk

from .arm import Arm
from .prepare import RECORD_EVERY, Run, key_of, observer, training_of
from .roster import ArmConfig

BUDGET = 2.0  # seconds that a pilot may take, about, once it is compiled
WARMUP = 30  # steps of a pilot's warm-up: the fewest that every sampler takes
DRAWS = 5  # draws of a chain between two readings of the clock
PARTICLES = 64
ROUNDS = 4  # networks that every lane trains in a pilot


class Pilot(NamedTuple):
    """What a pilot of one arm measured, in seconds and draws."""

    compiling: float  # once
    before: float  # once for every step of warm-up of all chains
    each: float  # a draw of all chains, a network or a population
    draws: Draws  # that it made, to be weighed
    how: str
    more_bytes: int = 0  # that a draw weighs in the run, but not in the pilot
    state: Mapping[str, np.ndarray] = MappingProxyType({})  # of chains


def pilot(arm: Arm, small: Arm, run: Run, threshold: float) -> Pilot:
    """Measure an arm. ``small`` is the same with a short warm-up, or with few particles.

    ``threshold`` stands for the reference's loss, which is not known yet.
    """
    if arm.stop is not None:
        stop = arm.stop._replace(rule="loss", threshold=threshold) if arm.match_reference else arm.stop
        return _endpoints(arm, stop, run)
    if isinstance(arm.sampler, PopulationSampler):
        return _populations(arm, small, run)
    return _chains(small, run)


class _Enough(Exception):
    pass


def _chains(arm: Arm, run: Run) -> Pilot:
    num_draws = min(arm.num_draws, 200 * DRAWS)

    state: dict[str, np.ndarray] = {}

    def timed(num_draws: int) -> tuple[list[float], list[Draws]]:
        began, times, pieces = time.perf_counter(), [], list[Draws]()

        def save(saved: Saved) -> None:
            state.update(saved.arrays)
            times.append(time.perf_counter() - began)
            if len(times) > 2 and times[-1] - times[0] > BUDGET:
                raise _Enough

        with suppress(_Enough):
            sample(
                key_of(arm, run),
                cast(Sampler, arm.sampler),
                run.target,
                observer(run.model.apply),
                jnp.asarray(run.task.probe.inputs),
                num_chains=arm.num_chains,
                num_draws=num_draws,
                start=arm.start or run.model.sample_prior,
                chunk=min(DRAWS, num_draws),
                block=run.blocks.block_chains,
                keep_params=arm.keep_params,
                sink=lambda draws, first: pieces.append(draws),
                save=save,
            )
        return times, pieces

    first, _ = timed(min(DRAWS, num_draws))
    times, pieces = timed(num_draws)
    made = joined(pieces, axis=1).stats["lp"].shape[1]
    group = pieces[0].stats["lp"].shape[1]
    each = (times[-1] - times[0]) / (made - group) if made > group else times[0] / made
    before = max(times[0] - group * each, 0.0)
    steps = arm.options.get("num_warmup", 0)
    how = f"{made} draws of {arm.num_chains} chains"
    if steps:
        how += f" after {steps} steps of warm-up"
    draws, compiling = joined(pieces, axis=1), max(first[0] - times[0], 0.0)
    return Pilot(compiling, before / max(steps, 1), each, draws, how, state=state)


def _populations(arm: Arm, small: Arm, run: Run) -> Pilot:
    group = min(len(jax.devices()), arm.num_chains)

    def timed() -> tuple[float, Draws]:
        began = time.perf_counter()
        draws, _ = populations(
            key_of(arm, run),
            cast(PopulationSampler, small.sampler),
            run.target,
            observer(run.model.apply),
            jnp.asarray(run.task.probe.inputs),
            num_chains=group,
            keep_params=arm.keep_params,
        )
        return time.perf_counter() - began, draws

    (first, _), (second, draws) = timed(), timed()
    particles, wanted = draws.stats["lp"].shape[1], arm.options.get("num_particles")
    scale = wanted / particles if wanted else 1.0
    how = f"{group} populations of {particles} particles"
    return Pilot(max(first - second, 0.0), 0.0, scale * second / group, draws, how)


def _endpoints(arm: Arm, stop: Stop, run: Run) -> Pilot:
    began = time.perf_counter()
    training = training_of(arm, [stop], run)
    compile_training(training)
    compiling = time.perf_counter() - began
    lanes = training.program.num_lanes * training.program.mesh.size
    count, began, pieces = min(arm.num_chains, ROUNDS * lanes), time.perf_counter(), list[Draws]()
    ended = 0

    def report(now: int, note: str) -> None:
        nonlocal ended
        ended = sum(len(piece.status) for piece in pieces) + now
        if time.perf_counter() - began > BUDGET and ended < count:
            raise _Enough

    with suppress(_Enough):
        while True:
            for first, many in chunks_between(0, count, training.chunk):
                pieces += train_chunk(training, first, many, report)
            spent = time.perf_counter() - began
            if count == arm.num_chains or spent > BUDGET / 8:
                how = f"{count} networks trained to their end"
                return Pilot(compiling, 0.0, spent / count, joined(pieces, axis=0), how)
            # Too few to be timed: the slowest alone would decide.
            count, began, pieces = min(arm.num_chains, 4 * count), time.perf_counter(), []
    spent = time.perf_counter() - began
    num_steps, seconds, draws = _steps(arm, run, lanes)
    curve = 4 * len(record_steps(stop, RECORD_EVERY))  # theirs is shorter
    if ended >= lanes:
        how = f"{ended} networks that ended in {spent:.0f} s; slower ones may not have been among them"
        return Pilot(compiling, 0.0, spent / ended, draws, how, curve)
    how = f"{num_steps} steps of {lanes} networks; a bound: every network takes max_steps = {stop.max_steps}"
    return Pilot(compiling, 0.0, seconds / lanes / num_steps * stop.max_steps, draws, how, curve)


def _steps(arm: Arm, run: Run, lanes: int) -> tuple[int, float, Draws]:
    """Steps and seconds of one network a lane that trains for a given number of steps, and the networks."""
    num_steps, compiled = 10, False
    while True:
        training = training_of(arm, [Stop("budget", max_steps=num_steps)], run)  # compiles once
        began = time.perf_counter()
        (draws,) = train_chunk(training, 0, min(lanes, training.chunk))
        seconds = time.perf_counter() - began
        if compiled and (seconds > BUDGET / 4 or num_steps >= 2560):
            return num_steps, seconds, draws
        num_steps, compiled = num_steps * (4 if compiled else 1), True


def shortened(arm: ArmConfig) -> ArmConfig:
    """The configuration of an arm with a short warm-up and few particles."""
    fewer: dict[str, Callable[[int], int]] = {
        "num_warmup": lambda n: min(n, WARMUP),
        "num_particles": lambda n: min(n, PARTICLES),
    }
    options = {name: fewer[name](value) if name in fewer else value for name, value in arm.options.items()}
    return replace(arm, options=options)
