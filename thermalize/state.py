"""What an arm needs to go on: written after every chunk, in one atomic step.

``RUN/state/ARM.npz`` holds how much is done, the status so far and the state of all
chains. It is written after the draws: whatever lies in the arm's arrays beyond
``num_done`` belongs to a chunk that was cut short, is cut off and made again.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .folder import STATE, damage

if TYPE_CHECKING:
    from samplers.draws import Saved

_ABOUT = "about"  # no key path: those begin with a dot


def save_state(folder: Path, arm: str, saved: "Saved") -> None:
    """Replace the state of an arm; a kill leaves the old one or the new one."""
    path = _path(folder, arm)
    path.parent.mkdir(exist_ok=True)
    about = json.dumps({"num_done": saved.num_done, "status": saved.status})
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        np.savez(file, allow_pickle=False, **{_ABOUT: np.array(about), **saved.arrays})
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def load_state(folder: Path, arm: str) -> "Saved | None":
    """The state of an arm, ``None`` if it has none. Raises :class:`UserError` if it is damaged."""
    from samplers.draws import Saved

    path = _path(folder, arm)
    if not path.exists():
        return None
    with damage(folder), np.load(path, allow_pickle=False) as file:
        about = json.loads(str(file[_ABOUT]))
        arrays = {name: file[name] for name in file.files if name != _ABOUT}
        return Saved(about["num_done"], about["status"], arrays)


def num_done(folder: Path, arm: str) -> int:
    """How far an arm with a state has come."""
    with damage(folder), np.load(_path(folder, arm), allow_pickle=False) as file:
        return int(json.loads(str(file[_ABOUT]))["num_done"])


def forget_state(folder: Path, arm: str) -> None:
    """Delete the state of an arm."""
    _path(folder, arm).unlink(missing_ok=True)


def _path(folder: Path, arm: str) -> Path:
    return folder / STATE / f"{arm}.npz"
