"""Nothing is written over, nothing is lost, damage is told: every refusal with its message."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from samplers.draws import Draws
from thermalize.errors import UserError
from thermalize.folder import LOCK, REPORT, STORE
from thermalize.store import Store, create_run, open_run

from .drawn import finished_run, message, write_hmc


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_run(tmp_path / "run", {"seed": 0, "thermalize_version": "0"}) as store:
        yield store


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Draws, Draws]:
    """A finished run on disk, and the draws that it must hold."""
    folder = tmp_path_factory.mktemp("store") / "run"
    return folder, *finished_run(folder)


def test_an_existing_run_is_never_written_over_unasked(finished: tuple[Path, Draws, Draws]) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in finished[0].rglob("*"))
    with pytest.raises(UserError) as caught:
        create_run(finished[0], {})
    message(caught, "already holds a run", str(finished[0]), "thermalize resume", "--overwrite", "--out")
    assert sorted((path, path.stat().st_mtime_ns) for path in finished[0].rglob("*")) == before


def test_overwriting_replaces_the_whole_run(store: Store) -> None:
    write_hmc(store)
    (store.folder / REPORT).write_text("old")
    store.close()
    with create_run(store.folder, {"seed": 1}, overwrite=True) as new:
        assert new.attrs()["seed"] == 1
        assert new.finished() == []
        assert sorted(path.name for path in new.folder.iterdir()) == [LOCK, STORE]
    assert [path.name for path in new.folder.parent.iterdir()] == ["run"]


@pytest.mark.parametrize("stage", ["fill", "rename"])
def test_a_crash_while_overwriting_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    hmc = write_hmc(store)
    store.close()
    rename = Path.rename

    def crash(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    def crash_on_new(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        if stage == "fill":
            patch.setattr(zarr, "open_group", crash)
        else:
            patch.setattr(Path, "rename", crash_on_new)
        with pytest.raises(KeyboardInterrupt):
            create_run(store.folder, {"seed": 1}, overwrite=True)
    np.testing.assert_array_equal(
        open_run(store.folder).tree()["hmc"]["predictions"]["logits"], hmc.observed["logits"]
    )
    assert [path.name for path in store.folder.parent.iterdir()] == ["run"]


def test_a_folder_that_is_no_run_is_never_overwritten(tmp_path: Path, store: Store) -> None:
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "chapter.tex").write_text("years of work")
    with pytest.raises(UserError) as caught:
        create_run(mine, {}, overwrite=True)
    message(caught, "not empty", "never written over", "--out")
    (store.folder / "notes.txt").write_text("mine")
    store.close()
    with pytest.raises(UserError) as caught:
        create_run(store.folder, {}, overwrite=True)
    message(caught, "cannot be overwritten", "notes.txt")
    with pytest.raises(UserError) as caught:
        create_run(mine / "chapter.tex", {}, overwrite=True)
    message(caught, "is a file", "--out")
    assert (mine / "chapter.tex").read_text() == "years of work"
    assert (store.folder / "notes.txt").read_text() == "mine"
    zarr.open_group(tmp_path / "other" / STORE, mode="w-")
    with pytest.raises(UserError) as caught:
        create_run(tmp_path / "other", {}, overwrite=True)
    message(caught, "not a run", "no store_version")


def test_an_empty_folder_may_become_a_run(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with create_run(tmp_path / "run", {}) as store:
        assert store.attrs()["store_version"] == 1


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as caught:
        create_run(tmp_path / "file" / "run", {})
    message(caught, "is a file", "--out")


def test_opening_what_is_no_run(tmp_path: Path, store: Store) -> None:
    with pytest.raises(UserError) as caught:
        open_run(tmp_path / "rum")
    message(caught, "no run here", "does not exist", "did you mean run?")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError) as caught:
        open_run(tmp_path / "empty")
    message(caught, "not a run", f"no {STORE}")


def test_another_store_version_is_refused(store: Store) -> None:
    store.update({"store_version": 99, "thermalize_version": "7.1"})
    store.close()
    for writable in (False, True):
        with pytest.raises(UserError) as caught:
            open_run(store.folder, writable=writable)
        message(caught, "another layout", "99", "reads 1", "thermalize 7.1")


def test_damage_is_told_not_read_as_zeros(store: Store) -> None:
    write_hmc(store)
    store.check()
    chunk = store.path / "hmc/predictions/logits/c/0/1/0/0"
    good = chunk.read_bytes()
    middle = len(good) // 2
    chunk.write_bytes(good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :])  # one bit
    with pytest.raises(UserError) as caught:
        store.check()
    message(caught, "damaged", "hmc/predictions/logits", str(store.folder))
    chunk.unlink()
    with pytest.raises(UserError) as caught:
        store.check()
    message(caught, "damaged", "hmc/predictions/logits: 1 of 3 chunks are missing")
    assert np.isnan(np.asarray(store.tree()["hmc"]["predictions"]["logits"])).any()
    chunk.write_bytes(good)
    store.check()
    (store.path / "hmc/predictions/logits/zarr.json").write_text("{")
    with pytest.raises(UserError) as caught:
        store.tree()
    message(caught, "damaged")
    (store.path / "zarr.json").write_text('{"attributes": {"store')
    with pytest.raises(UserError) as caught:
        open_run(store.folder)
    message(caught, "damaged", "JSONDecodeError")


def test_a_run_without_a_result_says_how_to_go_on(store: Store) -> None:
    write_hmc(store)
    with pytest.raises(UserError) as caught:
        store.result()
    message(caught, "no result yet", "interrupted", "thermalize resume")


def test_a_second_writer_is_refused_and_readers_are_not(store: Store) -> None:
    for overwrite in (False, True):
        with pytest.raises(UserError) as caught:
            create_run(store.folder, {}, overwrite=overwrite)
    message(caught, "another process is writing", "held by process")
    with pytest.raises(UserError) as caught:
        open_run(store.folder, writable=True)
    message(caught, "another process is writing")
    assert open_run(store.folder).finished() == []
    store.close()
    open_run(store.folder, writable=True).close()


def test_the_lock_of_a_dead_process_is_taken_over(store: Store) -> None:
    store.close()
    hold_and_die = (
        "import os, sys, pathlib; from thermalize.lock import lock_folder;"
        f"lock = lock_folder(pathlib.Path(sys.argv[1]), {LOCK!r}); print(os.getpid(), flush=True);"
        "os._exit(9)"
    )
    died = subprocess.run([sys.executable, "-c", hold_and_die, store.folder], capture_output=True, text=True)
    assert died.returncode == 9
    assert (store.folder / LOCK).read_text().startswith(died.stdout.strip())
    open_run(store.folder, writable=True).close()
