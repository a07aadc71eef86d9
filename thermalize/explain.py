"""Errors at the command line: a message for what a user can mend, a traceback for the rest."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

import typer

from .errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, HOME, PACKAGES, UserError
from .folder import STORE

CANNOT_WRITE = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission was refused",
    errno.EIO: "the disk fails",
    errno.ENAMETOOLONG: "a name is too long",
    errno.ELOOP: "symbolic links lead in a circle",
    errno.ENOTDIR: "a folder on the way is a file",
    errno.EISDIR: "a file is wanted, this is a folder",
    errno.EMFILE: "too many files are open",
}

DEVICE_FAILS = {  # how jax's errors begin whose cause is no defect of a program
    "RESOURCE_EXHAUSTED": "a device is out of memory",
    "INTERNAL": "a device failed",
    "UNKNOWN": "a device failed",
    "UNAVAILABLE": "a device has gone away",
    "ABORTED": "a device has given up",
    "DATA_LOSS": "a device has lost data",
}


@contextlib.contextmanager
def explained(folder: Callable[[], Path | None] = lambda: None) -> Iterator[None]:
    """Turn mistakes into one message on stderr and exit code 2, an interruption into 130.

    ``folder`` gives the run's folder, once it is known, for the word on how to go on. A
    ``ValueError`` that this project raised says what is wrong with the input; one that
    comes from deeper down is a defect and keeps its traceback. A disk or a device that
    fails is told like a mistake.
    """
    try:
        yield
    except UserError as error:
        raise _exit(EXIT_BAD_INPUT, f"error: {error}") from error
    except (ValueError, ModuleNotFoundError) as error:
        if not _raised_here(error.__traceback__):
            raise
        raise _exit(EXIT_BAD_INPUT, f"error: {error}") from error
    except OSError as error:
        what = CANNOT_WRITE.get(error.errno or 0)
        if what is None:
            raise
        place = f": {error.filename}" if error.filename else ""
        text = f"error: {what}{place}\n  fix: mend that, or name another place\n{_go_on(folder())}"
        raise _exit(EXIT_BAD_INPUT, text) from error
    except MemoryError as error:
        text = f"error: not enough memory\n  why: {error}\n  fix: ask for less\n{_go_on(folder())}"
        raise _exit(EXIT_BAD_INPUT, text) from error
    except RuntimeError as error:
        kind, _, details = str(error).partition(":")
        # By its name, since nothing here may import jax.
        if type(error).__name__ != "JaxRuntimeError" or kind not in DEVICE_FAILS:
            raise
        why = f"{kind}: {(details.strip() or 'no details').splitlines()[0]}"
        text = f"error: {DEVICE_FAILS[kind]}\n  why: {why}\n{_go_on(folder())}"
        raise _exit(EXIT_BAD_INPUT, text) from error
    except KeyboardInterrupt as error:
        raise _exit(EXIT_INTERRUPTED, f"interrupted\n{_go_on(folder())}") from error


def _exit(code: int, message: str) -> typer.Exit:
    # A name out of somebody's file may hold what a terminal would take for commands.
    shown = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in message.rstrip())
    typer.echo(shown, err=True)
    return typer.Exit(code)


def _go_on(folder: Path | None) -> str:
    if folder is None or not os.path.exists(folder / STORE):
        return ""
    return f"  what was finished is kept; go on with: thermalize resume {folder}"


def _raised_here(traceback: TracebackType | None) -> bool:
    """Whether the innermost frame is this project's own code."""
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    file = Path(traceback.tb_frame.f_code.co_filename)
    return any(file.is_relative_to(HOME / name) for name in (*PACKAGES, "thermalize"))
