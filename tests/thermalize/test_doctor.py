"""``thermalize doctor``: every ailment is planted, named with its remedy, and told from a mere note."""

import io
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from thermalize import doctor
from thermalize.cores import CACHE, available_cores
from thermalize.doctor import Finding
from thermalize.probe import probe

from .commands import run

HEALTHY = {
    "num_devices": available_cores(),
    "kind": "cpu",
    "backend": "cpu",
    "double_precision": False,
    "product": [[2.0, 3.0], [6.0, 11.0]],
    "errors": {},
}


def answering(folder: Path, words: str) -> str:
    """An interpreter that says these words whatever it is asked."""
    (folder / "words").write_text(words)
    script = folder / "python"
    script.write_text(f"#!/bin/sh\ncat '{folder / 'words'}'\n")
    script.chmod(0o755)
    return str(script)


def test_this_installation_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole, with the probe in this process: one of its own takes seconds, see the long tests."""
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda command, **_: subprocess.CompletedProcess(command, 0, json.dumps(probe()), ""),
    )
    done = run("doctor", "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["passed"] is True
    states = {check["name"]: check["state"] for check in result["checks"]}
    for name in ("Python", "packages", "tested versions", "extra cluster", "temporary files"):
        assert states[name] == "ok", result["checks"]
    assert states["jax"] in ("ok", "note")  # a machine of one core shows two devices in tests
    assert all(check["fix"] for check in result["checks"] if check["state"] != "ok")


def test_what_is_required_and_does_not_work_is_exit_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    ill = [Finding("Python", "ok", "3.13"), Finding("jax", "failed", "it is broken", "mend it")]
    monkeypatch.setattr(doctor, "examine", lambda *_: ill)
    done = run("doctor")
    assert done.exit_code == 2
    assert done.stdout.splitlines()[1:] == [
        "ok      Python: 3.13",
        "failed  jax: it is broken",
        "         fix: mend it",
        "1 of 2 checks failed: see the lines above",
    ]
    assert json.loads(run("doctor", "--json").stdout)["passed"] is False
    monkeypatch.setattr(doctor, "examine", lambda *_: ill[:1])
    assert run("doctor").exit_code == 0


def test_a_package_that_is_missing_or_too_old_is_named_with_the_command_that_mends_it() -> None:
    demands = [Requirement(text) for text in ("numpy>=99", "no-such-package>=1", "rich>=14")]
    demands.append(Requirement('also-not-there>=2; extra == "cluster"'))
    about = doctor.installed("thermalize")
    old, missing = doctor.packages(about, demands)
    assert (old.name, old.state, old.fix) == ("numpy", "failed", "pip install 'numpy>=99'")
    assert "needed >=99" in old.found
    assert (missing.name, missing.state) == ("no-such-package", "failed")
    extras = {finding.name: finding for finding in doctor.extras(demands, about)}
    assert extras["extra cluster"] == Finding(
        "extra cluster",
        "note",
        "also-not-there not installed, needed >=2",
        "if you want it: pip install 'thermalize[cluster]'",
    )
    stale, *_ = doctor.packages({"Version": "0.0.1"}, [])
    assert (stale.name, stale.state) == ("thermalize", "note")
    (unknown,) = doctor.packages(None, [])
    assert unknown.state == "note"
    assert "not installed" in unknown.found


def test_versions_that_were_not_tested_are_a_note(tmp_path: Path) -> None:
    pins = tmp_path / "constraints.txt"
    assert list(doctor.against_pins(pins)) == []
    pins.write_text("# pins\nnumpy==0.1\nno-such-package==3\n")
    (finding,) = doctor.against_pins(pins)
    assert finding.state == "note"
    assert "(tested 0.1)" in finding.found
    assert "no-such-package" not in finding.found
    assert str(pins) in finding.fix


def ill(**changes: Any) -> str:
    return json.dumps(HEALTHY | changes)


@pytest.mark.parametrize(
    ("answer", "name", "state", "says"),
    [
        (ill(), "jax", "ok", "devices (cpu)"),
        (ill(num_devices=99), "jax", "note", "not one device a core"),
        (ill(num_devices=1, backend="gpu"), "jax", "ok", "1 devices"),
        (ill(product=[[0.0, 0.0], [0.0, 0.0]]), "jax", "failed", "computes wrongly"),
        (ill(double_precision=True), "precision", "note", "twice as long"),
        (ill(errors={"samplers": "ImportError: no"}), "samplers", "failed", "does not load: ImportError: no"),
        ("Unknown flag", "jax", "failed", "ends with code 0"),
        ("", "jax", "failed", "no message"),
    ],
)
def test_what_the_probe_says(answer: str, name: str, state: str, says: str, tmp_path: Path) -> None:
    found = {finding.name: finding for finding in doctor.jax_works(answering(tmp_path, answer))}
    assert found[name].state == state
    assert says in found[name].found
    assert found[name].fix or state == "ok"


def test_a_python_that_is_gone_is_told(tmp_path: Path) -> None:
    (finding,) = doctor.jax_works(str(tmp_path / "none"))
    assert finding.state == "failed"


def test_places_that_cannot_be_written_are_notes_and_no_temporary_folder_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE, "/dev/null/cache")
    (cache,) = doctor.cache()
    assert (cache.state, cache.found[:15]) == ("note", "/dev/null/cache")
    monkeypatch.setenv(CACHE, str(tmp_path))
    (cache,) = doctor.cache()
    assert cache.state == "ok"
    monkeypatch.delenv(CACHE)
    monkeypatch.setattr(doctor, "cache_folder", lambda: None)
    (cache,) = doctor.cache()
    assert cache.found == "none: the user has no home"

    assert {finding.state for finding in doctor.places()} == {"ok"}
    usage = shutil.disk_usage(tmp_path)._replace(free=2**20)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage)
        assert {finding.state for finding in doctor.places()} == {"note"}
    with monkeypatch.context() as patch:
        patch.setattr(doctor, "is_writable", lambda folder: folder != Path.cwd())
        assert [finding.state for finding in doctor.places()] == ["note", "ok"]
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", None)
        patch.setattr(tempfile, "_candidate_tempdir_list", lambda: [])
        assert [finding.state for finding in doctor.places()] == ["failed", "ok"]


def test_a_terminal_that_lacks_signs_is_a_note() -> None:
    utf8, latin = (io.TextIOWrapper(io.BytesIO(), encoding=name) for name in ("utf-8", "latin-1"))
    assert doctor.terminal(utf8, utf8).state == "ok"
    assert doctor.terminal(latin, utf8).state == "note"
    assert "PYTHONUTF8=1" in doctor.terminal(latin, utf8).fix


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_commands(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the shells ask for it; the script that asks is printed by --show-completion."""
    code = "import sys; from thermalize.cli import main; sys.argv[0] = 'thermalize'; main()"
    asked = {"_TYPER_COMPLETE_ARGS": "thermalize fit", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    asked |= {"COMP_WORDS": "thermalize fit", "COMP_CWORD": "1", "_THERMALIZE_COMPLETE": f"complete_{shell}"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=False
    )
    assert "fit-temperature" in done.stdout, done.stderr
    assert "volume" not in done.stdout
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert f"complete_{shell}" in run("--show-completion", shell).stdout
    assert "--install-completion" in run("--help").stdout
