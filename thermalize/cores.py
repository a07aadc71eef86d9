"""Which cores and caches jax may use: environment variables, set before jax is imported."""

import os
import sys
import tempfile
from pathlib import Path

DEVICES, CACHE = "JAX_NUM_CPU_DEVICES", "JAX_COMPILATION_CACHE_DIR"


def use_cores(num_cores: int | None = None, cache_dir: Path | None = None) -> int:
    """Show each CPU core to jax as one device and keep compiled programs on disk.

    Call it before anything imports jax, blackjax or this project's ``samplers``.
    ``num_cores`` defaults to the cores this process may run on; ``cache_dir`` to
    :func:`cache_folder`. A variable that is set already wins, and a folder that cannot be
    written is not used: programs are then compiled anew each time. Returns the number of
    cores asked for. Raises ``RuntimeError`` if jax is loaded, ``ValueError`` if a variable
    that is set already is no number of devices.
    """
    if "jax" in sys.modules:
        raise RuntimeError("use_cores must be called before jax is imported")
    given = os.environ.get(DEVICES, "1")
    if not given.isdecimal() or int(given) < 1:
        raise ValueError(
            f"the environment variable {DEVICES} must be a whole number of at least 1, got {given!r}: "
            "it says how many devices jax shows; unset it and give --cores"
        )
    count = num_cores or available_cores()
    folder = cache_dir or cache_folder()
    os.environ.setdefault(DEVICES, str(count))
    if CACHE not in os.environ and folder is not None and is_writable(folder):
        os.environ[CACHE] = str(folder)
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    return count


def available_cores() -> int:
    """The cores this process may run on; all of them where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cache_folder() -> Path | None:
    """``thermalize`` in the user's cache folder; ``None`` for a user without a home.

    A relative ``XDG_CACHE_HOME`` is ignored, as its specification demands.
    """
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    if Path(chosen).is_absolute():
        return Path(chosen) / "thermalize"
    try:
        return Path.home() / ".cache" / "thermalize"
    except RuntimeError:
        return None


def is_writable(folder: Path) -> bool:
    """Whether a file can be made in the folder, which is made if it is missing.

    Tried, since permission bits tell little: of a full or read-only disk, or of the superuser.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
