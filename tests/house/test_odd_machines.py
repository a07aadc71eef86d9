"""A comparison on machines that lack what most have: each is a process of its own, as a user starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .scripts import TINY

NOWHERE = "/dev/null/nowhere"  # no folder can be made there, by a superuser either
LOCALE = {
    "LC_ALL": "C",
    "LANG": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONIOENCODING": "ascii",
}


ONE_CORE = (
    "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
ODD: dict[str, tuple[dict[str, str], set[str]]] = {  # variables that are set, and that are not
    "one core": ({}, set()),
    "no home": ({"XDG_CACHE_HOME": ""}, {"HOME", "USER", "LOGNAME"}),
    "a home that is not there": ({"HOME": NOWHERE, "XDG_CACHE_HOME": ""}, set()),
    "a cache that cannot be written": ({"XDG_CACHE_HOME": NOWHERE, "MPLCONFIGDIR": NOWHERE}, set()),
    "no terminal and no Unicode": (LOCALE, {"TERM", "COLUMNS"}),
    "float64": ({"JAX_ENABLE_X64": "1"}, set()),
    "a narrow terminal without colours": ({"COLUMNS": "20", "TERM": "dumb", "NO_COLOR": "1"}, set()),
}


def started(folder: Path, odd: str, *words: str) -> subprocess.CompletedProcess[str]:
    change, without = ODD[odd]
    ours = {"JAX_", "MPL", "HYPOTHESIS", "PYTHON"}
    known = {k: v for k, v in os.environ.items() if k not in without and not k.startswith(tuple(ours))}
    # Not by preexec_fn, which forks a process in which jax may have started.
    first = ["-c", ONE_CORE] if odd == "one core" else []
    return subprocess.run(
        [sys.executable, *first, "-m", "thermalize", *words],
        cwd=folder,
        env=known | change,
        start_new_session=odd == "no terminal and no Unicode",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.certify
@pytest.mark.parametrize("odd", list(ODD))
def test_a_comparison_runs_and_is_shown(odd: str, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    made = started(tmp_path, odd, "compare", "--config", "tiny.toml", "--out", "run", "--json")
    assert made.returncode == 0, made.stderr
    result: dict[str, Any] = json.loads(made.stdout)
    assert {row["name"] for row in result["arms"]} == {"sgd", "hmc", "control", "prior"}
    assert "Traceback" not in made.stderr
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000
    shown = started(tmp_path, odd, "show", "run")
    assert shown.returncode == 0, shown.stderr
    assert result["verdict"] in shown.stdout


@pytest.mark.parametrize("odd", ["no home", "a cache that cannot be written", "no terminal and no Unicode"])
def test_the_doctor_answers_everywhere(odd: str, tmp_path: Path) -> None:
    done = started(tmp_path, odd, "doctor", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passed"]
