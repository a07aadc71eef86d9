"""Bytes of a stored run flipped, cut off or deleted: told or without effect, never another result."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from thermalize.errors import UserError
from thermalize.folder import STORE
from thermalize.store import open_run

from .commands import run
from .drawn import finished_run
from .synthetic import make_result


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damage") / "run"
    finished_run(folder)
    with open_run(folder, writable=True) as store:
        store.set_result(make_result())
    return folder


def damaged(file: Path, rng: np.random.Generator) -> None:
    """One bit flipped, the end cut off, or all of it gone."""
    content = bytearray(file.read_bytes())
    place = int(rng.integers(len(content)))
    match rng.integers(4):
        case 0:
            file.unlink()
        case 1:
            file.write_bytes(content[:place])
        case _:
            content[place] ^= 1 << int(rng.integers(8))
            file.write_bytes(content)


def attempt(finished: Path, out: Path, file: Path, seed: int) -> None:
    shutil.copytree(finished, out)
    damaged(out / file, np.random.default_rng(seed))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    done = run("show", out, "--json")
    assert done.exit_code in (0, 2), (file, seed, repr(done.exception))
    if done.exit_code == 0:
        assert json.loads(done.stdout) == make_result(), (file, seed)
    else:
        assert "fix: " in done.stderr
    told = ""
    try:
        open_run(out).check()
    except UserError as error:
        told = str(error)
    if told:
        assert "fix: " in told
    else:
        assert file.name == "zarr.json" or file.parts[0] != STORE, f"no one saw damage to {file}, seed {seed}"
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    shutil.rmtree(out)


def sweep(finished: Path, out: Path, num: int) -> None:
    files = sorted(path.relative_to(finished) for path in finished.rglob("*") if path.stat().st_size)
    files = [file for file in files if (finished / file).is_file()]
    for seed in range(num):
        rng = np.random.default_rng([7, seed])
        attempt(
            finished, out, Path(STORE) / "zarr.json" if seed % 2 else files[rng.integers(len(files))], seed
        )


def test_random_damage_is_told(finished: Path, tmp_path: Path) -> None:
    sweep(finished, tmp_path / "run", 24)


@pytest.mark.certify
def test_much_random_damage_is_told(finished: Path, tmp_path: Path) -> None:
    sweep(finished, tmp_path / "run", 600)


def test_changed_metadata_of_an_arm_are_told_before_they_are_collected_anew(
    finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    file = out / STORE / "hmc/predictions/logits/zarr.json"
    metadata = json.loads(file.read_text())
    metadata["shape"][1] += 1  # as many chunks as before: the checksums of the draws do not see it
    file.write_text(json.dumps(metadata))
    for writable in (False, True):
        with pytest.raises(UserError, match="its metadata are not those written"):
            open_run(out, writable=writable).check()
    file.unlink()
    with pytest.raises(UserError, match="its metadata are gone"):
        open_run(out).check()
