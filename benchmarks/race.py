"""Rivals take turns: A B A B, so that whatever else the machine does slows them all.

Each rival is a process of its own (see :mod:`.protocol`), pinned to its cores. All are
warmed up first, compile time is never counted.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

type Say = Callable[[str], None]
type Start = Callable[[Rival], subprocess.Popen[str]]
type Results = dict[str, list[dict[str, Any]]]

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Rival:
    """A measurement, its cores and options; ``python`` runs it, this interpreter unless told."""

    measurement: str  # file.function
    cores: list[int]
    options: dict[str, Any] = field(default_factory=dict)
    worker: str = "benchmarks.worker"
    python: str = sys.executable


@dataclass(frozen=True)
class Race:
    """What every rival answered, repeat by repeat, and why some of them could not run."""

    results: Results
    absent: dict[str, str]


def run_race(rivals: Mapping[str, Rival], repeats: int, say: Say, start: Start | None = None) -> Race:
    """All rivals, each ``repeats`` times in turn. One that fails is reported, the others go on."""
    results: Results = {name: [] for name in rivals}
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        processes: dict[str, subprocess.Popen[str]] = {}
        for name, rival in rivals.items():
            try:
                processes[name] = stack.enter_context((start or start_process)(rival))
            except OSError as error:
                absent[name] = f"{rival.python} cannot be run: {error.strerror}"
        try:
            for name, process in processes.items():
                say(f"{name}: compiling, warming up")
                _read(name, process, absent)
            for repeat in range(repeats):
                for name, process in processes.items():
                    if name in absent:
                        continue
                    say(f"{name}: {repeat + 1} of {repeats}")
                    if (found := _ask(name, process, repeat, absent)) is not None:
                        results[name].append(found)
        except BaseException:
            for process in processes.values():
                process.kill()
            raise
    return Race({name: found for name, found in results.items() if name not in absent}, absent)


def start_process(rival: Rival) -> "subprocess.Popen[str]":
    """The rival's process; closing its stdin, as leaving its context does, ends it."""
    cores = ",".join(map(str, rival.cores))
    command = [rival.python, "-m", rival.worker, rival.measurement, cores, json.dumps(rival.options)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if rival.python != sys.executable else None,
        text=True,
    )


def _ask(name: str, process: "subprocess.Popen[str]", repeat: int, absent: dict[str, str]) -> Any:
    assert process.stdin is not None
    try:
        process.stdin.write(f"{repeat}\n")
        process.stdin.flush()
    except BrokenPipeError:
        absent[name] = "the process ended"
        return None
    return _read(name, process, absent)


def _read(name: str, process: "subprocess.Popen[str]", absent: dict[str, str]) -> Any:
    """The next answer, or ``None`` with a reason where there is none."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        absent[name] = f"the process ended without an answer, exit code {process.wait()}"
        return None
    found = json.loads(line)
    if "absent" in found:
        absent[name] = found["absent"]
        return None
    return found
