"""One small comparison through the command line: run, read, report, interrupt, go on bit by bit the same."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pytest

import thermalize.progress
from thermalize.folder import REPORT, STORE
from thermalize.store import open_run

from .commands import refused, run

FILE = """
[task]
name = "regression_1d"
num_train = 10
num_probe = 12
[model]
widths = []
noise_scale = 0.5
[arms.sgd]
num_endpoints = 8
stop = "budget"
max_steps = 100
[arms.hmc]
num_chains = 4
num_draws = 100
num_warmup = 100
num_integration_steps = 8
"""
ARMS = ["prior", "hmc", "control", "sgd"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the settings in my.toml and a finished run of them in run."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "my.toml").write_text(FILE)
    done = run("compare", "--config", folder / "my.toml", "--out", folder / "run", "--json")
    assert done.exit_code == 0, done.output
    (folder / "result.json").write_text(done.stdout)
    return folder


def draws(run_folder: Path) -> dict[str, np.ndarray]:
    tree = open_run(run_folder).tree()
    return {name: np.asarray(arm["predictions"]["logits"]) for name, arm in tree.children.items()}


def test_the_result_is_printed_once_and_stored(folder: Path) -> None:
    result = json.loads((folder / "result.json").read_text())
    assert result["command"] == "compare"
    assert result["store"] == str(folder / "run" / STORE)
    assert {row["name"] for row in result["arms"]} == set(ARMS)
    assert json.loads(run("show", folder / "run", "--json").stdout) == result
    assert result["verdict"] in run("show", folder / "run").stdout
    attrs = open_run(folder / "run").attrs()
    assert attrs["complete"] is True
    assert attrs["wall_seconds"] > 0
    assert attrs["arguments"]["arms"]["hmc"]["num_draws"] == 100
    assert "Duane et al. 1987; Neal 2011" in attrs["citations"]


def test_the_report_is_written_again_on_request(folder: Path) -> None:
    path = folder / "run" / REPORT
    first = path.read_text()
    path.unlink()
    done = run("report", folder / "run")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{path}\n"
    assert len(path.read_text()) == pytest.approx(len(first), rel=0.01)


def test_arviz_alone_summarises_both_arms(folder: Path) -> None:
    tree = az.from_zarr(folder / "run" / STORE)
    for name, kind in (("hmc", "all"), ("sgd", "stats")):
        table = az.summary(tree[name], group="predictions", kind=kind, round_to="none")
        assert np.isfinite(table["mean"].to_numpy(float)).all()
        assert len(table) == 12
    assert tree["sgd"]["sample_stats"]["record"].values.tolist() == [0, 50, 100]


def test_an_existing_run_stays_as_it_is(folder: Path) -> None:
    before = draws(folder / "run")
    refused(run("compare", "--out", folder / "run"), "already holds a run | thermalize resume | --overwrite")
    after = draws(folder / "run")
    assert all(np.array_equal(before[name], after[name]) for name in ARMS)


def test_an_interrupted_run_goes_on_to_the_same_draws(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the control: chains and an optimiser are then left to do."""
    out, arm = folder / "interrupted", "control"

    @contextmanager
    def interrupting(*_: Any) -> Iterator[Callable[[str], Any]]:
        @contextmanager
        def reporter(name: str) -> Iterator[Callable[..., None]]:
            def show(done: int, total: int, note: str = "") -> None:
                if name == arm and done:
                    raise KeyboardInterrupt

            yield show

        yield reporter

    with monkeypatch.context() as patch:
        patch.setattr(thermalize.progress, "progress_on", interrupting)
        stopped = run("compare", "--config", folder / "my.toml", "--out", out)
    assert stopped.exit_code == 130
    assert stopped.stdout == ""
    assert f"thermalize resume {out}" in stopped.stderr
    kept = ARMS[: ARMS.index(arm)]
    assert list(draws(out)) == open_run(out).finished() == kept
    assert not (out / REPORT).exists()
    times = {path: path.stat().st_mtime_ns for name in kept for path in (out / STORE / name).rglob("*")}
    done = run("compare", "--resume", "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert {path: path.stat().st_mtime_ns for path in times} == times  # finished arms were not touched
    whole, resumed = draws(folder / "run"), draws(out)
    for name in ARMS:
        np.testing.assert_array_equal(whole[name], resumed[name])
    first = json.loads((folder / "result.json").read_text())
    result = json.loads(done.stdout)
    for key in ("verdict", "headline", "trust", "comparisons", "behaviours"):
        assert result[key] == first[key]
