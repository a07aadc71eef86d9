"""What is published works alone: source archive and wheel build, install in an empty environment, and run."""

import json
import os
import re
import shutil
import subprocess
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from .scripts import TINY

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["setuptools"]["packages"]
BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"


def ran(command: list[str | Path], where: Path) -> str:
    """The output of a command that knows nothing of the environment that these tests run in."""
    known = {
        k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "PYTHON", "VIRTUAL_ENV", "MPL"))
    }
    done = subprocess.run(command, cwd=where, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def environment(folder: Path) -> Path:
    """The Python of a new empty environment."""
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source archive of what git knows, and the wheel that is built from that archive alone."""
    place = tmp_path_factory.mktemp("built")
    source = place / "source"
    for name in ran(["git", "ls-files", "--cached", "--others", "--exclude-standard"], ROOT).splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    python = environment(place / "builder")
    ran([python, "-m", "pip", "install", "--quiet", *PROJECT["build-system"]["requires"]], place)
    ran([python, "-c", BUILD, "build_sdist", place], source)
    (archive,) = place.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(place, filter="data")
    ran([python, "-c", BUILD, "build_wheel", place], place / archive.name.removesuffix(".tar.gz"))
    (wheel,) = place.glob("*.whl")
    return archive, wheel


@pytest.mark.certify
def test_the_wheel_holds_everything_and_nothing_else(archives: tuple[Path, Path]) -> None:
    archive, wheel = archives
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        metadata = file.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
    folders = [package.replace(".", "/") for package in PACKAGES]
    folders += ["thermalize/templates", "thermalize/references/stored"]
    known = {
        f"{folder}/{path.name}" for folder in folders for path in (ROOT / folder).iterdir() if path.is_file()
    }
    assert {name for name in names if ".dist-info/" not in name} == known
    assert {f"{name}/py.typed" for name in ("models", "samplers", "compare", "thermalize")} <= names
    version = re.search(r'__version__ = "(.+)"', (ROOT / "thermalize" / "version.py").read_text())
    assert version is not None
    assert f"\nVersion: {version[1]}\n" in metadata
    assert archive.name == f"thermalize-{version[1]}.tar.gz"
    assert "License-File: LICENSE" in metadata


@pytest.mark.certify
def test_the_wheel_runs_in_an_empty_environment(archives: tuple[Path, Path], tmp_path: Path) -> None:
    python = environment(tmp_path / "user")
    constraint: list[str | Path] = ["--constraint", ROOT / "constraints.txt"]
    ran([python, "-m", "pip", "install", "--quiet", archives[1], *constraint], tmp_path)
    command = python.with_name("thermalize")
    version = ran([command, "--version"], tmp_path)
    assert archives[0].name.removeprefix("thermalize-").removesuffix(".tar.gz") in version
    where = ran([python, "-c", "import thermalize; print(thermalize.__file__)"], tmp_path)
    assert Path(where.strip()).is_relative_to(tmp_path)
    assert json.loads(ran([command, "doctor", "--json"], tmp_path))["passed"]
    (tmp_path / "tiny.toml").write_text(TINY)
    ran([command, "compare", "--config", "tiny.toml", "--out", "run", "--json"], tmp_path)
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000
    assert "boolean-3" in ran([command, "reference", "boolean-3"], tmp_path)
    shutil.rmtree(python.parents[1])  # more than a gigabyte
