"""A dry run: what it expects is near what the run then takes, and it leaves nothing behind."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from thermalize.config import Layer, make_config
from thermalize.folder import STORE
from thermalize.parts import build_parts
from thermalize.pilot import pilot
from thermalize.prepare import make_run

from .commands import refused, run
from .test_faults import FILE

SETTINGS = (
    FILE.replace("[arms.sgd]", '[arms.sgd]\nstop = "match"\nkeep_params = true')
    + """
[arms.smc]
role = "arm"
num_chains = 4
num_particles = 80
"""
)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dry") / "my.toml"
    path.write_text(SETTINGS)
    return path


def expected(*words: str | Path) -> dict[str, Any]:
    done = run(*words, "--dry-run", "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    numbers = [row[name] for row in found["arms"] for name in ("seconds", "disk_bytes", "chunk_bytes")]
    numbers += list(found["total"].values())
    assert all(math.isfinite(number) and number > 0 for number in numbers)
    return found


def taken(folder: Path, arm: str) -> int:
    files = [*(folder / STORE / arm).rglob("*"), folder / "state" / f"{arm}.npz"]
    return sum(path.stat().st_size for path in files if path.is_file())


@pytest.mark.certify
def test_disk_is_as_expected_and_a_dry_run_writes_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thermalize.pilot.BUDGET", 60.0)  # so that a busy machine measures the same
    folder = config.parent / "run"
    start = ("compare", "--config", config, "--out", folder)
    found = expected(*start)
    assert not folder.exists()
    assert list(config.parent.iterdir()) == [config]
    assert run(*start).exit_code == 0
    rows = {row["name"]: row for row in found["arms"]}
    assert set(rows) == {"prior", "hmc", "control", "sgd", "smc"}
    for name, row in rows.items():
        assert row["disk_bytes"] == pytest.approx(taken(folder, name), rel=0.2), name
    whole = sum(taken(folder, name) for name in rows) + (folder / STORE / "zarr.json").stat().st_size
    assert found["total"]["disk_bytes"] == pytest.approx(whole, rel=0.2)
    refused(run(*start, "--dry-run"), "already holds a run")

    nothing = json.loads(run("resume", folder, "--dry-run", "--json").stdout)
    assert nothing["arms"] == []
    before = taken(folder, "sgd")
    added = expected("extend", folder, "--endpoints", "64")
    assert [(row["name"], row["left"]) for row in added["arms"]] == [("sgd", 64)]
    assert run("extend", folder, "--endpoints", "64").exit_code == 0
    assert added["arms"][0]["disk_bytes"] == pytest.approx(taken(folder, "sgd") - before, rel=0.25)


def test_the_page_says_how_each_number_was_made(config: Path) -> None:
    done = run("compare", "--config", config, "--out", config.parent / "other", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "networks t" in done.stdout
    assert "draws of 8 chains after 20 steps of warm-up" in done.stdout
    assert "2 populations of 64 particles" in done.stdout
    assert "nothing was written" in done.stdout


@pytest.mark.certify
def test_networks_that_do_not_end_in_time_are_bounded_by_their_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With no time to wait, what is left is the time of a step, times the most steps there can be."""
    monkeypatch.setattr("thermalize.pilot.BUDGET", 0.0)
    never = {"num_endpoints": 40, "stop": "loss", "threshold": 0.0, "batch_size": 2, "max_steps": 20_000}
    layer = {"task": {"name": "boolean_3"}, "model": {"widths": [3]}, "arms": {"sgd": never}}
    settings = make_config(Layer(layer))
    parts = build_parts(settings)
    shared = make_run(parts.task, parts.model, seed=0, beta=1.0, blocks=parts.blocks)
    arm = next(arm for arm in parts.arms if arm.name == "sgd")
    found = pilot(arm, arm, shared, 0.0)
    assert "a bound: every network takes max_steps = 20000" in found.how
    assert found.each > 0
    assert found.more_bytes == 4 * 401
