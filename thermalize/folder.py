"""The folder of a run: what it may hold, when it may be replaced, how damage is told.

``RUN/`` holds the Zarr store, the report and the lock, or a claim's page and record in the report's
place, nothing else. A folder that holds
anything else was not made by this program and is never written over.
"""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .claims.names import PAGE, RECORD
from .errors import UserError, suggest
from .lock import Lock, lock_folder
from .place import check_place
from .seal import CHECKSUM, is_intact

STORE = "store.zarr"
LOCK = ".lock"
REPORT = "report.html"
STATE = "state"  # what unfinished and finished arms need to go on
UNFINISHED = "unfinished"  # arms that are being written, one Zarr group each
TEMPERATURE = "temperature"  # fits of the nearest temperature
OWN = {STORE, LOCK, REPORT, STATE, UNFINISHED, RECORD, PAGE, TEMPERATURE}
STORE_VERSION = 1
REMAKE = "delete the folder, or choose another --out, and make the run again"


def make_folder(folder: Path, fill: Callable[[Path], None], *, overwrite: bool) -> Lock:
    """Make the folder of a new run, filled by ``fill``, and hand back its lock.

    Raises :class:`UserError` if the folder holds a run already, unless ``overwrite``; and
    if it holds anything else. With ``overwrite`` the new folder is filled beside the old
    one and takes its place in one step; only then is the old one deleted.
    """
    folder = folder.resolve()
    replacing = check_replaceable(folder, overwrite)
    with file_errors(folder):
        if replacing:
            return _replace(folder, fill)
        folder.mkdir(parents=True, exist_ok=True)
        lock = lock_folder(folder, LOCK)
        try:
            check_replaceable(folder, overwrite=False)  # another process may have been first
            fill(folder)
        except BaseException:
            lock.close()
            raise
        return lock


def _replace(folder: Path, fill: Callable[[Path], None]) -> Lock:
    new = folder.with_name(f".{folder.name}.new-{os.getpid()}")
    aside = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    with lock_folder(folder, LOCK):  # refuses while another process writes the old run
        new.mkdir()
        try:
            fill(new)
            lock = lock_folder(new, LOCK)
            folder.rename(aside)
            try:
                new.rename(folder)
            except BaseException:
                aside.rename(folder)
                lock.close()
                raise
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
    shutil.rmtree(aside, ignore_errors=True)
    return lock


def run_attrs(folder: Path) -> dict[str, Any]:
    """The root attributes of a run in this version's layout.

    Raises :class:`UserError` if there is no run, if it is damaged or of another version.
    """
    attrs = root_attrs(folder)
    found = attrs["store_version"]
    if found != STORE_VERSION:
        raise UserError(
            "the run was stored in another layout",
            folder,
            f"its store_version is {found!r}, this version of thermalize reads {STORE_VERSION}",
            f"use thermalize {attrs.get('thermalize_version', 'of that time')}, or make the run again",
        )
    if not is_intact(attrs):
        raise UserError(
            "the run is damaged",
            folder,
            "its settings or its result are not those that were written: their checksum does not hold",
            REMAKE,
        )
    return attrs


def stored_result(folder: Path) -> dict[str, Any]:
    """The result of a run. Raises :class:`UserError` also if it has none yet."""
    attrs = run_attrs(folder)
    if "result" not in attrs:
        raise UserError(
            "the run has no result yet",
            folder,
            "it is still going on or was interrupted",
            f"go on with `thermalize resume {folder}`",
        )
    result = attrs["result"]
    if not isinstance(result, dict):
        raise UserError("the run is damaged", folder, "its result is none", REMAKE)
    return dict(result)


def root_attrs(folder: Path) -> dict[str, Any]:
    """The root attributes of a run in any layout, from the one file that holds them."""
    metadata = folder / STORE / "zarr.json"
    if not os.path.exists(folder):  # Path's own raises for a name that is too long
        raise UserError("there is no run here", folder, "the folder does not exist", _nearest_run(folder))
    if not (folder / STORE).exists():
        raise UserError(
            "this is not a run",
            folder,
            f"it holds no {STORE}",
            "name the folder that `thermalize compare` made",
        )
    with damage(folder):
        attrs = dict(json.loads(metadata.read_text())["attributes"])
    if "store_version" not in attrs:
        raise UserError(
            "this is not a run",
            folder,
            f"its {STORE} was not written by thermalize: it has no store_version",
            "name the folder that `thermalize compare` made",
        )
    return attrs


def _nearest_run(folder: Path) -> str:
    if "\\" in str(folder):
        return f"here a slash divides folders: give {str(folder).replace(chr(92), '/')}"
    siblings = [path.parent.parent.name for path in folder.parent.glob(f"*/{STORE}/zarr.json")]
    return suggest(folder.name, siblings) if siblings else "make one with `thermalize compare`"


def check_replaceable(folder: Path, overwrite: bool) -> bool:
    """Whether a run stands there that may be replaced; refuse whatever must be kept."""
    check_place(folder)
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if names <= {LOCK, UNFINISHED}:  # nothing, or what was left when a run was killed as it began
        return False
    if STORE not in names:
        raise UserError(
            "the output folder is not empty",
            folder,
            "it holds files that are no run of thermalize, and those are never written over",
            "choose another --out, or empty the folder yourself",
        )
    root_attrs(folder)
    if not overwrite:
        raise UserError(
            "the output folder already holds a run",
            folder,
            "nothing is written over unless asked for",
            "add --overwrite to replace it, or choose another --out; a run that was cut short goes on with "
            "`thermalize resume`",
        )
    foreign = sorted(names - OWN)
    if foreign:
        raise UserError(
            "the run cannot be overwritten",
            folder,
            f"its folder also holds files that thermalize did not write: {', '.join(foreign)}",
            "move them away, or choose another --out",
        )
    return True


@contextmanager
def damage(folder: Path) -> Iterator[None]:
    """Around the reading of stored bytes, and nothing else: whatever they raise is their damage.

    What a kill left of a write is none, and Zarr need not warn of it.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Object at \S+\.partial is not recognized")
            yield
    except UserError:
        raise
    except Exception as error:  # of JSON, of Zarr, of a codec, of a zip file: no list of them is complete
        raise UserError(
            "the run is damaged",
            folder,
            f"{type(error).__name__}: {error}",
            REMAKE,
        ) from error


def refuse_damaged(folder: Path, place: Path, found: Mapping[str, list[str]]) -> None:
    """Raise :class:`UserError` if any arm in ``place`` has a sentence: it is to be made again."""
    arms = [name for name, sentences in found.items() if sentences]
    if arms:
        why = "; ".join(f"{name}/{sentence}" for name in arms for sentence in found[name])
        parts = ", ".join(f"{place / name} and {folder / STATE / name}.npz" for name in arms)
        fix = f"delete {parts}, then `thermalize resume {folder}`: that is made again, the rest stays"
        raise UserError("the run is damaged", folder, why, fix)


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Around the showing of a stored result: what fails is damage, unless a checksum vouches for it."""
    if CHECKSUM in run_attrs(folder):
        yield
    else:
        with damage(folder):
            yield


@contextmanager
def file_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            "the run cannot be written",
            folder,
            f"{error.strerror or error}",
            "choose a folder on a disk with room that you may write to, with --out",
        ) from error
