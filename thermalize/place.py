"""Where results go: a folder that can be made and written, found out before the work begins."""

import os
from pathlib import Path

from .cores import is_writable
from .errors import UserError

DEMAND = "choose another --out"


def check_place(folder: Path) -> None:
    """Refuse a folder that cannot be made or written. Nothing is left behind by this check.

    Raises :class:`UserError` also for the spelling of another system: a backslash or a drive
    would become part of one long name, and ``~`` a folder of that name.
    """
    text = str(folder)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _bad(text, "its name is not in UTF-8, and pages and results name it") from error
    if os.sep == "/" and ("\\" in text or text[1:2] == ":"):
        slashes = text.replace("\\", "/")
        raise _bad(folder, "here a backslash is part of a name, not the end of a folder's", f"give {slashes}")
    if folder.parts[:1] and folder.parts[0].startswith("~"):
        home = Path.home() / Path(*folder.parts[1:]) if folder.parts[0] == "~" else "the whole path"
        raise _bad(folder, "the shell did not replace the ~ by your home", f"give {home}")
    nearest = folder
    while not os.path.lexists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    if nearest.exists() and not nearest.is_dir():
        raise UserError("the output folder is a file", folder, f"{nearest} is a file, not a folder", DEMAND)
    if not nearest.exists() or not is_writable(nearest):
        raise UserError(
            "the output folder cannot be written",
            folder,
            f"nothing can be written in {nearest}: the disk is full or read-only, or it is not yours",
            DEMAND,
        )


def _bad(folder: object, why: str, fix: str = DEMAND) -> UserError:
    return UserError("bad name of the output folder", folder, why, fix)
