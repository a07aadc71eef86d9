"""Invented rivals: what a race needs, without work. Run as a process and called in one."""

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.protocol import Measurement, serve
from benchmarks.race import Race, Rival, Say


def make(name: str, cores: list[int], options: dict[str, Any]) -> Measurement:
    """Writes label and repeat into a log that rivals share; ``fail`` and ``die`` do so at repeat 1."""
    log = Path(options["log"])
    sys.stdout.write("a library speaks\n")

    def run(repeat: int) -> dict[str, Any]:
        with log.open("a") as lines:
            lines.write(f"{options['label']}{repeat} ")
        if name == "fail" and repeat == 1:
            raise ValueError("no more\nand more")
        if name == "die" and repeat == 1:
            os._exit(7)
        affinity = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
        return {"seconds": repeat + 1.0, "cores": affinity, "threads": os.environ["OMP_NUM_THREADS"]}

    return run


def race_here(rivals: Mapping[str, Rival], repeats: int, say: Say) -> Race:
    """The race in this process, one rival after another."""
    results = {}
    for name, rival in rivals.items():
        file, function = rival.measurement.split(".")
        options = {key: value for key, value in rival.options.items() if key not in ("plain", "accelerator")}
        run = getattr(importlib.import_module(f"benchmarks.{file}"), function)(**options)
        run(-1)
        results[name] = [run(repeat) for repeat in range(repeats)]
        say(name)
    return Race(results, {})


if __name__ == "__main__":
    serve(make)
