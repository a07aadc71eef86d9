"""All claims on one page: settled ones are collected, others run, a defect in one leaves the others."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import thermalize.claims.catalogue
import thermalize.verdict_command
from compare import Verdict
from thermalize.claims.claim import Case, Check, Claim, Curve, Evidence, Number, Preset, Sampled
from thermalize.claims.names import RECORD, STATEMENTS
from thermalize.claims.verdict import markdown

from .commands import refused, run
from .page import Page

RUNS: list[str] = []


def planted(name: str, verdict: Verdict, *, passed: bool = True, works: bool = True) -> Claim:
    """A claim whose run only gives what it is told."""

    def evidence(preset: Preset, seed: int, progress: object) -> Evidence:
        RUNS.append(name)
        if not works:
            raise RuntimeError("a defect <b>")
        number = Number("share", 0.25, 0.125, 0.5)
        case = Case(
            f"case of {name}", {}, verdict, "so it was", [number], [Check("a gate", passed, "1 of 1")]
        )
        curve = Curve("Along", "Text.", "noise", "share", [0.0, 1.0], {"sgd": [number, number]})
        draws = Sampled("arm", {"value": np.zeros((2, 3))}, "a law")
        return Evidence([case], number, [curve], [draws], [], ["A 2020"], [])

    return Claim(name, f"Statement of {name} & more.", "a source", "a share", "a rule", evidence)


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch) -> None:
    RUNS.clear()
    chosen = [
        planted("first", Verdict.SUPPORTED),
        planted("broken", Verdict.SUPPORTED, works=False),
        planted("last", Verdict.REFUTED, passed=False),
    ]
    names = {claim.id: claim.statement for claim in chosen}
    monkeypatch.setattr(thermalize.claims.catalogue, "CLAIMS", {claim.id: claim for claim in chosen})
    monkeypatch.setattr(thermalize.verdict_command, "STATEMENTS", names)


@pytest.mark.usefixtures("claims")
def test_all_claims_are_settled_once_and_a_defect_in_one_leaves_the_others(tmp_path: Path) -> None:
    result = run("verdict", "--preset", "smoke", "--out", tmp_path / "all", "--json")
    assert result.exit_code == 1
    assert "broken could not be settled: RuntimeError: a defect" in result.stderr
    printed = json.loads(result.stdout)
    assert printed == json.loads((tmp_path / "all" / "verdict.json").read_text())
    assert printed["verdict"] == "1 SUPPORTED, 1 REFUTED, 1 not settled: an error"
    assert [row["trusted"] for row in printed["claims"]] == [True, False]
    assert printed["claims"][0]["cases"] == {"SUPPORTED": ["case of first"]}
    again = run("verdict", "--preset", "smoke", "--out", tmp_path / "all", "--json")
    assert RUNS == ["first", "broken", "last", "broken"]
    assert json.loads(again.stdout)["claims"] == printed["claims"]
    assert "| `first` | SUPPORTED | share: 0.250 [0.125, 0.500] | 1 SUPPORTED |" in markdown(printed)
    assert printed["claims"][0]["report"] == "first/claim.html"
    assert (tmp_path / "all" / "first" / "claim.html").is_file()


@pytest.mark.usefixtures("claims")
def test_the_page_shows_every_claim_and_escapes_what_it_shows(tmp_path: Path) -> None:
    run("verdict", "--preset", "smoke", "--out", tmp_path)
    text = (tmp_path / "verdict.html").read_text()
    page = Page(text)
    assert "defect &lt;b&gt;" in text
    assert "http" not in text.replace("http://www.w3.org", "")
    assert {"first", "last"} <= set(page.texts)
    ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    links = {(attrs["href"] or "").removeprefix("#") for tag, attrs in page.tags if tag == "a"}
    assert links <= set(ids)
    pictures = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(pictures) == 2
    assert all("sgd at 0: 0.250 [0.125, 0.500]" in (attrs["aria-label"] or "") for attrs in pictures)


@pytest.mark.usefixtures("claims")
def test_the_page_shows_machine_versions_and_the_certificate_of_the_samplers(tmp_path: Path) -> None:
    certificate = Path(__file__).parents[2] / "docs" / "certificate.json"
    run("verdict", "--preset", "smoke", "--out", tmp_path, "--certificate", certificate)
    text = (tmp_path / "verdict.html").read_text()
    assert "61 of 61 checks against laws" in " ".join(text.split())
    assert "elliptical_slice" in text
    run("verdict", "--preset", "smoke", "--out", tmp_path)
    alone = (tmp_path / "verdict.html").read_text()
    assert "its folder was not there" in alone
    (made,) = json.loads((tmp_path / "verdict.json").read_text())["made"]
    assert made["claims"] == ["first", "last"]
    assert alone.count(made["platform"]) == 3  # of both claims and of all; the certificate has its own


def test_the_first_page_shows_the_verdicts_of_a_full_run() -> None:
    """Their record is docs/verdict.json, with dates, commits and machine; claims without one are named."""
    root = Path(__file__).parents[2]
    page = (root / "README.md").read_text()
    record = json.loads((root / "docs" / "verdict.json").read_text())
    assert record["preset"] == "full"
    assert record["failures"] == {}
    assert all(row["git"].endswith("(clean)") for row in record["claims"])
    assert markdown(record) in page
    (left_out,) = re.findall(r"^Not in the table: (.*)$", page, re.MULTILINE) or [""]
    known = {row["claim"] for row in record["claims"]}
    assert set(re.findall(r"`(\w+)`", left_out)) == set(STATEMENTS) - known


@pytest.mark.usefixtures("claims")
def test_bad_input(tmp_path: Path) -> None:
    refused(run("verdict", "--only", "frist"), "unknown claim: 'frist' | did you mean first?")
    refused(run("verdict", "--only", ","), "no claim to settle")
    run("verdict", "--preset", "smoke", "--only", "first", "--out", tmp_path)
    refused(
        run("verdict", "--only", "first", "--out", tmp_path), "settled otherwise | smoke | quick | --preset"
    )
    (tmp_path / "first" / RECORD).write_text("{}")
    refused(run("verdict", "--preset", "smoke", "--only", "first", "--out", tmp_path), "damaged | delete")
    (tmp_path / "file").write_text("mine")
    refused(run("verdict", "--certificate", tmp_path / "file"), "no certificate")
    refused(
        run("verdict", "--certificate", tmp_path / "nothing"), "no certificate | nothing | thermalize certify"
    )
    refused(run("verdict", "--out", tmp_path / "file"), "is a file")
    assert RUNS == ["first"]
