"""Provenance says what is true of the code, the data and the machine, and admits what it cannot know."""

import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import jax
import numpy as np

from thermalize.plain import plain
from thermalize.provenance import (
    NO_CHECKOUT,
    data_hash,
    git_state,
    machine,
    package_versions,
    provenance,
    started,
)
from thermalize.version import __version__


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", folder, *identity, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_root_attributes_are_complete_and_plain() -> None:
    attrs = provenance(
        seed=3,
        arguments={"beta": 1.0},
        arrays=[np.arange(3)],
        citations=["b", "", "a", "b"],
        devices=jax.devices(),
        batch={"draws": 5},
    )
    assert json.loads(json.dumps(plain(attrs), allow_nan=False)) == attrs
    assert attrs["thermalize_version"] == __version__
    assert (attrs["seed"], attrs["arguments"], attrs["num_devices"]) == (3, {"beta": 1.0}, len(jax.devices()))
    assert attrs["citations"] == ["a", "b"]
    created = datetime.fromisoformat(attrs["created"])
    assert created.utcoffset() == UTC.utcoffset(None)
    assert abs((datetime.now(UTC) - created).total_seconds()) < 60
    assert attrs["packages"]["jax"] == jax.__version__
    assert "cores" in attrs["platform"]


def test_git_state_is_that_of_this_checkout_and_no_other(tmp_path: Path) -> None:
    assert git_state(tmp_path) == NO_CHECKOUT
    assert git_state(tmp_path / "nowhere") == NO_CHECKOUT
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "untracked").write_text("")
    assert git_state(tmp_path) == f"{commit[:12]} (clean)"
    (tmp_path / "file").write_text("2")
    assert git_state(tmp_path) == f"{commit[:12]} (with changes)"
    (tmp_path / "inside").mkdir()  # a package installed inside somebody's repository
    assert git_state(tmp_path / "inside") == NO_CHECKOUT


def test_the_hash_sees_values_types_shapes_and_order() -> None:
    base = [np.array([1.0, 2.0]), np.array([3])]
    changes = [
        [np.array([1.0, 2.5]), np.array([3])],
        [np.array([1.0, 2.0], "f4"), np.array([3])],
        [np.array([[1.0, 2.0]]), np.array([3])],
        base[::-1],
        base[:1],
    ]
    hashes = [data_hash(arrays) for arrays in [base, *changes]]
    assert len(set(hashes)) == len(hashes)
    assert data_hash([array.copy() for array in base]) == hashes[0]
    assert data_hash([np.arange(6).reshape(2, 3).T]) == data_hash(
        [np.ascontiguousarray(np.arange(6).reshape(2, 3).T)]
    )


def test_versions_and_machine_are_read_from_the_system() -> None:
    versions = package_versions()
    assert versions["numpy"] == np.__version__
    assert next(iter(versions)) == "python"
    assert machine().count(",") == 1


def test_the_clock_adds_to_what_an_interrupted_run_spent() -> None:
    clock = started()
    time.sleep(0.05)
    spent = clock.seconds({"wall_seconds": 100.0, "cpu_seconds": None})
    assert 100.05 <= spent["wall_seconds"] < 110
    assert 0 <= spent["cpu_seconds"] < 10
