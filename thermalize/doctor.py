"""What ``thermalize doctor`` looks at: one finding a check, in words, with what mends it.

A check that failed keeps ``thermalize`` from working. A note does not: it costs time or
comfort, or says what is not installed because nobody asked for it. Nothing here imports
jax; a process of its own does (:mod:`.probe`).
"""

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TextIO

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from .cores import CACHE, available_cores, cache_folder, is_writable
from .errors import HOME
from .version import __version__

PATIENCE = 120  # seconds for jax to start on a slow disk
ROOM = 2**30  # bytes free below which a disk is said to be nearly full
NAME = "thermalize"
type State = Literal["ok", "note", "failed"]


class Finding(NamedTuple):
    """The outcome of one check."""

    name: str
    state: State
    found: str
    fix: str = ""


def examine(stdout: TextIO, stderr: TextIO) -> list[Finding]:
    """All checks, of an installation, its caches and the terminal that the streams may be."""
    about = installed(NAME)
    demands = [] if about is None else list(map(Requirement, importlib.metadata.requires(NAME) or []))
    return [
        python(platform.python_version(), (about or {}).get("Requires-Python") or ">=3.12"),
        *packages(about, demands),
        *against_pins(HOME / "constraints.txt"),
        *jax_works(sys.executable),
        *extras(demands, about),
        *cache(),
        *places(),
        terminal(stdout, stderr),
    ]


def python(version: str, wanted: str) -> Finding:
    """Whether this Python is new enough.

    >>> python("3.11.9", ">=3.12").state
    'failed'
    """
    if SpecifierSet(wanted).contains(Version(version), prereleases=True):
        return Finding("Python", "ok", f"{version}, needed {wanted}")
    return Finding("Python", "failed", f"{version}, needed {wanted}", "make an environment with a newer one")


def packages(about: Mapping[str, str] | None, demands: list[Requirement]) -> Iterator[Finding]:
    """Whether what is required is there, at the version that is required."""
    if about is None:
        fix = "install it: pip install -e . in its folder"
        yield Finding("packages", "note", f"{NAME} is not installed: what it needs is not known", fix)
        return
    if about["Version"] != __version__:
        found = f"{__version__} runs, {about['Version']} is installed"
        yield Finding(NAME, "note", found, "install it again: what it needs may have changed")
    needed = [demand for demand in demands if _asked_for(demand, "")]
    problems = {demand: problem for demand in needed if (problem := unmet(demand))}
    for demand, problem in problems.items():
        yield Finding(demand.name, "failed", problem, f"pip install '{demand.name}{demand.specifier}'")
    if not problems:
        yield Finding("packages", "ok", f"{len(needed)} are required, and there")


def unmet(demand: Requirement) -> str:
    """What is wrong with the version that is installed, or nothing.

    >>> unmet(Requirement("numpy>=1")), unmet(Requirement("no-such-package>=1"))
    ('', 'not installed, needed >=1')
    """
    known = installed(demand.name)
    if known is None:
        return f"not installed, needed {demand.specifier}"
    if demand.specifier.contains(Version(known["Version"]), prereleases=True):
        return ""
    return f"{known['Version']}, needed {demand.specifier}"


def against_pins(constraints: Path) -> Iterator[Finding]:
    """How far the versions are from those of ``constraints.txt``, which a clone has."""
    if not constraints.exists():
        return
    pins = [line.split("==") for line in constraints.read_text().splitlines() if "==" in line]
    others = []
    for name, version in pins:
        known = installed(name)
        if known is not None and Version(known["Version"]) != Version(version):
            others.append(f"{name} {known['Version']} (tested {version})")
    if others:
        fix = f"pip install --constraint {constraints} -e {constraints.parent}"
        yield Finding("tested versions", "note", f"not those of {', '.join(others)}", fix)
    else:
        yield Finding("tested versions", "ok", "all that are installed are those of constraints.txt")


def jax_works(python: str) -> Iterator[Finding]:
    """Whether jax computes and this project's packages load, found out in a process of its own."""
    command = [python, "-P", "-m", f"{NAME}.probe"]
    again = "see the message; `pip install --force-reinstall jax jaxlib` mends a half installation"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding("jax", "failed", f"it does not start: {error}", again)
        return
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        yield Finding("jax", "failed", f"it ends with code {done.returncode}: {last}", again)
        return
    cores, devices = available_cores(), found["num_devices"]
    words = f"{devices} devices ({found['kind']}), {cores} of {os.cpu_count()} cores"
    if found["product"] != [[2.0, 3.0], [6.0, 11.0]]:
        yield Finding("jax", "failed", f"it computes wrongly: {found['product']}", again)
    elif found["backend"] == "cpu" and devices != cores:
        fix = "unset JAX_NUM_CPU_DEVICES, unless it is meant"
        yield Finding("jax", "note", f"{words}: not one device a core", fix)
    else:
        yield Finding("jax", "ok", words)
    if found["double_precision"]:
        fix = "unset JAX_ENABLE_X64, unless it is meant"
        yield Finding("precision", "note", "double: runs take about twice as long", fix)
    for name, message in found["errors"].items():
        yield Finding(name, "failed", f"it does not load: {message}", f"pip install --force-reinstall {NAME}")


def extras(demands: list[Requirement], about: Mapping[str, str] | None) -> Iterator[Finding]:
    """What else may be installed, and how."""
    names = [] if about is None else about.get_all("Provides-Extra")  # type: ignore[attr-defined]
    for extra in names:
        wanted = [d for d in demands if _asked_for(d, extra) and not _asked_for(d, "") and d.name != NAME]
        missing = [f"{demand.name} {problem}" for demand in wanted if (problem := unmet(demand))]
        if missing:
            fix = f"if you want it: pip install '{NAME}[{extra}]'"
            yield Finding(f"extra {extra}", "note", "; ".join(missing), fix)
        else:
            yield Finding(f"extra {extra}", "ok", ", ".join(demand.name for demand in wanted))


def cache() -> Iterator[Finding]:
    """Where compiled programs are kept; without it every command compiles anew."""
    chosen = os.environ.get(CACHE)
    folder = Path(chosen) if chosen else cache_folder()
    fix = f"set {CACHE} to a folder that can be written"
    if folder is None:
        yield Finding("cache", "note", "none: the user has no home", fix)
    elif not is_writable(folder):
        yield Finding("cache", "note", f"{folder} cannot be written: programs are compiled anew", fix)
    else:
        size = sum(path.stat().st_size for path in folder.glob("*") if path.is_file())
        yield Finding("cache", "ok", f"{folder}, {size / 2**20:,.0f} MiB")


def places() -> Iterator[Finding]:
    """Whether this folder and that for temporary files can be written, and the room there."""
    try:
        temporary: Path | None = Path(tempfile.gettempdir())
    except OSError:
        temporary = None
        yield Finding("temporary files", "failed", "no folder can be written", "set TMPDIR to one that can")
    for name, folder in (("this folder", Path.cwd()), ("temporary files", temporary)):
        if folder is None:
            continue
        if not is_writable(folder):
            fix = "runs go to runs/ here: name another place with --out, or work in another folder"
            yield Finding(name, "note", f"{folder} cannot be written", fix)
            continue
        free = shutil.disk_usage(folder).free
        found = f"{folder}, {free / 2**30:,.1f} GiB free"
        if free < ROOM:
            fix = "make room; `thermalize compare --dry-run` says what a run takes"
            yield Finding(name, "note", found, fix)
        else:
            yield Finding(name, "ok", found)


def terminal(stdout: TextIO, stderr: TextIO) -> Finding:
    """What tables and progress will look like."""
    width = shutil.get_terminal_size().columns
    tables = f"tables {width} columns wide" if stdout.isatty() else "results go to a file or a pipe"
    bars = "progress as bars" if stderr.isatty() else "progress as lines"
    encoding = (stdout.encoding or "").lower().replace("-", "")
    if encoding != "utf8":
        fix = "set PYTHONUTF8=1, or a locale in UTF-8"
        return Finding("terminal", "note", f"{tables}, {bars}; signs outside {encoding} become ?", fix)
    return Finding("terminal", "ok", f"{tables}, {bars}")


def installed(name: str) -> Any:
    """The metadata of a package, ``None`` if it is not installed."""
    try:
        return importlib.metadata.metadata(canonicalize_name(name))
    except importlib.metadata.PackageNotFoundError:
        return None


def _asked_for(demand: Requirement, extra: str) -> bool:
    return demand.marker is None or demand.marker.evaluate({"extra": extra})
