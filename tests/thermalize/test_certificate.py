"""The certification suite at its quick preset, line by line, and the command around it.

Of each family one line and some mutants run every time, the others in ``make certify``, which
judges the full suite too.

Every check has a false-alarm rate of at most 1e-5, so that all lines together raise one in
fewer than one of a thousand seeds; the seed is fixed. What a check must be able to see is
asserted too: an error of that size is found with probability 0.99.
"""

import json
import math
from pathlib import Path

import jax
import pytest
from _pytest.mark import ParameterSet

from thermalize.certify.certificate import markdown, row
from thermalize.certify.check import Check
from thermalize.certify.entry import FAMILIES, Entry
from thermalize.certify.suite import suite

from .commands import refused, run

ROOT = Path(__file__).parents[2]
QUICK = suite("quick")
EVERY_TIME = (
    "sgld: SGLD, all data: S = A S A' + 2e, A = I - eH",
    "mutant: N missing, sgld",
    "sgnht: heat",
    "hmc: invariance",
    "mutant: no Metropolis test",
    "mutant: a chain that never moves, exact start",
    "elliptical_slice: joint distribution",
    "hmc: calibration",
    "hmc: linear regression",
    "smc: evidence against the closed form",
)
LARGEST_DETECTABLE = {
    "finite-step law": 0.08,
    "bias": 0.08,
    "invariance": 0.15,
    "joint distribution": 0.15,
    "calibration": 0.2,
    "exact posterior": 0.4,
    "log evidence": 0.4,
}


def often(entry: Entry) -> ParameterSet:
    """The entry, marked unless it runs every time."""
    marks = () if entry.name in EVERY_TIME else (pytest.mark.certify,)
    return pytest.param(entry, id=entry.name, marks=marks)


@pytest.mark.parametrize("entry", [often(entry) for entry in QUICK])
def test_line_of_the_certificate(entry: Entry) -> None:
    check = entry.judge(jax.random.key(1))
    assert entry.settled(check), check
    assert check.false_alarm <= 1e-5
    if not entry.mistake:
        assert check.detectable < LARGEST_DETECTABLE[entry.family], check


def test_every_family_and_some_mutants_are_judged_every_time() -> None:
    chosen = [entry for entry in QUICK if entry.name in EVERY_TIME]
    assert len(chosen) == len(EVERY_TIME)
    assert {entry.family for entry in chosen} == set(FAMILIES)
    broken = {entry.family for entry in chosen if entry.mistake}
    assert broken >= {"finite-step law", "invariance"}


def test_the_full_suite_holds_all_of_the_quick_one() -> None:
    full = {entry.name for entry in suite("full")}
    assert len(full) == len(suite("full"))
    assert {entry.name for entry in QUICK} < full
    assert {entry.family for entry in QUICK} == set(FAMILIES)


def test_the_table_on_the_first_page_is_that_of_the_stored_full_run() -> None:
    record = json.loads((ROOT / "docs" / "certificate.json").read_text())
    assert markdown(record) in (ROOT / "README.md").read_text()
    assert [row["name"] for row in record["rows"]] == [entry.name for entry in suite("full")]
    assert record["preset"] == "full"
    assert all(row["settled"] for row in record["rows"])


def line(mistake: str, *, passed: bool, error: float = 0.1) -> dict[str, object]:
    check = Check("hmc", "a law", error, 0.2, 1e-5, passed, "words")
    return row(Entry("hmc: a law", "bias", lambda key: check, mistake), check, 1.0)


def test_a_mutant_must_fail_and_a_sampler_pass() -> None:
    assert line("", passed=True)["verdict"] == "PASSED"
    assert line("", passed=False)["verdict"] == "FAILED"
    assert line("a sign", passed=False, error=math.inf)["verdict"] == "CAUGHT"
    assert line("a sign", passed=True)["verdict"] == "MISSED"
    assert not line("a sign", passed=True)["settled"]


def test_the_command_prints_the_table_and_keeps_a_page_and_a_record(tmp_path: Path) -> None:
    out = tmp_path / "certificate"
    done = run("certify", "--quick", "--only", "SGLD, all data", "--out", out)
    assert done.exit_code == 0, done.stderr
    assert "PASSED" in done.stdout
    assert "1 of 1 lines" in done.stdout
    record = json.loads((out / "certificate.json").read_text())
    assert record["passed"]
    assert record["rows"][0]["detectable"] > 0
    page = (out / "certificate.html").read_text()
    assert "SGLD, all data" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    again = run("certify", "--quick", "--only", "SGLD, all data", "--out", out)
    refused(again, "holds a certificate already | --overwrite")
    assert json.loads((out / "certificate.json").read_text()) == record


def test_a_check_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    done = run("certify", "--quick", "--only", "calibratoin", "--out", tmp_path / "c")
    refused(done, "calibratoin | did you mean | calibration")
    assert not (tmp_path / "c").exists()
