"""Where the numbers of a run come from: versions, commit, machine, data, time spent."""

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .cores import available_cores
from .version import __version__

PACKAGES = ("jax", "jaxlib", "numpyro", "blackjax", "optax", "arviz", "xarray", "zarr", "numpy", "scipy")
NO_CHECKOUT = "not a git checkout"


def provenance(
    *,
    seed: int,
    arguments: Mapping[str, Any],
    arrays: Iterable[ArrayLike],
    citations: Iterable[str],
    devices: Sequence[Any],
    batch: Mapping[str, int],
) -> dict[str, Any]:
    """The root attributes of a new run.

    ``arrays`` are the data, in a fixed order. ``devices`` are those that jax shows and
    ``batch`` says how much is computed together: both decide the last bits of the draws.
    """
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": git_state(Path(__file__).resolve().parent.parent),
        "platform": machine(),
        **identity(seed=seed, arrays=arrays, devices=devices, batch=batch),
        "arguments": dict(arguments),
        "citations": sorted({citation for citation in citations if citation}),
    }


def identity(
    *, seed: int, arrays: Iterable[ArrayLike], devices: Sequence[Any], batch: Mapping[str, int]
) -> dict[str, Any]:
    """What decides a run's draws to the last bit, besides its arms."""
    return {
        "thermalize_version": __version__,
        "packages": package_versions(),
        "num_devices": len(devices),
        "device": f"{devices[0].device_kind} {instruction_set()}",
        "batch": dict(batch),
        "seed": seed,
        "data_hash": data_hash(arrays),
    }


def first_difference(stored: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Where two identities differ first: what it is, in words, both values, and the remedy."""
    for name, (meaning, fix) in IDENTITY.items():
        if stored.get(name) != now[name]:
            was, now_is = _differing(stored.get(name), now[name]), _differing(now[name], stored.get(name))
            return meaning, f"{name} was {was}, is now {now_is}", fix
    return None


# What must be the same for a run to go on, and what to do where it is not.
IDENTITY = {
    "seed": ("another seed", "leave the seed out"),
    "data_hash": ("another data set", "go on with the data it was started on"),
    "num_devices": ("another number of devices", "go on with as many --cores as it was started with"),
    "device": ("another kind of device", "go on where the run was started"),
    "batch": ("other batch sizes", "go on with the version of thermalize that started it"),
    "packages": ("other versions", "install the versions that it was started with"),
    "thermalize_version": ("another version of thermalize", "install that version"),
}


def _differing(one: Any, other: Any) -> str:
    """A value; of a table only what differs from the other one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return (
            ", ".join(f"{key} {value}" for key, value in one.items() if other.get(key) != value) or "without"
        )
    return repr(one)


def git_state(folder: Path) -> str:
    """The commit that is checked out in ``folder`` and whether tracked files differ from it.

    ``"not a git checkout"`` where ``folder`` is not the root of one: a package installed
    inside somebody's repository must not claim that repository's commit.
    """

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", folder, *words], capture_output=True, text=True, check=True, timeout=10
        )
        return done.stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != folder.resolve():
            return NO_CHECKOUT
        changed = git("status", "--porcelain", "--untracked-files=no")
        return f"{git('rev-parse', '--short=12', 'HEAD')} ({'with changes' if changed else 'clean'})"
    except (OSError, subprocess.SubprocessError):
        return NO_CHECKOUT


def package_versions() -> dict[str, str]:
    """The versions of the packages that the numbers rest on, Python's first."""
    installed = {}
    for name in PACKAGES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {"python": platform.python_version(), **installed}


def machine() -> str:
    """System, processor type and the cores this process may use, in words."""
    cores = available_cores()
    return f"{platform.system()} {platform.release()} {platform.machine()}, {cores} of {os.cpu_count()} cores"


def instruction_set() -> str:
    """The processor's widest vector instructions, which decide the order of sums.

    >>> instruction_set() != ""
    True
    """
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return platform.machine()
    return next((name for name in ("avx512f", "avx2", "avx") if name in flags), platform.machine())


def data_hash(arrays: Iterable[ArrayLike]) -> str:
    """SHA-256 of values, types and shapes, in order.

    >>> data_hash([[1, 2]]) == data_hash([np.array([1, 2])]) != data_hash([[1], [2]])
    True
    """
    digest = hashlib.sha256()
    for array in map(np.ascontiguousarray, arrays):
        digest.update(f"{array.dtype.str} {array.shape};".encode())
        digest.update(array.tobytes())
    return f"sha256:{digest.hexdigest()}"


class Clock(NamedTuple):
    """Seconds on the wall and on all cores since it was started."""

    wall: float
    cpu: float

    def seconds(self, before: Mapping[str, Any] | None = None) -> dict[str, float]:
        """Root attributes with the time spent; ``before`` holds what an interrupted run spent."""
        earlier = before or {}
        return {
            "wall_seconds": time.perf_counter() - self.wall + (earlier.get("wall_seconds") or 0.0),
            "cpu_seconds": time.process_time() - self.cpu + (earlier.get("cpu_seconds") or 0.0),
        }


def started() -> Clock:
    """A clock that starts now.

    >>> sorted(started().seconds())
    ['cpu_seconds', 'wall_seconds']
    """
    return Clock(time.perf_counter(), time.process_time())
