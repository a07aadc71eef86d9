"""A run that is cut short anywhere and goes on ends in the same bits as one that never was."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thermalize.config import Layer, RunConfig, make_config
from thermalize.errors import UserError
from thermalize.folder import STORE, run_attrs
from thermalize.pipeline import compare
from thermalize.resume_command import extended
from thermalize.seal import sealed
from thermalize.store import create_run

SETTINGS: dict[str, Any] = {
    "task": {"name": "boolean_3"},
    "model": {"widths": [3]},
    "batch": {"chunk_draws": 20, "chunk_endpoints": 12, "lanes": 4, "block_lanes": 4},
    "arms": {
        "sgd": {"num_endpoints": 32, "batch_size": 2, "max_steps": 300},
        "hmc": {"num_draws": 50, "num_warmup": 20, "num_steps_per_draw": 1, "num_integration_steps": 3},
        "smc": {"num_chains": 4, "num_particles": 40, "role": "arm"},
        "prior": {"num_draws": 32},
    },
}


def settings() -> RunConfig:
    return make_config(Layer(SETTINGS))


def bits(folder: Path) -> dict[str, bytes]:
    """Every file of the store; of attributes all but the time that was spent."""
    found = {}
    for path in sorted((folder / STORE).rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.name == "zarr.json":
                content = json.dumps(_timeless(json.loads(content)), sort_keys=True).encode()
            found[str(path.relative_to(folder))] = content
    return found


def _timeless(value: Any) -> Any:
    timed = {"checksum", "seconds", "wall_seconds", "cpu_seconds", "created", "store", "report", "git"}
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in timed}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole") / "run"
    compare(settings(), folder)
    return bits(folder)


class Killed(Exception):
    """Stands for a kill; a real one is in the long tests, for it costs a start of Python."""


class Disk:
    """Counts what is opened for writing, renamed or removed under a folder, and fails from one of them on."""

    def __init__(self) -> None:
        self.folder, self.left, self.count, self.error = "", -1, 0, Killed

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.folder or event not in ("open", "os.rename", "os.remove", "os.mkdir"):
            return
        path, mode = str(arguments[0]), arguments[1] if event == "open" else "w"
        if self.folder not in path or not isinstance(mode, str) or not set(mode) & set("wax+"):
            return
        self.count += 1
        if 0 <= self.left <= self.count:  # several threads write
            raise self.error

    @contextmanager
    def fails(self, folder: Path, at: int, error: Any = Killed) -> Iterator[None]:
        self.folder, self.left, self.count, self.error = str(folder), at, 0, error
        try:
            yield
        finally:
            self.folder = ""


@pytest.fixture(scope="module")
def disk() -> Disk:
    hook = Disk()
    sys.addaudithook(hook)  # for good: it does nothing without a folder
    return hook


def finish(folder: Path) -> None:
    compare(settings(), folder, resume=True)


def cut_short(disk: Disk, folder: Path, at: int, error: Any = Killed) -> bool:
    """Start or go on until write number ``at``; whether there was such a write."""
    try:
        with disk.fails(folder, at, error):
            compare(settings(), folder, resume=True)
    except (Killed, OSError, UserError):
        return True
    return False


def test_cut_short_at_a_write_and_gone_on_with_the_bits_are_the_same(
    disk: Disk, whole: dict[str, bytes], tmp_path: Path
) -> None:
    """One run that is cut short again and again, at writes drawn at random."""
    folder, cuts, rng = tmp_path / "often", 0, np.random.default_rng(0)
    while cut_short(disk, folder, int(rng.integers(300, 1200))):
        cuts += 1
    assert cuts >= 2
    assert bits(folder) == whole


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 18, 19, 20])
def test_attributes_that_are_cut_short_leave_the_seal_whole(at: int, disk: Disk, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with create_run(folder, {"seed": 0, "thermalize_version": "0"}) as store:
        with disk.fails(folder, at), suppress(Killed):
            store.update({"first": 1, "second": 2})
        assert run_attrs(folder)["seed"] == 0


@pytest.mark.certify
def test_cut_short_at_many_writes_the_bits_are_the_same(
    disk: Disk, whole: dict[str, bytes], tmp_path: Path
) -> None:
    with disk.fails(tmp_path / "counted", -1):
        compare(settings(), tmp_path / "counted")
    assert bits(tmp_path / "counted") == whole
    places = np.random.default_rng(1).choice(np.arange(20, disk.count), 20, replace=False)
    for at in places.tolist():
        folder = tmp_path / f"cut-{at}"
        assert cut_short(disk, folder, at)
        finish(folder)
        assert bits(folder) == whole, at


def test_a_full_disk_is_said_and_what_was_finished_stays(
    disk: Disk, whole: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    assert cut_short(disk, folder, 1000, OSError(28, "No space left on device", str(folder)))
    assert any((folder / "state").iterdir())
    finish(folder)
    assert bits(folder) == whole


def test_an_interrupt_finishes_the_chunk_and_a_resumed_run_has_the_same_bits(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "run"

    def interrupt() -> None:
        while not (folder / "state").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        compare(settings(), folder)
    assert not (folder / STORE / "smc").exists()
    finish(folder)
    assert bits(folder) == whole


def test_more_draws_and_endpoints_are_those_of_a_longer_run(whole: dict[str, bytes], tmp_path: Path) -> None:
    """To the last bit."""
    more = extended(settings(), {"draws": 30, "endpoints": 16})
    sizes = [arm.options.get("num_draws", arm.options.get("num_endpoints")) for arm in more.arms]
    assert sizes == [48, 80, None, 62, 40]
    compare(settings(), tmp_path / "run")
    compare(more, tmp_path / "run", resume=True)
    compare(more, tmp_path / "longer")
    found, expected = bits(tmp_path / "run"), bits(tmp_path / "longer")
    for arm in ("hmc", "prior", "control", "sgd"):
        files = [name for name in expected if f"/{arm}/" in name and "/c/" in name]
        assert len(files) > 10
        assert [name for name in files if found.get(name) != expected[name]] == [], arm


def test_a_run_does_not_go_on_under_another_identity(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    small = make_config(Layer(SETTINGS), select=["sgd"])
    compare(small, folder)
    file = folder / STORE / "zarr.json"
    stored = json.loads(file.read_text())
    for name, value, says in [
        ("num_devices", 7, "another number of devices"),
        ("device", "GPU", "another kind of device"),
        ("packages", {**stored["attributes"]["packages"], "jax": "0.1"}, "other versions"),
    ]:
        changed = {**stored, "attributes": sealed({**stored["attributes"], name: value})}
        file.write_text(json.dumps(changed))
        with pytest.raises(UserError, match=says):
            compare(small, folder, resume=True)
    file.write_text(json.dumps(stored))
    with pytest.raises(UserError, match="other batch sizes"):
        compare(replace(small, lanes=8), folder, resume=True)
