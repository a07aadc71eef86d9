"""What a run will cost, before it is made: time, memory and disk of every arm, measured small.

Time: seconds a draw or a network from a pilot (:mod:`.pilot`), times how many are wanted,
and those of writing a chunk, times how many chunks. Disk: the bytes that the pilot's
draws took in a store of their own, compressed as in the run, times draws. Memory: what
this process has taken at most so far, and twice the largest chunk. Evaluating the
comparison and writing the report come on top; both need the outputs of all arms.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from samplers import Draws
from samplers.draws import Saved

from .arm import Arm
from .config import RunConfig
from .folder import STATE
from .parts import build_parts
from .pilot import Pilot, pilot, shortened
from .prepare import Run, make_run, passes
from .run import ORDER, Reporter, silent_reporter
from .store import Store, create_run
from .version import __version__

DRAWN = ("predictions", "sample_stats", "posterior")


class Weight(NamedTuple):
    """What draws take on disk, in bytes, and the seconds of writing a chunk of them."""

    fixed: int  # of an arm, whatever its draws
    each: float  # of a draw of all chains, of a network, of a population
    plain: float  # the same before compression
    seconds: float


def estimate(
    config: RunConfig, done: Mapping[str, int] | None = None, progress: Reporter = silent_reporter
) -> dict[str, Any]:
    """The expected cost of a run, or of what is left of it.

    ``done`` says how many draws, networks or populations of an arm there are already.
    """
    parts, done = build_parts(config), done or {}
    small = build_parts(replace(config, arms=tuple(shortened(arm) for arm in config.arms))).arms
    run = make_run(parts.task, parts.model, seed=config.seed, beta=config.beta, blocks=parts.blocks)
    threshold, rows = 0.0, []
    wants_reference = any(
        arm.match_reference and arm.num_wanted > done.get(arm.name, 0) for arm in parts.arms
    )
    with tempfile.TemporaryDirectory() as folder, create_run(Path(folder) / "pilot", {}) as store:
        order = sorted(zip(parts.arms, small, strict=True), key=lambda pair: ORDER.index(pair[0].role))
        for arm, short in order:
            left = arm.num_wanted - done.get(arm.name, 0)
            if left <= 0 and not (arm.role == "reference" and wants_reference):
                continue
            with progress(arm.name) as show:
                show(0, 1)
                found = pilot(arm, short, run, threshold)
                if arm.role == "reference":
                    threshold = float(found.draws.stats["loss"].mean())
                if left > 0:
                    rows.append(_row(arm, found, run, store, done.get(arm.name, 0)))
                show(1, 1)
        metadata = (store.path / "zarr.json").stat().st_size  # of all arms, together in one file
    _share_passes(rows, parts.arms)
    base, largest = _peak(), max((row["chunk_bytes"] for row in rows), default=0)
    total = {
        "seconds": sum(row["seconds"] for row in rows),
        "memory_bytes": base + 2 * largest,
        "disk_bytes": metadata + sum(row["disk_bytes"] for row in rows),
        "uncompressed_bytes": sum(row["uncompressed_bytes"] for row in rows),
    }
    return {"command": "dry-run", "version": __version__, "seed": config.seed, "arms": rows, "total": total}


def _row(arm: Arm, found: Pilot, run: Run, store: Store, num_done: int) -> dict[str, Any]:
    left, axis = arm.num_wanted - num_done, arm.axis
    if arm.stop is not None:
        chunk = min(run.blocks.chunk_endpoints, arm.num_wanted)
    else:
        chunk = len(jax.devices()) if axis == 0 else run.blocks.chunk_draws
    weight = _weighed(arm, found, chunk, run, store)
    warmup = 0 if num_done else arm.options.get("num_warmup", 1)
    seconds = found.compiling + found.before * warmup + found.each * left + weight.seconds * -(-left // chunk)
    return {
        "name": arm.name,
        "left": left,
        "compile_seconds": found.compiling,
        "seconds": seconds,
        "chunk_bytes": round(min(chunk, left) * weight.plain),
        "disk_bytes": round((0 if num_done else weight.fixed) + left * weight.each),
        "uncompressed_bytes": round(left * weight.plain),
        "measured": found.how,
    }


def _share_passes(rows: list[dict[str, Any]], arms: list[Arm]) -> None:
    """Arms that are trained as one cost the time of the longest among them, once."""
    for together in passes(arms):
        names = {arm.name for arm in together}
        same = sorted((row for row in rows if row["name"] in names), key=lambda row: -row["seconds"])
        for row in same[1:]:
            row |= {"seconds": 0.0, "compile_seconds": 0.0, "measured": f"trained with {same[0]['name']}"}


def _weighed(arm: Arm, found: Pilot, chunk: int, run: Run, store: Store) -> Weight:
    """Write the pilot's draws as chunks of an arm, of the run's own size if there are as many."""
    axis, draws = arm.axis, found.draws
    made, have = draws.stats["lp"].shape[axis], draws.stats["lp"].shape[1]
    curve = draws.stats.get("loss_curve")
    store.begin_arm(
        arm.name,
        {"role": arm.role, "options": dict(arm.options)},
        probe_inputs=np.asarray(run.task.probe.inputs),
        probe_targets=np.asarray(run.task.probe.targets),
        train_targets=np.asarray(run.task.train.targets),
        record_steps=None if curve is None else range(curve.shape[-1]),
    )
    pieces = [_cut(draws, axis, at, at + chunk) for at in range(0, max(made - chunk, 0) + 1, chunk)]
    for piece in pieces:
        began = time.perf_counter()
        store.append(arm.name, piece, axis)
        seconds = time.perf_counter() - began  # of the last: the first makes the arrays
    store.save_state(arm.name, Saved(0, [] if axis == 0 else draws.status, dict(found.state)))
    store.finish_arm(arm.name, {"status": [] if axis == 0 else draws.status})
    written = sum(piece.stats["lp"].shape[axis] for piece in pieces)
    each, fixed = 0, (store.folder / STATE / f"{arm.name}.npz").stat().st_size
    for path in (store.path / arm.name).rglob("*"):
        if path.is_file():
            kept = path.relative_to(store.path / arm.name).parts
            if "c" in kept and kept[0] in DRAWN and _grows(kept[1], axis):
                each += path.stat().st_size
            else:
                fixed += path.stat().st_size
    wanted = arm.options.get("num_particles", have) if axis == 0 else have
    # Sentences of networks stand in the state, four bytes a letter, in the arm and with all metadata.
    sentences = 4 * len(json.dumps(draws.status)) + 2 * len(json.dumps(draws.status, indent=6))
    status = sentences / made if axis == 0 else 0
    scale, more = wanted / have, found.more_bytes
    plain = sum(leaf.nbytes for leaf in jax.tree.leaves((draws.observed, draws.stats, draws.params)))
    return Weight(fixed, scale * each / written + more + status, scale * plain / made + more, seconds)


def _grows(array: str, axis: int) -> bool:
    """Whether an array grows with the draws: all do, but the coordinates of other dimensions."""
    others = {"chain", "draw", "probe", "class", "record"} - {("chain", "draw")[axis]}
    return array not in others and "_dim_" not in array


def _cut(draws: Draws, axis: int, first: int, last: int) -> Draws:
    rows = (slice(None),) * axis + (slice(first, last),)
    cut = jax.tree.map(lambda leaf: leaf[rows], (draws.observed, draws.stats, draws.params))
    observed, stats, params = cut
    return Draws(observed, stats, params, draws.status)


def _peak() -> int:
    """The most memory that this process has had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
