"""Which cores and caches jax may use: environment variables, set before jax is imported."""

import os
import sys
from pathlib import Path


def use_cores(num_cores: int | None = None, cache_dir: Path | None = None) -> int:
    """Show each CPU core to jax as one device and keep compiled programs on disk.

    Call it before anything imports jax, blackjax or this project's ``samplers``.
    ``num_cores`` defaults to the cores this process may run on; ``cache_dir`` to
    ``thermalize`` in the user's cache folder. A variable that is set already wins.
    Returns the number of cores asked for. Raises ``RuntimeError`` if jax is loaded.
    """
    if "jax" in sys.modules:
        raise RuntimeError("use_cores must be called before jax is imported")
    count = num_cores or available_cores()
    folder = cache_dir or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "thermalize"
    os.environ.setdefault("JAX_NUM_CPU_DEVICES", str(count))
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    return count


def available_cores() -> int:
    """The cores this process may run on; all of them where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
