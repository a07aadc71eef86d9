"""Several stops of one training are arms of the same networks, as if each had been trained by itself."""

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samplers.training import train_chunk
from thermalize.config import Layer, RunConfig, make_config
from thermalize.folder import STORE
from thermalize.parts import build_parts
from thermalize.pipeline import compare, compare_arms
from thermalize.prepare import make_run, passes, training_of
from thermalize.resume_command import extended
from thermalize.store import Store, open_run

from .commands import refused, run
from .test_resume import Disk, bits, disk  # noqa: F401

STOPS = ["first_fit", "first_fit+20", "loss<=0.3", "match", "budget"]
NAMES = ["sgd@first_fit", "sgd@first_fit+20", "sgd@loss_0.3", "sgd@match", "sgd@budget"]
SETTINGS: dict[str, Any] = {
    "task": {"name": "boolean_3"},
    "model": {"widths": [3]},
    "batch": {"chunk_draws": 20, "chunk_endpoints": 12, "lanes": 4, "block_lanes": 4},
    "arms": {
        "sgd": {"num_endpoints": 32, "batch_size": 2, "max_steps": 60, "stops": STOPS, "keep_params": True},
        "hmc": {"num_draws": 50, "num_warmup": 20, "num_steps_per_draw": 1, "num_integration_steps": 3},
        "prior": {"num_draws": 32},
    },
}


def settings() -> RunConfig:
    return make_config(Layer(SETTINGS))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    compare(settings(), folder)
    return folder


def test_each_stop_is_an_arm_as_if_it_were_trained_alone(whole: Path) -> None:
    """To rounding: another program, the same keys."""
    tree, parts = open_run(whole).tree(), build_parts(settings())
    assert [arm.name for arm in parts.arms if arm.role == "arm"] == NAMES
    shared = make_run(parts.task, parts.model, seed=0, beta=1.0, blocks=parts.blocks)
    threshold = float(tree["hmc"]["sample_stats"]["loss"].mean())
    steps = {}
    for arm in passes(parts.arms)[0]:
        assert arm.stop is not None
        stop = arm.stop._replace(threshold=threshold) if arm.match_reference else arm.stop
        alone = training_of(replace(arm, num_chains=32), [stop], shared)
        found = [train_chunk(alone, first, min(12, 32 - first))[0] for first in (0, 12, 24)]
        stored = tree[arm.name]
        for name, group in (("steps", "sample_stats"), ("steps_to_fit", "sample_stats")):
            expected = np.concatenate([piece.stats[name] for piece in found])
            np.testing.assert_array_equal(stored[group][name], expected)
        logits = np.concatenate([piece.observed["logits"] for piece in found])
        np.testing.assert_allclose(stored["predictions"]["logits"], logits, rtol=1e-3, atol=1e-4)
        assert stored.attrs["status"] == [sentence for piece in found for sentence in piece.status]
        steps[arm.name] = np.asarray(stored["sample_stats"]["steps"])
    fitted = steps["sgd@first_fit"] <= 40
    assert fitted.mean() > 0.5
    np.testing.assert_array_equal(steps["sgd@first_fit+20"][fitted], steps["sgd@first_fit"][fitted] + 20)
    assert (steps["sgd@budget"] == 60).all()


def test_each_stop_is_judged_and_keeps_its_rule(whole: Path) -> None:
    store = open_run(whole)
    assert list(store.result()["verdicts"]) == NAMES
    rules = {name: store.arm_attrs(name)["stopping"] for name in NAMES}
    assert rules["sgd@first_fit+20"] == "first zero training error, then 20 more steps (at most 60 steps)"
    assert rules["sgd@loss_0.3"].startswith("training loss at most 0.3 ")
    assert rules["sgd@budget"] == "after 60 steps"


@pytest.mark.parametrize(
    ("place", "at"),
    [
        pytest.param("state/sgd", 18, marks=pytest.mark.certify),
        ("unfinished/sgd@match/predictions", 9),
    ],
)
def test_cut_short_and_gone_on_with_the_bits_are_the_same(
    place: str,
    at: int,
    disk: Disk,  # noqa: F811
    whole: Path,
    tmp_path: Path,
) -> None:
    """Between the states of two arms, and within an arm."""
    folder = tmp_path / "run"
    with (
        pytest.raises(OSError, match="no"),
        disk.fails(folder / place, at, OSError(errno.ENOSPC, "no", str(folder))),
    ):
        compare(settings(), folder)
    compare(settings(), folder, resume=True)
    assert bits(folder) == bits(whole)


@pytest.mark.certify
def test_cut_short_between_the_ends_of_two_arms_the_bits_are_the_same(
    monkeypatch: pytest.MonkeyPatch, whole: Path, tmp_path: Path
) -> None:
    finish = Store.finish_arm

    def dies(store: Store, name: str, attrs: Any) -> None:
        if name == NAMES[2]:
            raise KeyboardInterrupt
        finish(store, name, attrs)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "finish_arm", dies)
        with pytest.raises(KeyboardInterrupt):
            compare(settings(), tmp_path / "run")
    assert open_run(tmp_path / "run").finished()[-2:] == NAMES[:2]
    compare(settings(), tmp_path / "run", resume=True)
    assert bits(tmp_path / "run") == bits(whole)


@pytest.mark.certify
def test_an_arm_of_a_pass_that_was_lost_is_made_again(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "run")
    (tmp_path / "run" / STORE / NAMES[1]).rename(tmp_path / "lost")
    (tmp_path / "run/state" / f"{NAMES[1]}.npz").unlink()
    done = run("resume", tmp_path / "run")
    assert done.exit_code == 0, done.output
    tree, first = open_run(tmp_path / "run").tree(), open_run(whole).tree()
    for name in NAMES:
        np.testing.assert_array_equal(
            tree[name]["predictions"]["logits"], first[name]["predictions"]["logits"]
        )


@pytest.mark.certify
def test_more_endpoints_are_those_of_a_longer_run(whole: Path, tmp_path: Path) -> None:
    more = extended(settings(), {"endpoints": 16})
    shutil.copytree(whole, tmp_path / "run")
    compare(more, tmp_path / "run", resume=True)
    compare(more, tmp_path / "longer")
    found, expected = bits(tmp_path / "run"), bits(tmp_path / "longer")
    files = [name for name in expected if "/sgd@" in name and "/c/" in name]
    assert len(files) > 100
    assert [name for name in files if found.get(name) != expected[name]] == []


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('stops = ["first_fit", "first_fit"]', "no two the same"),
        ('stops = ["first"]', "made of first_fit, loss<=NUMBER"),
        ('stops = ["budget+5"]', "made of"),
        ("stops = []", "made of"),
        ("stops = [1]", "a list of words in quotes"),
        ('stops = "first_fit"', "a list of words in quotes"),
        ('stops = ["match"]\nextra_steps = 3', "arms.sgd.extra_steps | ignored beside stops"),
        ('stops = ["match"]\nstop = "match"', "arms.sgd.stop | ignored beside stops"),
    ],
)
def test_stops_that_make_no_sense_are_refused(lines: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(f"[arms.sgd]\n{lines}\n")
    refused(run("compare", "--config", tmp_path / "my.toml", "--out", tmp_path / "run"), says)


def test_networks_trained_as_one_must_be_the_same() -> None:
    parts = build_parts(settings())
    arms = [replace(arm, num_chains=8) if arm.name == NAMES[0] else arm for arm in parts.arms]
    with pytest.raises(ValueError, match="must be the same networks, got sgd@first_fit, "):
        compare_arms(parts.task, parts.model, arms, "never")


@pytest.mark.certify
def test_a_dry_run_counts_their_time_once(tmp_path: Path) -> None:
    text = '[task]\nname = "boolean_3"\n[model]\nwidths = [3]\n[arms.hmc]\nnum_draws = 10\nnum_warmup = 20\n'
    text += '[arms.sgd]\nnum_endpoints = 8\nmax_steps = 60\nstops = ["first_fit", "budget"]\n'
    (tmp_path / "my.toml").write_text(text)
    done = run("compare", "--config", tmp_path / "my.toml", "--out", tmp_path / "run", "--dry-run", "--json")
    assert done.exit_code == 0, done.output
    rows = [row for row in json.loads(done.stdout)["arms"] if row["name"].startswith("sgd@")]
    assert sorted(row["seconds"] > 0 for row in rows) == [False, True]
    assert all(row["disk_bytes"] > 0 for row in rows)
