"""What is declared, pinned, listed and installed agrees with what is there."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .layers import ROOMS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# A large peer of the benchmarks; the site's generator and the driver of a browser, installed when asked for.
NOT_IN_THE_ENVIRONMENT = {"torch", "furo", "myst-parser", "sphinx", "playwright"}
COMES_WITH = {"cycler": "matplotlib", "markupsafe": "jinja2"}  # parts of their interface


def pins() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def declared() -> list[Requirement]:
    extras = PROJECT["project"]["optional-dependencies"].values()
    texts = PROJECT["project"]["dependencies"] + [text for extra in extras for text in extra]
    return [requirement for requirement in map(Requirement, texts) if requirement.name != "thermalize"]


def needed(requirements: list[Requirement]) -> set[str]:
    """The names of all packages that the requirements pull in on this machine."""
    found: dict[str, set[str]] = {}
    queue = [(canonicalize_name(r.name), frozenset(r.extras)) for r in requirements]
    while queue:
        name, extras = queue.pop()
        if name in found and extras <= found[name]:
            continue
        found.setdefault(name, set()).update(extras)
        for requirement in map(Requirement, requires(name) or []):
            if any(
                requirement.marker is None or requirement.marker.evaluate({"extra": e}) for e in ("", *extras)
            ):
                queue.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return set(found)


def test_constraints_are_plain_pins() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    odd = [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!]*", line)]
    assert odd == []


def test_every_dependency_has_a_lower_bound_that_its_pin_meets() -> None:
    for requirement in declared():
        assert any(s.operator == ">=" for s in requirement.specifier), f"{requirement} has no lower bound"
        assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)]), str(requirement)


def test_everything_that_is_installed_is_pinned() -> None:
    installed = [r for r in declared() if r.name not in NOT_IN_THE_ENVIRONMENT]
    assert needed(installed) - set(pins()) == set()


def imports(package: str) -> Iterator[tuple[str, str]]:
    """Each file of a package with the top name of each absolute import in it."""
    for file in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.ImportFrom(level=0, module=str(module)):
                    yield file.name, module.split(".")[0]
                case ast.Import(names=names):
                    yield from ((file.name, alias.name.split(".")[0]) for alias in names)


def test_every_library_that_is_imported_is_declared() -> None:
    names = {canonicalize_name(requirement.name) for requirement in declared()}
    distributions = packages_distributions()
    for package in ROOMS:
        for file, top in imports(package):
            if top not in sys.stdlib_module_names and top not in ROOMS:
                known = {canonicalize_name(name) for name in distributions[COMES_WITH.get(top, top)]}
                assert known & names, f"{package}/{file} imports {top}, which pyproject.toml does not declare"


def test_every_package_and_every_data_file_is_shipped() -> None:
    setup = PROJECT["tool"]["setuptools"]
    folders = {
        ".".join(f.parent.relative_to(ROOT).parts) for p in ROOMS for f in (ROOT / p).rglob("__init__.py")
    }
    assert set(setup["packages"]) == folders
    for package in ROOMS:
        for file in (ROOT / package).rglob("*"):
            if file.is_dir() or "__pycache__" in file.parts or file.suffix == ".py":
                continue
            home = max((f for f in folders if file.is_relative_to(ROOT / f.replace(".", "/"))), key=len)
            path = file.relative_to(ROOT / home.replace(".", "/")).as_posix()
            patterns = setup["package-data"].get(home, [])
            shipped = any(fnmatch(path, p) and path.count("/") == p.count("/") for p in patterns)
            assert shipped, f"{file.relative_to(ROOT)} is in no package-data"


def test_the_packages_are_found_from_any_folder(tmp_path: Path) -> None:
    code = (
        "import json; from importlib.util import find_spec;"
        f"print(json.dumps({{name: find_spec(name).origin for name in {list(ROOMS)}}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == {name: str(ROOT / name / "__init__.py") for name in ROOMS}


def test_type_checkers_find_the_packages_from_any_folder(tmp_path: Path) -> None:
    """mypy reads the installed packages only where they are typed and on a plain path."""
    code = "from thermalize.version import __version__\n\nreveal_type(__version__)\n"
    (tmp_path / "mine.py").write_text(code)
    command = [sys.executable, "-m", "mypy", "mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 'str"' in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
