"""Runs that someone else made, to do harm: stores are data, nothing in them runs, no path leads out."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thermalize.config import make_config
from thermalize.errors import UserError
from thermalize.folder import LOCK, STATE, STORE, UNFINISHED
from thermalize.seal import sealed
from thermalize.state import load_state
from thermalize.store import create_run, open_run

from .commands import refused, run
from .drawn import finished_run, message


class Bomb:
    """Pickled, it makes the folder that it is given as soon as it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def crater(tmp_path: Path) -> Path:
    return tmp_path / "crater"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished run."""
    finished_run(tmp_path / "run")
    return tmp_path / "run"


def test_the_bomb_goes_off_where_it_is_unpickled(crater: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(crater)))
    assert crater.is_dir()


def test_a_pickle_in_a_state_is_refused(folder: Path, crater: Path) -> None:
    (folder / STATE).mkdir()
    np.savez(folder / STATE / "hmc.npz", about=np.array([Bomb(crater)], object), allow_pickle=True)
    with pytest.raises(UserError) as caught:
        load_state(folder, "hmc")
    message(caught, "damaged", str(folder), "allow_pickle=False")
    assert not crater.exists()


def test_an_arm_in_the_older_format_is_not_read(folder: Path, crater: Path) -> None:
    """Its codecs may unpickle."""
    arm = folder / UNFINISHED / "hmc"
    (arm / "predictions").mkdir(parents=True)
    for group in (arm, arm / "predictions"):
        (group / ".zgroup").write_text('{"zarr_format": 2}')
        (group / ".zattrs").write_text('{"order": 0, "complete": false}')
    array = arm / "predictions" / "logits"
    array.mkdir()
    meta = {"zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "order": "C", "fill_value": None}
    meta |= {"compressor": None, "filters": [{"id": "vlen-utf8"}, {"id": "pickle"}]}
    (array / ".zarray").write_text(json.dumps(meta))
    (array / "0").write_bytes(pickle.dumps([Bomb(crater), "|O", (1,)]))
    with open_run(folder, writable=True) as store, pytest.raises(UserError) as caught:
        store.go_on("hmc", 1, 1)
    message(caught, "damaged", str(folder))
    assert "pickle" not in str(caught.value).lower()
    assert not crater.exists()


@pytest.mark.parametrize(
    "change", [{"data_type": "object"}, {"codecs": [{"name": "numcodecs.pickle"}]}, {"codecs": []}]
)
def test_arrays_of_objects_are_refused(folder: Path, change: dict[str, Any]) -> None:
    array = folder / STORE / "hmc" / "sample_stats" / "lp" / "zarr.json"
    array.write_text(json.dumps(json.loads(array.read_text()) | change))
    with pytest.raises(UserError) as caught:
        open_run(folder).check()
    message(caught, "damaged", str(folder))


def test_names_in_stored_settings_stay_names(tmp_path: Path) -> None:
    """With a checksum that holds: whoever crafts a run can compute one."""
    arguments = make_config(select=["sgd"]).arguments()
    for number, name in enumerate(["../sgd", "/tmp/sgd", "a/b", "a\\b", ".state", "<b>sgd</b>", ""]):
        arms = {name: arguments["arms"]["sgd"], "hmc": arguments["arms"]["hmc"]}
        place = tmp_path / f"run{number}"
        create_run(place, sealed({"arguments": arguments | {"arms": arms}, "num_devices": 2})).close()
        refused(run("resume", place), "bad name of an arm | letters")
    assert {path.name for path in tmp_path.iterdir()} == {f"run{number}" for number in range(7)}


@pytest.mark.parametrize("name", [LOCK, UNFINISHED, STATE, f"{STORE}/hmc/sample_stats/lp/c"])
def test_a_run_that_leads_out_of_its_folder_is_not_written(folder: Path, tmp_path: Path, name: str) -> None:
    thesis = tmp_path / "thesis"
    (thesis / "hmc").mkdir(parents=True)
    (thesis / "hmc" / "chapter.tex").write_text("years of work")
    link, target = folder / name, thesis / "hmc" / "chapter.tex" if name == LOCK else thesis
    if link.is_dir():
        link.rename(tmp_path / "before")
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    for attempt in (lambda: open_run(folder, writable=True), lambda: create_run(folder, {}, overwrite=True)):
        with pytest.raises(UserError) as caught:
            attempt()
        message(caught, "leads out of its folder", str(link), "it is a link")
    assert (thesis / "hmc" / "chapter.tex").read_text() == "years of work"
