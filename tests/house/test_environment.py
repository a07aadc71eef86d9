"""The set-up scripts find a Python that works, install once, and never trust what was cut short.

The interpreters here are shell scripts that do as Python would; no network, no real installation.
"""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "ls", "sort", "cat", "cksum", "dirname", "rm", "mkdir", "touch", "cp", "chmod")

DEAD_SHIM = "#!/bin/sh\necho 'the version is not installed' >&2\nexit 127\n"
# Answers the probe with its own path, makes an environment of copies of itself, notes each installation.
PRETENDER = """#!/bin/sh
case "$*" in
    *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    *"-m pip"*) echo "$*" >>{log}; test ! -e {broken} ;;
    *--version*) echo Python 3.13.0 ;;
    *"import pip"*) exit 0 ;;
    *) echo "$0" ;;
esac
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the tools of a bare machine, no Python, and a copy of the set-up scripts."""
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, f"this machine has no {tool}"
        (tmp_path / "bin" / tool).symlink_to(found)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "thermalize").mkdir()
    (tmp_path / "thermalize" / "version.py").touch()
    (tmp_path / "pyproject.toml").write_text("one")
    (tmp_path / "constraints.txt").write_text("one")
    return tmp_path


def plant(place: Path, name: str, script: str) -> Path:
    file = place / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(script.format(log=place / "log", broken=place / "broken"))
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def run(place: Path, script: str, python: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(place / "bin"), "HOME": str(place), "PYTHON": python}
    command = [str(place / "bin" / "sh"), f"scripts/{script}"]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


def installations(place: Path) -> int:
    log = place / "log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_without_python_it_says_what_to_install(place: Path) -> None:
    done = run(place, "find-python.sh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No Python 3.12 or newer" in done.stderr
    assert "uv python install 3.13" in done.stderr
    assert run(place, "environment.sh").returncode == 2


def test_a_name_that_does_not_run_is_passed_over(place: Path) -> None:
    plant(place, "bin/python3.13", DEAD_SHIM)
    working = place / "bin" / "python3"
    working.symlink_to(sys.executable)
    assert run(place, "find-python.sh").stdout.strip() == str(working)


@pytest.mark.parametrize(("version", "code"), [("3, 11, 9", 2), ("3, 12, 0", 0), ("4, 0, 0", 0)])
def test_the_version_decides(place: Path, version: str, code: int) -> None:
    """A Python that takes itself for another version; it is given `-I -c CODE`."""
    claim = (
        f'exec {sys.executable} -I -c "import sys; sys.version_info = ({version}); exec(sys.argv[1])" "$3"'
    )
    plant(place, "bin/python3", f"#!/bin/sh\n{claim}\n")
    assert run(place, "find-python.sh").returncode == code


def test_3_13_is_preferred_and_pyenv_is_the_last_resort(place: Path) -> None:
    versions = {v: plant(place, f".pyenv/versions/{v}/bin/python", PRETENDER) for v in ("3.12.9", "3.13.2")}
    assert run(place, "find-python.sh").stdout.strip() == str(versions["3.13.2"])
    older = plant(place, "bin/python3.12", PRETENDER)
    assert run(place, "find-python.sh").stdout.strip() == str(older)
    newer = plant(place, "bin/python3.13", PRETENDER)
    assert run(place, "find-python.sh").stdout.strip() == str(newer)


def test_a_chosen_python_is_taken_or_refused(place: Path) -> None:
    plant(place, "bin/python3.13", PRETENDER)
    chosen = plant(place, "elsewhere/python", PRETENDER)
    assert run(place, "find-python.sh", str(chosen)).stdout.strip() == str(chosen)
    done = run(place, "find-python.sh", "/nowhere/python")
    assert done.returncode == 2
    assert "PYTHON=/nowhere/python cannot be used" in done.stderr


def test_installed_once_for_each_content(place: Path) -> None:
    plant(place, "bin/python3.13", PRETENDER)
    for _ in range(3):
        assert run(place, "environment.sh").returncode == 0
    assert installations(place) == 1
    os.utime(place / "constraints.txt")
    assert run(place, "environment.sh").returncode == 0
    assert installations(place) == 1, "the same content with a new date is no reason to install"
    (place / "constraints.txt").write_text("two")
    assert run(place, "environment.sh").returncode == 0
    assert installations(place) == 2


def test_an_installation_cut_short_starts_afresh(place: Path) -> None:
    plant(place, "bin/python3.13", PRETENDER)
    (place / "broken").touch()
    assert run(place, "environment.sh").returncode != 0
    (place / ".venv" / "half-installed").touch()
    (place / "broken").unlink()
    assert run(place, "environment.sh").returncode == 0
    assert not (place / ".venv" / "half-installed").exists()
    assert installations(place) == 2


def test_another_python_makes_another_environment(place: Path) -> None:
    first = plant(place, "bin/python3.13", PRETENDER)
    second = plant(place, "elsewhere/python", PRETENDER)
    for python, made in (("", 1), (str(second), 2), ("", 2), (str(second), 2), (str(first), 3)):
        assert run(place, "environment.sh", python).returncode == 0
        assert installations(place) == made


def test_an_environment_made_by_hand_is_used_and_not_deleted(place: Path) -> None:
    plant(place, ".venv/bin/python", PRETENDER)
    (place / ".venv" / "mine").touch()
    assert run(place, "environment.sh").returncode == 0
    assert (place / ".venv" / "mine").exists()
    assert installations(place) == 1


def test_a_broken_environment_made_by_hand_is_refused(place: Path) -> None:
    plant(place, "bin/python3.13", PRETENDER)
    (place / ".venv").mkdir()
    done = run(place, "environment.sh")
    assert done.returncode == 2
    assert "make clean" in done.stderr
