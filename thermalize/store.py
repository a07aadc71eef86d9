"""One run on disk: an ``xarray.DataTree`` in Zarr v3, written while the run goes on.

``RUN/store.zarr`` has the provenance in its root attributes and one child an arm, each a
valid ArviZ tree. Draws are appended chunk by chunk, one Zarr chunk each, so that memory
does not grow with the number of draws. An arm is written in ``RUN/unfinished`` and moved
into the store when it is complete, in one step: a run that was cut short is never mistaken
for a finished one. Going on cuts the half-written arm at its last finished chunk.
"""

import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import xarray as xr
import zarr

from .folder import (
    LOCK,
    STORE,
    STORE_VERSION,
    UNFINISHED,
    damage,
    file_errors,
    make_folder,
    refuse_damaged,
    root_attrs,
    run_attrs,
    stored_result,
)
from .layout import ZARR, append_arrays, by_key_path, cut_arrays, damaged_arrays, opened, write_array
from .lock import Lock, lock_folder
from .plain import plain
from .seal import changed_metadata, sealed
from .state import forget_state, load_state, save_state

if TYPE_CHECKING:
    from samplers.draws import Draws, Saved

type Array = np.ndarray


def create_run(folder: Path, attrs: Mapping[str, Any], *, overwrite: bool = False) -> "Store":
    """Make the folder of a new run, with ``attrs`` as its provenance, and lock it.

    Raises :class:`UserError` if the folder holds a run already, unless ``overwrite``; and
    if it holds anything else. An old run is deleted only when the new one is in place.
    """
    root = sealed({"store_version": STORE_VERSION, **plain(attrs), "complete": False})

    def fill(new: Path) -> None:
        # Put in place when it is whole: a kill leaves a folder that holds no run, or a run.
        begun = new / UNFINISHED / STORE
        shutil.rmtree(begun, ignore_errors=True)
        zarr.open_group(begun, mode="w-", zarr_format=ZARR, attributes=root)
        begun.rename(new / STORE)
        begun.parent.rmdir()

    store = Store(Path(folder), make_folder(Path(folder), fill, overwrite=overwrite))
    store._seal()
    return store


def open_run(folder: Path, *, writable: bool = False) -> "Store":
    """The run in a folder. Writing takes its lock.

    Raises :class:`UserError` if there is no run, if it is damaged, if it was written by
    another version of the store, or if another process is writing it.
    """
    folder = Path(folder)
    run_attrs(folder)
    if not writable:
        return Store(folder, None)
    with file_errors(folder):
        store = Store(folder, lock_folder(folder, LOCK))
        try:
            for cut_short in folder.rglob("*.partial"):  # what a kill left of a write
                cut_short.unlink()
            store.finished()  # refuses a store that is damaged
            store.check_metadata()  # before they are collected anew
            store._seal()
        except BaseException:
            store.close()
            raise
    return store


@dataclass(frozen=True)
class Store:
    """A handle on one run; a context manager that gives the lock back."""

    folder: Path
    lock: Lock | None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the lock back, so that another process may write."""
        if self.lock is not None:
            self.lock.close()

    @property
    def path(self) -> Path:
        """The Zarr store inside the run's folder."""
        return self.folder / STORE

    def attrs(self) -> dict[str, Any]:
        """The root attributes: provenance, arguments, result."""
        return root_attrs(self.folder)

    def update(self, attrs: Mapping[str, Any]) -> None:
        """Add or replace root attributes at once: the seal holds. ``TypeError`` for what JSON cannot hold."""
        self._group().update_attributes(sealed({**self.attrs(), **plain(attrs)}))
        self._seal()

    def set_result(self, result: Mapping[str, Any]) -> None:
        """Keep the result of the comparison."""
        self.update({"result": result})

    def result(self) -> dict[str, Any]:
        """The stored result. Raises :class:`UserError` if the run has none yet."""
        return stored_result(self.folder)

    def finished(self) -> list[str]:
        """The names of the arms that are complete, in the order in which they were begun."""
        return [name for name, attrs in self._arms() if attrs["complete"]]

    def check(self) -> None:
        """Read every chunk once. Raises :class:`UserError` that lists what is damaged."""
        self.check_metadata()
        with damage(self.folder):
            found = {name: damaged_arrays(group) for name, group in self._group().groups()}
        refuse_damaged(self.folder, self.path, found)

    def check_metadata(self) -> None:
        """Compare both copies of all metadata. Raises :class:`UserError` that lists what differs."""
        with damage(self.folder):
            found = changed_metadata(self.path)
        refuse_damaged(self.folder, self.path, found)

    def tree(self) -> xr.DataTree:
        """The run with its finished arms as they were begun; arrays are read when used."""
        with damage(self.folder):
            tree = xr.open_datatree(
                self.path, engine="zarr", zarr_format=ZARR, consolidated=False, chunks=None, cache=False
            )
        children = {name: tree.children[name] for name in self.finished()}
        return xr.DataTree(dataset=tree.to_dataset(), children=children)

    def begin_arm(
        self,
        name: str,
        attrs: Mapping[str, Any],
        *,
        probe_inputs: Array,
        probe_targets: Array,
        train_targets: Array,
        record_steps: Sequence[int] | None = None,
        place: int = 0,
    ) -> None:
        """Start an arm, the ``place``-th of those begun together, ``loss_curve`` taken at ``record_steps``.
        Raises ``ValueError`` if the arm is complete already; a half-written one is dropped.
        """
        if name in self.finished():
            raise ValueError(f"the arm {name!r} is complete already")
        forget_state(self.folder, name)
        shutil.rmtree(self._unfinished(name), ignore_errors=True)
        order = 1 + max((known["order"] for _, known in self._arms()), default=-1) + place
        attributes = {**plain(attrs), "order": order, "complete": False}
        arm = zarr.open_group(self._unfinished(name), mode="w-", zarr_format=ZARR, attributes=attributes)
        known = arm.create_group("predictions_constant_data")
        write_array(known, "probe_inputs", np.asarray(probe_inputs), ("probe", "feature"))
        write_array(known, "probe_targets", np.asarray(probe_targets), ("probe",))
        write_array(known, "probe", np.arange(len(probe_targets)), ("probe",))
        observed = arm.create_group("observed_data")
        write_array(observed, "targets", np.asarray(train_targets), ("datum",))
        stats = arm.create_group("sample_stats")
        if record_steps is not None:
            write_array(stats, "record", np.asarray(record_steps), ("record",))

    def append(self, arm: str, draws: "Draws", axis: int) -> None:
        """Add draws along axis 1 (later draws of the chains) or 0 (further chains or endpoints)."""
        group = opened(self._unfinished(arm))
        groups: dict[str, Mapping[str, Array]] = {"predictions": draws.observed, "sample_stats": draws.stats}
        if draws.params is not None:
            groups["posterior"] = by_key_path(draws.params)
        for name, arrays in groups.items():
            if arrays:
                append_arrays(group.require_group(name), arrays, axis)

    def save_state(self, arm: str, saved: "Saved") -> None:
        """Keep what the arm needs to go on; call it when its draws so far were appended."""
        save_state(self.folder, arm, saved)

    def state(self, arm: str) -> "Saved | None":
        """What :meth:`save_state` kept last."""
        return load_state(self.folder, arm)

    def go_on(self, arm: str, axis: int, num_done: int, attrs: Mapping[str, Any] | None = None) -> None:
        """Open an arm that has a state, finished or not, for more draws; cut it at ``num_done``."""
        unfinished = self._unfinished(arm)
        if not unfinished.exists():
            unfinished.parent.mkdir(exist_ok=True)
            (self.path / arm).rename(unfinished)
            self._seal()
        with damage(self.folder):
            group = opened(unfinished)
            group.update_attributes({**plain(attrs or {}), "complete": False})
            for name in ("predictions", "sample_stats", "posterior"):
                if name in group:
                    cut_arrays(group.require_group(name), axis, num_done)
            found = {arm: damaged_arrays(group)}
        refuse_damaged(self.folder, unfinished.parent, found)

    def finish_arm(self, name: str, attrs: Mapping[str, Any]) -> None:
        """Mark an arm as complete and move it into the store."""
        unfinished = self._unfinished(name)
        opened(unfinished).update_attributes({**plain(attrs), "complete": True})
        unfinished.rename(self.path / name)
        self._seal()

    def arm_attrs(self, name: str) -> dict[str, Any]:
        """The attributes of an arm, finished or not."""
        where = self._unfinished(name)
        return opened(where if where.exists() else self.path / name, "r").attrs.asdict()

    def _unfinished(self, arm: str) -> Path:
        return self.folder / UNFINISHED / arm

    def _group(self) -> zarr.Group:
        return opened(self.path, "r+" if self.lock else "r")

    def _arms(self) -> list[tuple[str, dict[str, Any]]]:
        """Names and attributes of all arms on disk."""
        with damage(self.folder):
            arms = [(name, group.attrs.asdict()) for name, group in self._group().groups()]
            return sorted(arms, key=lambda arm: arm[1]["order"])

    def _seal(self) -> None:
        """Collect all metadata in one file: ArviZ and xarray then open the store at once."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
            zarr.consolidate_metadata(self.path)
