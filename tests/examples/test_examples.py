"""Every script in examples/ runs as a user would run it, smaller in the fast suite."""

import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.thermalize.synthetic import make_run

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TESTED = {
    "own_model.py",
    "from_pytorch.py",
    "temperature_scan.py",
    "cluster.py",
    "several_hosts.py",
    "stored_run.py",
    "own_volume.py",
}


def run(name: str, *words: str, folder: Path, optimised: bool = False) -> str:
    """What a script prints, run in an empty folder."""
    kept = {k: v for k, v in os.environ.items() if not (optimised and k == "JAX_DISABLE_MOST_OPTIMIZATIONS")}
    command = [sys.executable, str(EXAMPLES / name), *words]
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run_here_and_says_what_it_prints() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == TESTED
    for path in EXAMPLES.glob("*.py"):
        text = path.read_text()
        assert f"python examples/{path.name}" in text
        assert re.search(r"\b[Pp]rints\b", text.split('"""')[1]), path.name


def test_draws_made_elsewhere(tmp_path: Path) -> None:
    """Exact draws of the posterior are SUPPORTED, networks that all end alike are REFUTED."""
    printed = run("from_pytorch.py", folder=tmp_path)
    assert "control again: EQUIVALENT, expected EQUIVALENT" in printed
    assert "minimised: REFUTED" in printed
    assert "perturbed: SUPPORTED" in printed


def test_a_stored_run_with_arviz_alone(tmp_path: Path) -> None:
    make_run("binary", num_failed=3).to_zarr(tmp_path / "run" / "store.zarr", consolidated=False)
    text = (EXAMPLES / "stored_run.py").read_text()
    assert not re.search(r"^(?:from|import) (?:thermalize|compare|models|samplers)", text, re.MULTILINE)
    printed = run("stored_run.py", "run", folder=tmp_path)
    rows = {words[0]: words[1:] for line in printed.splitlines() if (words := line.split())}
    assert [rows[name][0] for name in ("hmc", "sgd", "adam")] == ["200", "12", "9"]
    assert "hmc: largest R-hat" in printed


@pytest.mark.certify
def test_the_temperature_scan_small(tmp_path: Path) -> None:
    """Colder posteriors fit better."""
    lines = run("temperature_scan.py", "20", folder=tmp_path).splitlines()[1:]
    losses = [float(line.split()[1]) for line in lines]
    assert len(losses) == 6
    assert losses == sorted(losses, reverse=True)


def test_the_volume_example_is_the_script_of_its_page() -> None:
    """README shows it too, in a block that its own test leaves out: the page's test runs the script."""
    for page, language in (("docs/volume.md", "python"), ("README.md", "py")):
        text = (ROOT / page).read_text()
        (script,) = re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
        assert (EXAMPLES / "own_volume.py").read_text().endswith('"""\n\n' + script)


@pytest.mark.certify
def test_an_own_model_to_a_verdict(tmp_path: Path) -> None:
    """A minute on two idle cores."""
    printed = run("own_model.py", folder=tmp_path, optimised=True)
    assert printed.startswith("REFUTED\na classifier shows")


@pytest.mark.certify
def test_workers_of_this_machine(tmp_path: Path) -> None:
    printed = run("cluster.py", "--local", "--endpoints", "64", folder=tmp_path, optimised=True)
    assert re.fullmatch(r"sgd: (SUPPORTED|PARTLY|REFUTED|INCONCLUSIVE), .+\n", printed), printed
    assert (tmp_path / "runs" / "cluster" / "store.zarr").is_dir()


@pytest.mark.certify
def test_two_processes_of_this_machine(tmp_path: Path) -> None:
    """Each as a host of its own; the first prints."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"

    def host(number: int) -> str:
        words = ["--address", address, "--processes", "2", "--number", str(number), "--draws", "50"]
        folder = tmp_path / str(number)  # each with a cache of its own
        folder.mkdir()
        return run("several_hosts.py", *words, folder=folder)

    with ThreadPoolExecutor(2) as both:
        first, second = both.map(host, range(2))
    assert re.search(
        r"^2 processes, 4 devices\nlog density: R-hat 1\.\d+, bulk ESS \d+$", first, re.MULTILINE
    )
    assert "R-hat" not in second
