"""Rivals are processes that take turns; one that cannot run is reported and the others go on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import race
from benchmarks.race import Rival, run_race


def rival(log: Path, label: str, name: str = "run") -> Rival:
    return Rival(name, [CORE], {"log": str(log), "label": label}, "tests.benchmarks.invented")


CORE = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0


def test_rivals_warm_up_and_then_take_turns(tmp_path: Path) -> None:
    said: list[str] = []
    log = tmp_path / "log"
    found = run_race({"one": rival(log, "A"), "two": rival(log, "B")}, 3, said.append)
    turns = log.read_text().split()
    assert sorted(turns[:2]) == ["A-1", "B-1"]
    assert turns[2:] == ["A0", "B0", "A1", "B1", "A2", "B2"]
    assert not found.absent
    assert [found["seconds"] for found in found.results["two"]] == [1.0, 2.0, 3.0]
    assert found.results["one"][0]["cores"] == [CORE]
    assert found.results["one"][0]["threads"] == "1"
    assert said == [
        "one: compiling, warming up",
        "two: compiling, warming up",
        *(f"{name}: {repeat} of 3" for repeat in (1, 2, 3) for name in ("one", "two")),
    ]


def test_one_that_fails_or_dies_or_cannot_start_stops_nobody(tmp_path: Path) -> None:
    log = tmp_path / "log"
    nowhere = Rival("run", [CORE], {}, python=str(tmp_path / "python"))
    rivals = {
        "fails": rival(log, "A", "fail"),
        "runs": rival(log, "B"),
        "dies": rival(log, "C", "die"),
        "nowhere": nowhere,
    }
    found = run_race(rivals, 3, lambda text: None)
    assert set(found.results) == {"runs"}
    assert len(found.results["runs"]) == 3
    assert found.absent["fails"] == "ValueError: no more"
    assert found.absent["dies"] == "the process ended without an answer, exit code 7"
    assert found.absent["nowhere"].endswith("cannot be run: No such file or directory")


def test_without_torch_the_peer_is_absent_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No module', name='torch')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    options = {"widths": [3, 4, 1], "num_train": 4, "num_endpoints": 1}
    peer = Rival("loop", [CORE], options, "benchmarks.training_torch")
    found = run_race({"torch": peer}, 1, lambda text: None)
    assert found.absent == {"torch": f"torch is not installed in {sys.executable}"}


def test_the_worker_finds_a_measurement_by_name() -> None:
    options = {"size": 64, "products": 2}
    found = run_race({"sgemm": Rival("machine.sgemm", [CORE], options)}, 1, lambda text: None)
    assert found.results["sgemm"][0]["gflops"] > 0


def test_a_race_that_is_interrupted_leaves_no_process(tmp_path: Path) -> None:
    started: list[subprocess.Popen[str]] = []

    def start(rival: Rival) -> "subprocess.Popen[str]":
        started.append(race.start_process(rival))
        return started[-1]

    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        race.run_race({"one": rival(tmp_path / "log", "A")}, 1, interrupt, start)
    assert [process.poll() for process in started] == [-signal.SIGKILL]
