"""Compare small networks over and over in one process: memory and open files must stay flat.

Every round samples, trains, compares, writes a report and deletes it all, under a new seed.
After each, resident memory and open files are written to soak.csv in the folder --out. The
first tenth of the rounds, ten at least, warm caches up. Of the rest the last quarter may hold
``MOST_MEMORY`` more on average than the first, and ``MOST_FILES`` more files at the most.
"""

import argparse
import ctypes
import gc
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

MEBI = 1 << 20
MOST_MEMORY = 32 * MEBI  # bytes
MOST_FILES = 4
FEWEST = 20  # rounds that say anything

CONFIG = {
    "task": {"name": "boolean_3"},
    "model": {"widths": [4]},
    "arms": {
        "sgd": {"num_endpoints": 16, "batch_size": 2, "max_steps": 500},
        "hmc": {"num_chains": 4, "num_draws": 40, "num_warmup": 40, "num_integration_steps": 4},
    },
}


class Round(NamedTuple):
    """What the process held after one round."""

    seconds: float  # since the start
    memory: int  # resident bytes
    files: int  # open handles


def growth(rounds: Sequence[Round]) -> tuple[float, int]:
    """Bytes and files that the last quarter holds more than the first, after the warm-up.

    Raises ``ValueError`` for too few rounds.

    >>> growth([Round(i, 5 * MEBI, 9) for i in range(100)])
    (0.0, 0)
    """
    if len(rounds) < FEWEST:
        raise ValueError(f"{FEWEST} rounds or more are needed, got {len(rounds)}: give more minutes")
    warm = rounds[max(10, len(rounds) // 10) :]
    quarter = max(1, len(warm) // 4)
    first, last = warm[:quarter], warm[-quarter:]
    memory = float(mean(r.memory for r in last) - mean(r.memory for r in first))
    return memory, max(r.files for r in last) - max(r.files for r in first)


def complaints(rounds: Sequence[Round]) -> list[str]:
    """A sentence for everything that grew beyond its bound."""
    memory, files = growth(rounds)
    found = []
    if memory > MOST_MEMORY:
        found.append(f"memory grew by {memory / MEBI:.1f} MiB, allowed {MOST_MEMORY / MEBI:.0f}")
    if files > MOST_FILES:
        found.append(f"open files grew by {files}, allowed {MOST_FILES}")
    return found


def share_one_heap() -> None:
    """Let all threads of this process allocate from one heap; to be called before there are any.

    glibc gives them up to eight heaps a core and keeps what is freed for reuse. Every comparison
    starts threads anew, so that one heap after the other fills to the most that a thread needs:
    resident memory rose by 80 MiB in 22 rounds while the bytes in use stayed the same to 1 MiB.
    """
    arena_max = -8  # M_ARENA_MAX of malloc.h
    ctypes.CDLL(None).mallopt(arena_max, 1)


def measured(seconds: float) -> Round:
    """Of this process, on Linux with glibc, once what was freed is given back to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Round(seconds, pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/fd")))


def one_round(folder: Path, seed: int) -> None:
    """One comparison with its report, deleted when it is done."""
    from thermalize.config import Layer, make_config
    from thermalize.pipeline import compare
    from thermalize.report import write
    from thermalize.store import open_run

    compare(make_config(Layer({**CONFIG, "seed": seed})), folder)
    write(open_run(folder).tree(), folder / "report.html")
    shutil.rmtree(folder)


def main() -> int:
    """Exit code 1 if anything grew beyond its bound."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=Path("runs/soak"))
    options = parser.parse_args()
    share_one_heap()
    options.out.mkdir(parents=True, exist_ok=True)
    start, rounds = time.monotonic(), list[Round]()
    with (options.out / "soak.csv").open("w") as table:
        table.write("seconds,resident_bytes,open_files\n")
        while len(rounds) < FEWEST or time.monotonic() - start < 60 * options.minutes:
            one_round(options.out / f"run-{os.getpid()}", len(rounds))
            rounds.append(measured(time.monotonic() - start))
            table.write(f"{rounds[-1].seconds:.1f},{rounds[-1].memory},{rounds[-1].files}\n")
            table.flush()
            if len(rounds) % 20 == 0:
                last = rounds[-1]
                print(f"{len(rounds)} rounds, {last.memory / MEBI:.0f} MiB, {last.files} files", flush=True)
    memory, files = growth(rounds)
    print(
        f"{len(rounds)} rounds in {rounds[-1].seconds / 60:.1f} minutes: memory {memory / MEBI:+.1f} MiB, "
        f"files {files:+d} after the warm-up"
    )
    found = complaints(rounds)
    for sentence in found:
        print(f"error: {sentence}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
