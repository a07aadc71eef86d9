"""One writer at a time: a lock on a file, given up by the system when its owner ends.

The lock is ``flock``'s, so a process that was killed leaves nothing stale behind. The
file says who holds it, for the message of whoever is refused.
"""

import fcntl
import os
from pathlib import Path
from typing import IO

from .errors import UserError

type Lock = IO[str]  # held until it is closed or the process ends


def lock_folder(folder: Path, name: str) -> Lock:
    """Take the lock of a folder. Raises :class:`UserError` for links in it, or while another has it."""
    _refuse_links(folder)
    file = (folder / name).open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        owner = file.read(100).strip()
        file.close()
        if not isinstance(error, BlockingIOError):
            raise
        raise UserError(
            "another process is writing this run",
            folder,
            f"its lock is held by process {owner or 'unknown'}",
            "wait until it has ended, end it, or choose another folder with --out",
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()} on {os.uname().nodename}")
    file.flush()
    return file


def _refuse_links(folder: Path) -> None:
    """Refuse a run that leads out of its folder: writing it would change or delete what lies elsewhere."""
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise UserError(
                "the run leads out of its folder",
                path,
                "it is a link, and what is written or deleted there is not in this folder",
                "put in its place what it points to, or make the run again in another folder",
            )
