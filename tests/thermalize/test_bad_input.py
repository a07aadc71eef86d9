"""Bad input: exit code 2, a message in four parts, no traceback, nothing run, nothing written."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from models import bayesian_model, categorical, digits, gaussian_prior, mlp
from samplers import hmc, prior_draws
from thermalize.arm import Arm
from thermalize.config import make_config
from thermalize.folder import STORE
from thermalize.pipeline import compare_arms
from thermalize.seal import sealed
from thermalize.store import create_run

from .bad_input import COMMANDS, FILES, USAGE
from .commands import fake_pipeline, refused, run
from .synthetic import make_result


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of every sort and with what is no run."""
    place = tmp_path_factory.mktemp("bad")
    known = {"arguments": make_config(select=["sgd"]).arguments(), "num_devices": 2, "seed": 0}
    attrs: dict[str, dict[str, Any]] = {
        "unfinished": known,
        "python": {"arguments": {}},
        "factorial": {"arguments": {"levels": {}}, "result": {"command": "factorial"}},
        "claim": {"arguments": {"claim": "simple_is_large"}, "result": {"command": "claim"}},
        "odd": {"arguments": {"arms": 3}, "result": 7},
        "future": {"thermalize_version": "7.1"},
        "changed": known | {"result": make_result()},
        "finished": known | {"result": make_result()},
        "broken": {},
    }
    for name, root in attrs.items():
        with create_run(place / name, root) as store:
            if name == "finished":
                store.update({"complete": True})
            if name == "future":
                store.update({"store_version": 99})
    for name in ("changed", "broken"):
        file = place / name / STORE / "zarr.json"
        text = file.read_text()
        file.write_text(text.replace('"seed": 0', '"seed": 1') if name == "changed" else text[:50])
        assert file.read_text() != text
    (place / "empty" / STORE).mkdir(parents=True)
    (place / "foreign" / STORE).mkdir(parents=True)
    (place / "foreign" / STORE / "zarr.json").write_text(json.dumps({"attributes": {}}))
    (place / "thesis").mkdir()
    (place / "thesis" / "chapter.tex").write_text("years of work")
    (place / "file").write_text("mine")
    return place


def everything(place: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in place.rglob("*") if path.is_file()}


def check(words: str, says: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    calls = fake_pipeline(monkeypatch, place)
    before = everything(place)
    result = run(*shlex.split(words))
    refused(result, says)
    assert calls == []
    assert everything(place) == before
    return result.stderr


def test_there_are_more_than_a_hundred_cases() -> None:
    assert len(COMMANDS) + len(USAGE) + len(FILES) >= 100


@pytest.mark.parametrize(("words", "says"), COMMANDS, ids=lambda case: case[:60])
def test_a_bad_command(words: str, says: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = check(words, says, place, monkeypatch)
    assert text.startswith("error: ")
    assert "  why: " in text
    assert "  fix: " in text


@pytest.mark.parametrize(("words", "says"), USAGE, ids=lambda case: case[:60])
def test_bad_usage(words: str, says: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(words, says, place, monkeypatch)


@pytest.mark.parametrize(("command", "toml", "says"), FILES, ids=lambda case: case[:40])
def test_a_bad_file(command: str, toml: str, says: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "my.toml").write_text(toml)
    text = check(f"{command} --config my.toml", says, place, monkeypatch)
    assert "  why: " in text
    assert "  fix: " in text
    assert "\x1b" not in text
    assert len(text) < 2000


def test_names_that_the_system_refuses(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(f"show {'a' * 300}", "no run here", place, monkeypatch)
    check(f"compare --out {'a' * 300}", "a name is too long", place, monkeypatch)
    refused(run("compare", "--out", os.fsdecode(b"\xff")), "bad name of the output folder | UTF-8")


@pytest.mark.parametrize("name", ["", "../sgd", "/tmp/sgd", "a\\b", ".state", "a\nb"])
def test_an_arm_made_in_python_stays_in_its_folder(name: str, tmp_path: Path) -> None:
    network = mlp([64, 10])
    model = bayesian_model(network, gaussian_prior(network), categorical())
    arms = [Arm(name, prior_draws()), Arm("hmc", hmc(), role="reference")]
    with pytest.raises(ValueError, match=r"bad name of an arm, got .*letters, digits"):
        compare_arms(digits(0, 20, 5), model, arms, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_seal_holds_only_for_what_was_sealed() -> None:
    attrs = sealed({"seed": 0, "result": {"value": 0.1}})
    assert sealed(json.loads(json.dumps(attrs))) == attrs
    assert sealed({**attrs, "seed": 1}) != {**attrs, "seed": 1}
