"""The command line: what goes where, which flag does what, what it exits with."""

import json
import resource
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import thermalize.pipeline
from thermalize.config import RunConfig, make_config
from thermalize.settings import BATCH
from thermalize.store import create_run
from thermalize.version import __version__

from .commands import Call, fake_pipeline, refused, run
from .synthetic import make_result

BIN = Path(sys.executable).parent


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Call]:
    return fake_pipeline(monkeypatch, tmp_path)


def test_help_and_lists_are_instant() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from thermalize.cli import app\n"
        "for line in ('--help', 'compare --help', 'tasks', 'samplers', 'samplers sgd', '--version'):\n"
        "    assert CliRunner().invoke(app, line.split()).exit_code == 0, line\n"
        "print(sorted({'jax', 'numpy', 'xarray', 'rich', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    costs = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([BIN / "thermalize", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(costs) < 0.3  # processor seconds: what the clock shows on a machine that is idle


def test_lists_name_everything_there_is() -> None:
    tasks, samplers = run("tasks"), run("samplers")
    for word in ("digits", "regression_1d", "rotation", "gelu", "student_t", "lecun"):
        assert word in tasks.stdout
    for word in ("sgd", "lion", "hmc*", "mclmc", "sgld", "control", "prior"):
        assert word in samplers.stdout
    page = run("samplers", "sgd").stdout
    for word in ("learning_rate", "first_fit, loss, match, budget", "Robbins and Monro 1951"):
        assert word in page
    refused(run("samplers", "sdg"), "unknown optimiser or sampler: 'sdg' | did you mean sgd?")
    assert run("--version").stdout == f"thermalize {__version__}\n"


FLAGS: list[tuple[list[str], str, Any]] = [
    (["--task", "diabetes"], "task", "diabetes"),
    (["--preset", "full"], "preset", "full"),
    (["--seed", "5"], "seed", 5),
    (["--num-train", "50"], "num_train", 50),
    (["--num-probe", "60"], "num_probe", 60),
    (["--label-noise", "0.5"], "label_noise", 0.5),
    (["--shift", "blur", "--shift-strength", "2"], "shift", "blur"),
    (["--shift", "blur", "--shift-strength", "2"], "shift_strength", 2.0),
    (["--widths", "8,4"], "widths", (8, 4)),
    (["--widths", ""], "widths", ()),
    (["--activation", "relu"], "activation", "relu"),
    (["--prior", "laplace"], "prior", "laplace"),
    (["--weight-scale", "2"], "weight_scale", 2.0),
    (["--bias-scale", "0.5"], "bias_scale", 0.5),
    (["--prior", "student_t", "--degrees-of-freedom", "3"], "degrees_of_freedom", 3.0),
    (["--task", "diabetes", "--noise-scale", "0.3"], "noise_scale", 0.3),
    (["--init", "he"], "init", "he"),
    (["--init", "scaled", "--init-scale", "0.5"], "init_scale", 0.5),
    (["--beta", "0.25"], "beta", 0.25),
]


@pytest.mark.parametrize(("words", "field", "value"), FLAGS, ids=lambda case: str(case))
def test_every_flag_has_its_effect(words: list[str], field: str, value: Any, calls: list[Call]) -> None:
    assert run("compare", "--json", *words).exit_code == 0
    assert getattr(calls[0][0], field) == value
    assert getattr(make_config(), field) != value
    assert {flag[1] for flag in FLAGS} == {f.name for f in fields(RunConfig)} - {"arms", *BATCH}


def test_arms_file_and_folder(calls: list[Call], tmp_path: Path) -> None:
    Path("my.toml").write_text('seed = 4\n[arms.slow]\nkind = "sgd"\nlearning_rate = 0.01\n')
    assert run("compare", "--config", "my.toml", "--arms", "slow, adam,nuts").exit_code == 0
    config, folder, resume, overwrite = calls[0]
    assert [arm.name for arm in config.arms] == ["slow", "adam", "nuts", "control", "prior"]
    assert config.arms[0].options["learning_rate"] == 0.01
    assert (folder, resume, overwrite) == (Path("runs/digits-quick-4"), False, False)
    run("compare", "--out", "elsewhere", "--overwrite")
    assert calls[1][1:] == (Path("elsewhere"), False, True)


def test_results_go_to_stdout_and_messages_to_stderr(calls: list[Call]) -> None:
    plain = run("compare")
    assert "SUPPORTED" in plain.stdout or "PARTLY" in plain.stdout or "REFUTED" in plain.stdout
    assert "run folder" not in plain.stdout
    assert "run folder: runs/digits-quick-0" in plain.stderr
    as_json = run("compare", "--json")
    assert json.loads(as_json.stdout) == make_result()
    assert as_json.stdout.count("\n") == 1


def test_an_untrusted_reference_is_an_exit_code_only_on_request(calls: list[Call]) -> None:
    assert run("compare", "--seed", "13").exit_code == 0
    strict = run("compare", "--seed", "13", "--require-trust", "--json")
    assert strict.exit_code == 3
    assert json.loads(strict.stdout)["trust"]["passed"] is False
    assert "not trusted" in strict.stderr
    assert run("compare", "--require-trust").exit_code == 0


def test_going_on_takes_the_stored_settings(calls: list[Call]) -> None:
    first = ["compare", "--task", "diabetes", "--beta", "0.5", "--arms", "sgd", "--out", "run"]
    assert run(*first).exit_code == 0
    create_run(Path("run"), {"arguments": calls[0][0].arguments()}).close()
    assert run("compare", "--resume", "--out", "run").exit_code == 0
    assert calls[1][0] == calls[0][0]
    assert run(*first, "--resume").exit_code == 0
    assert run("compare", "--resume", "--out", "run", "--arms", "elliptical_slice").exit_code == 0
    assert [arm.name for arm in calls[3][0].arms] == [
        *(arm.name for arm in calls[0][0].arms),
        "elliptical_slice",
    ]
    refused(
        run("compare", "--resume", "--out", "run", "--beta", "2"),
        "other settings: run | beta was 0.5, is now 2.0",
    )
    assert len(calls) == 4


def test_resume_and_extend_take_the_stored_settings(calls: list[Call]) -> None:
    settings = make_config(select=["sgd"])
    create_run(Path("run"), {"arguments": settings.arguments(), "num_devices": 2}).close()
    assert run("resume", "run").exit_code == 0
    assert calls[0] == (settings, Path("run"), True, False)
    assert run("extend", "run", "--draws", "7", "--endpoints", "5", "--json").exit_code == 0
    more = {arm.name: arm.options for arm in calls[1][0].arms}
    for arm in settings.arms:
        name, added = (
            ("num_endpoints", 5) if arm.name == "sgd" else ("num_draws", 4 if arm.name == "control" else 7)
        )
        assert more[arm.name] == {**arm.options, name: arm.options[name] + added}
    refused(run("extend", "run"), "nothing to add | give --draws or --endpoints")
    refused(run("extend", "run", "--draws", "0"), "bad value for --draws: 0 | at least 1")
    refused(run("resume", "elsewhere"), "no run here: elsewhere")
    create_run(Path("python"), {"arguments": {}, "num_devices": 2}).close()
    refused(run("resume", "python"), "made in Python: python | compare_arms")
    assert len(calls) == 2


def test_show_prints_what_is_stored(tmp_path: Path) -> None:
    with create_run(tmp_path / "run", {}) as store:
        store.set_result(make_result())
    assert json.loads(run("show", tmp_path / "run", "--json").stdout) == make_result()
    assert "Controls" in run("show", tmp_path / "run").stdout


def test_an_interruption_says_how_to_go_on(calls: list[Call], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(config: RunConfig, folder: Path, **_: Any) -> None:
        if config.seed:
            create_run(folder, {}).close()
        raise KeyboardInterrupt

    monkeypatch.setattr(thermalize.pipeline, "compare", interrupted)
    early, later = run("compare"), run("compare", "--seed", "1")
    assert early.exit_code == later.exit_code == 130
    assert early.stdout == later.stdout == ""
    assert "--resume" not in early.stderr
    assert "thermalize resume runs/digits-quick-1" in later.stderr
