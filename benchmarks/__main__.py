"""The benchmark suite: ``python -m benchmarks --out runs/bench``, or ``make bench``.

Writes ``bench.md``, ``bench.json`` and plots, prints the table to stdout and progress to
stderr. See the README in this folder for what is measured and how.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from thermalize.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, UserError, suggest

from . import scaling, sections
from .plots import draw_plots
from .rows import Row
from .sections import Bench, Section
from .sizes import FULL, QUICK, Sizes
from .tables import markdown, payload

SECTIONS: dict[str, Section] = {
    "endpoints": sections.endpoints,
    "chains": sections.chains,
    "effective": sections.effective,
    "driver": sections.driver,
    "lanes": scaling.lanes,
    "width": scaling.width,
    "span": scaling.span,
    "growth": scaling.growth,
    "prior": sections.prior,
    "comparison": scaling.comparison,
    "gpu": scaling.gpu,
}
PACKAGES = ("jax", "blackjax", "numpyro", "numpy")


def main(arguments: list[str] | None = None) -> int:
    """Run the suite; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        names = chosen(options.only)
        folder = writable(Path(options.out))
        torch_python = interpreter(options.torch_python)
        rows, facts = run(names, folder, QUICK if options.quick else FULL, torch_python)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        sys.stderr.write(f"stopped; the sections that were finished are in {options.out}\n")
        return EXIT_INTERRUPTED
    text = (folder / "bench.json").read_text() if options.json else markdown(rows, facts)
    sys.stdout.write(text.rstrip("\n") + "\n")
    return 0


def run(names: list[str], folder: Path, sizes: Sizes, torch_python: str) -> tuple[list[Row], dict[str, Any]]:
    """Run sections one after another; the files are written anew after each."""
    begun = time.perf_counter()
    cores = available_cores()[:2]
    load = other_load()
    rows: list[Row] = []
    curves: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    for name in names:

        def say(text: str, name: str = name) -> None:
            sys.stderr.write(f"[{time.perf_counter() - begun:4.0f} s] {name}: {text}\n")
            sys.stderr.flush()

        found = SECTIONS[name](Bench(cores, sizes, say, torch_python))
        rows += found.rows
        curves |= found.curves
        facts = {
            "quick": sizes is not FULL,
            "repeats": sizes.repeats,
            "seconds": time.perf_counter() - begun,
            "machine": f"{processor()}, {len(cores)} of {os.cpu_count()} cores",
            "load": load,
            "date": datetime.now(UTC).date().isoformat(),
            "packages": {package: version(package) for package in PACKAGES},
        }
        (folder / "bench.json").write_text(json.dumps(payload(rows, facts, curves), indent=1) + "\n")
        (folder / "bench.md").write_text(markdown(rows, facts))
        draw_plots(folder, rows, curves)
    return rows, facts


def chosen(only: str | None) -> list[str]:
    """The sections asked for, in the order of the suite. Raises :class:`UserError` for a name unknown.

    >>> chosen("chains,endpoints")
    ['endpoints', 'chains']
    """
    names = [name.strip() for name in only.split(",")] if only is not None else list(SECTIONS)
    for name in names:
        if name not in SECTIONS:
            raise UserError(
                "unknown section", name, "no part of the suite has this name", suggest(name, SECTIONS)
            )
    return [name for name in SECTIONS if name in names]


def writable(folder: Path) -> Path:
    """The folder, made if need be. Raises :class:`UserError` if nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            "nothing can be written to this folder", folder, reason, "name another with --out"
        ) from None
    return folder


def interpreter(name: str) -> str:
    """The path of a Python interpreter. Raises :class:`UserError` if there is none."""
    found = shutil.which(name)
    if found is None:
        raise UserError(
            "no such interpreter",
            name,
            "--torch-python takes a Python that has PyTorch",
            "give its full path",
        )
    return found


def available_cores() -> list[int]:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def other_load() -> float | None:
    """How many processes wanted a core in the last minute, before anything is measured."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def processor() -> str:
    """The processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Speed beside the speed of peers."
    )
    parser.add_argument(
        "--out", default="runs/bench", help="folder for bench.md, bench.json, plots [runs/bench]"
    )
    parser.add_argument("--only", help=f"sections, separated by commas: {', '.join(SECTIONS)} [all]")
    parser.add_argument("--quick", action="store_true", help="fewer repeats and sizes, at most 5 minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument(
        "--torch-python", default=sys.executable, help="an interpreter that has PyTorch [this one]"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
