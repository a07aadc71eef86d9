"""What is written is true: names are documented, commands exist, examples run, one place for the version."""

import importlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from thermalize.folder import stored_result

from .layers import ROOMS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
SITE = sorted((ROOT / "docs").rglob("*.md"))
HEAVY = {"README.md", "tutorial.md", "volume.md"}  # a minute each: run by `make certify`
# Written so that the patterns do not match themselves.
MACHINE = "/[w]ork/|/[r]oot/|/[h]ome/[a-z]|[p]ypi[.]org|[p]ythonhosted|[n]pmjs[.]"
UNFINISHED = "[T]ODO|[F]IXME|[X]XX|[l]orem ipsum"
SHELL_WORDS = {"cd", "git", "pip", "python", "open", "dask"}


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language, without their indentation."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def tracked() -> list[Path]:
    """Every text file that git knows or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]
    return [file for file in files if b"\0" not in file.read_bytes()]  # compressed bytes spell anything


def commands(page: Path) -> Iterator[list[str]]:
    """The commands of a page's shell blocks, in words, without comments and continuation lines."""
    for block in blocks(page, "(?:sh|bash|console)"):
        for line in block.replace("\\\n", " ").splitlines():
            words = line.split("#")[0].removeprefix("$ ").split()
            if words:
                yield words


def undocumented(package: str) -> list[str]:
    """Public names of a package that are functions or classes and say nothing of themselves."""
    module = importlib.import_module(package)
    found = [] if module.__doc__ else [package]
    for name, value in vars(module).items():
        if name.startswith("_") or not (inspect.isfunction(inspect.unwrap(value)) or inspect.isclass(value)):
            continue
        text = value.__doc__ or ""
        if not text.strip() or text.startswith(f"{name}("):  # what NamedTuple and dataclass write themselves
            found.append(f"{package}.{name}")
    return found


@pytest.mark.parametrize("package", ROOMS)
def test_every_public_name_is_documented(package: str) -> None:
    assert undocumented(package) == []


def test_a_name_without_a_word_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    code = ["import typing", "class A(typing.NamedTuple):", "    x: int", "def f(): ...", "def g(): 'Said.'"]
    (tmp_path / "planted_package.py").write_text("\n".join(code))
    assert undocumented("planted_package") == ["planted_package", "planted_package.A", "planted_package.f"]


@pytest.mark.parametrize(
    ("words", "what"), [(MACHINE, "a machine or a registry"), (UNFINISHED, "unfinished work")]
)
def test_no_file_names(words: str, what: str) -> None:
    found = []
    for file in tracked():
        text = file.read_bytes().decode(errors="ignore")
        hits = sorted({hit.group() for hit in re.finditer(words, text)})
        found += [f"{file.relative_to(ROOT)} names {what}: {hit}" for hit in hits]
    assert found == []


def test_the_version_stands_in_one_place() -> None:
    from thermalize.version import __version__ as version

    pages = [f for f in tracked() if f.suffix in {".py", ".md", ".toml", ".cff"} and "tests" not in f.parts]
    places = {
        f.relative_to(ROOT).as_posix()
        for f in pages
        if re.search(rf"\b{re.escape(version)}\b", f.read_text())
    }
    assert places == {"thermalize/version.py", "CHANGELOG.md"}
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert newest
    assert newest.group(1) == version


@pytest.mark.parametrize("page", [*PAGES, *SITE], ids=lambda page: page.name)
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert link.startswith("http") or (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)", page.read_text()))
    named |= {words[1] for words in commands(page) if words[0] == "make"}
    assert named
    assert named <= targets


@pytest.mark.parametrize("page", [*PAGES, *SITE], ids=lambda page: page.name)
def test_every_command_exists_with_its_options(page: Path) -> None:
    for words in commands(page):
        name = words[0].split("/")[-1]
        assert name in SHELL_WORDS | {"make", "thermalize"}, f"an unknown command: {' '.join(words)}"
        if name == "thermalize":
            text = help_text(words[1] if len(words) > 1 and not words[1].startswith("-") else "")
            for option in (word.split("=")[0] for word in words[1:] if word.startswith("--")):
                assert re.search(rf"{option}\b", text), f"{option} is not in the help: {' '.join(words)}"


def help_text(command: str) -> str:
    arguments = [*command.split(), "--help"]
    done = subprocess.run(
        [sys.executable, "-m", "thermalize", *arguments],
        cwd=ROOT,
        env={"COLUMNS": "200", "NO_COLOR": "1", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"no such command: thermalize {command}\n{done.stderr}"
    return done.stdout


def with_python() -> list[Any]:
    """Pages with Python on them, the heavy ones marked; docs/volume.md has a test of its own."""
    found = [page for page in [*PAGES, *SITE] if blocks(page, "python") and page.name != "volume.md"]
    marks = {page: [pytest.mark.certify] if page.name in HEAVY else [] for page in found}
    return [pytest.param(page, marks=marks[page], id=page.name) for page in found]


@pytest.mark.parametrize("page", with_python())
def test_the_python_on_the_page_runs(page: Path, tmp_path: Path) -> None:
    """All blocks of a page, in order, as one script in an empty folder."""
    script = tmp_path / "page.py"
    script.write_text("\n\n".join(blocks(page, "python")))
    # Compiled as a user's is: conftest.py asks for less.
    environment = {k: v for k, v in os.environ.items() if k != "JAX_DISABLE_MOST_OPTIMIZATIONS"}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if page.name == "README.md":
        check_printed_results(page, stored_result(tmp_path / "runs" / "script"))
    if page.name == "tutorial.md":
        check_printed_distances(page, stored_result(tmp_path / "runs" / "own_model"))


def test_what_the_script_on_the_first_page_imports_exists() -> None:
    """The script itself takes a minute: see HEAVY."""
    lines = [line for block in blocks(ROOT / "README.md", "python") for line in block.splitlines()]
    imports = [line for line in lines if re.match("(?:from|import) ", line)]
    assert len(imports) > 5
    exec("\n".join(imports), {})


def check_printed_distances(page: Path, result: dict[str, Any]) -> None:
    """Verdict, outcomes and distances of the tutorial, which may differ a little between machines."""
    assert f"a test repeats: {result['verdict']}." in page.read_text()
    rows = re.findall(
        r"^\| ([a-z -]+) \| (\S+) \| (\S+) \| (\S+) \| ([A-Z]+) \|", page.read_text(), re.MULTILINE
    )
    assert [row[0] for row in rows] == [found["name"] for found in result["comparisons"]]
    for (_, value, floor, ceiling, outcome), found in zip(rows, result["comparisons"], strict=True):
        assert found["outcome"] == outcome
        for shown, number in (
            (value, found["distance"]),
            (floor, found["floor"]["mean"]),
            (ceiling, found["ceiling"]["mean"]),
        ):
            assert number == pytest.approx(float(shown), abs=0.05)


def check_printed_results(page: Path, result: dict[str, Any]) -> None:
    """The results on the page are those of its script, which may differ a little between machines."""
    rows = re.findall(r"^\| `(\w+)` \| ([A-Z]+) \| (\S+) \| (\S+) \|", page.read_text(), flags=re.MULTILINE)
    assert [row[0] for row in rows] == list(result["verdicts"])
    for arm, verdict, closeness, bound in rows:
        assert result["verdicts"][arm]["verdict"] == verdict
        found = {row["name"]: row for row in result["comparisons"] if row["arm"] == arm}
        energy, classifier = found["energy distance"], found["classifier two-sample test"]
        assert energy["closeness"]["value"] == pytest.approx(float(closeness), abs=0.05)
        assert classifier["excess"]["low"] == pytest.approx(float(bound), abs=0.15)
