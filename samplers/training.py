"""One chunk of numbered endpoints: what decides them, and what comes of them.

A chunk depends on nothing that was trained before it, so chunks may be trained anywhere
and in any order: here, on another machine, again after a crash.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from .coordinates import Coordinates
from .draws import Draws, Inputs, Observe
from .job_queue import Stream, open_streams, run_streams
from .kernel import Sampler, check_optimiser, check_sampler
from .lane import ROUND, Program, Work
from .lanes import lane_mesh, on_every_process
from .options import check_count, check_key
from .stopping import NEVER, Stop, check_stop, limits_of, record_steps
from .target import Key, Params, Target

type Array = np.ndarray
SECONDS = 0.5  # between two signs of life, about


class Training(NamedTuple):
    """Everything that decides what an endpoint with a given number becomes."""

    program: Program
    work: Work  # of the first chunk
    stops: tuple[Stop, ...]
    chunk: int


def make_training(
    key: Key,
    sampler: Sampler,
    target: Target,
    observe: Observe,
    inputs: Inputs,
    *,
    stops: Sequence[Stop],
    start: Callable[[Key], Params] | None,
    coordinates: Coordinates | None,
    lanes: int,
    block: int,
    chunk: int,
    record_every: int,
    keep_params: bool,
) -> Training:
    """The arguments of :func:`optimise_through`, checked, as :func:`train_chunk` takes them."""
    stops = tuple(stops)
    check_key(key)
    check_sampler(sampler)
    check_optimiser(sampler, target, start or target.sample_prior)
    check_count(lanes=lanes, block=block, chunk=chunk, record_every=record_every)
    if not stops:
        raise ValueError("stops must name at least one stopping rule, got none")
    if record_every % ROUND:
        raise ValueError(
            f"record_every must be a multiple of {ROUND}, got {record_every}: "
            f"networks advance {ROUND} steps at a time"
        )
    for stop in stops:
        check_stop(stop, target)
    if coordinates is not None and not sampler.linear:
        raise ValueError(
            f"coordinates need updates that are sums of gradients, got the optimiser {sampler.name!r}: "
            "leave them out, or take samplers.named.optax_optimiser('sgd', ...) without a prior"
        )
    mesh = lane_mesh(chunk)
    num_records = max(len(record_steps(stop, record_every)) for stop in stops)
    num_jobs = -(-chunk // mesh.size)
    block = min(block, lanes, num_jobs)
    program = Program(
        sampler=sampler,
        start=start or target.sample_prior,
        coordinates=coordinates,
        observe=observe,
        rules=tuple(stop.rule for stop in stops),
        keep_params=keep_params,
        record_every=record_every,
        num_records=-(-num_records // 64) * 64,  # another max_steps rarely compiles again
        num_jobs=num_jobs,
        num_lanes=-(-min(lanes, num_jobs) // block) * block,
        block=block,
        mesh=mesh,
    )
    nothing = jnp.zeros((), int)
    shared = () if coordinates is None else coordinates.gram(target.data)
    work = Work(target, shared, inputs, limits_of(stops), key, nothing, nothing)
    return Training(program, work, stops, chunk)


def compile_training(training: Training) -> None:
    """Compile what :func:`train_chunk` runs, and train nothing: for another thread to do in time."""
    streams = open_streams(training.program, training.work)
    jax.block_until_ready(run_streams(training.program, training.work, streams, 0))


def chunks_between(first: int, last: int, chunk: int) -> list[tuple[int, int]]:
    """The chunks of endpoints from ``first`` to below ``last``: number of the first, and how many.

    >>> chunks_between(0, 10, 4)
    [(0, 4), (4, 4), (8, 2)]
    """
    return [(at, min(chunk, last - at)) for at in range(first, last, chunk)]


def train_chunk(
    training: Training, first: int, count: int, report: Callable[[int, str], None] = lambda ended, note: None
) -> list[Draws]:
    """Train the endpoints ``first`` to ``first + count - 1``; one ``Draws`` for every stop.

    Depends on nothing that was trained before, so chunks may be trained anywhere and in
    any order. ``report`` is told how many have ended, twice a second or so.
    """
    program = training.program
    work = training.work._replace(first=jnp.asarray(first, int), num_jobs=jnp.asarray(count, int))
    streams = open_streams(program, work)
    ended, num_rounds = 0, 16
    report(0, "")
    while ended < count:
        began = time.perf_counter()
        streams, num_ended, num_met = run_streams(program, work, streams, num_rounds)
        ended = int(num_ended)
        if time.perf_counter() - began < SECONDS / 2:
            num_rounds *= 2
        report(ended, f"{int(num_met) / ended:.0%} fitted" if ended else "")
    found = _found(streams, program.mesh)
    # Row i of device d is job i D + d of the chunk.
    records, met_at, curve = jax.tree.map(
        lambda leaf: np.asarray(leaf)[:, :-1].swapaxes(0, 1).reshape(-1, *leaf.shape[2:])[:count], found
    )
    return [
        _at_stop(stop, _column(records, at), met_at[:, at], curve, program)
        for at, stop in enumerate(training.stops)
    ]


def _found(streams: Stream, mesh: Mesh) -> Any:
    """What the devices recorded, theirs and those of other processes."""
    found = streams.records, streams.met_at, streams.curve
    if not mesh.is_multi_process:
        return found
    return jax.jit(on_every_process, static_argnums=1)(found, mesh)


def _column(records: Any, at: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[:, at], records)


def _at_stop(stop: Stop, records: Any, met_at: Array, curve: Array, program: Program) -> Draws:
    """What was recorded at one stop, with axes ``(endpoint, 1, ...)``."""
    observed, stats, failed_at, params = records
    at = program.record_every * np.arange(len(record_steps(stop, program.record_every)))
    over = at >= stats["steps"][:, None]
    stats = {
        **stats,
        "steps_to_fit": np.full_like(met_at, NEVER) if stop.rule == "budget" else met_at,
        "loss_curve": np.where(over, stats["loss"][:, None], curve[:, : len(at)]),
    }
    status = _status(stop, failed_at, stats, _finite(observed, len(met_at)))
    observed, stats, params = jax.tree.map(lambda leaf: leaf[:, None], (observed, stats, params))
    return Draws(observed, stats, params, status)


def _finite(observed: Any, num: int) -> Array:
    """Whether all numbers that were observed of each endpoint are finite, ``(endpoint,)``."""
    found = np.ones(num, bool)
    for leaf in jax.tree.leaves(observed):
        found &= np.isfinite(leaf).reshape(num, -1).all(axis=1)
    return found


def _status(stop: Stop, failed_at: Array, stats: dict[str, Array], finite: Array) -> list[str]:
    def sentence(failed_at: int, finite: bool, met_at: int, steps: int, loss: float) -> str:
        if failed_at != NEVER:
            return f"diverged: objective not finite at step {failed_at}"
        if not np.isfinite(loss):
            return f"diverged: loss not finite after {steps} steps"
        if not finite:
            return f"diverged: outputs not finite after {steps} steps"
        if stop.rule != "budget" and met_at == NEVER:
            return f"did not meet its stopping rule within {stop.max_steps} steps"
        if stop.rule != "budget" and steps < met_at + stop.extra_steps:
            return f"reached max_steps = {stop.max_steps} before its {stop.extra_steps} extra steps were done"
        return "ok"

    columns = (stats[name].tolist() for name in ("steps_to_fit", "steps", "loss"))
    rows = zip(failed_at.tolist(), finite.tolist(), *columns, strict=True)
    return [sentence(*row) for row in rows]
