"""The stored references: complete, certified, undamaged, readable; what is not stored and why."""

import json
import shutil
from pathlib import Path
from typing import Any

import arviz
import numpy as np
import pytest

from compare import Gate, function_probabilities, judge, pack_labels
from thermalize.errors import UserError
from thermalize.predictions import read_arm
from thermalize.provenance import PACKAGES
from thermalize.references import REFERENCES, Reference, load, save
from thermalize.references.gates import (
    MAX_EVIDENCE_ERRORS,
    MAX_FUNCTION_EXCESS,
    MAX_MEAN_ERRORS,
    MAX_QUADRATURE_CHANGE,
    agreement_gates,
    difference_in_errors,
    evidence_gates,
    means_against_stored,
)
from thermalize.references.methods import Drawn
from thermalize.references.stored import STORED, arrays_hash

SHAPES = {  # probes and outputs
    "boolean-3": (8, 1),
    "boolean-5": (32, 1),
    "two-parameter": (30, 1),
    "regression-1d": (100, 1),
    "digits": (200, 10),
}
ALL = pytest.mark.parametrize("name", REFERENCES)


@ALL
def test_every_reference_is_stored_with_all_gates_passed(name: str) -> None:
    reference = load(name)
    gates = {gate["name"]: gate for gate in reference.report["gates"]}
    assert reference.passed
    first, second = (row["name"] for row in reference.report["methods"])
    assert (first, second) == REFERENCES[name].methods
    for method in (first, second):
        assert gates[f"{method}: largest R-hat"]["value"] <= 1.01
        assert gates[f"{method}: smallest bulk ESS"]["value"] >= 400
    assert gates["largest difference of means"]["value"] <= MAX_MEAN_ERRORS
    assert gates["energy distance"]["value"] <= gates["energy distance"]["threshold"]
    assert ("log evidence" in gates) == ("histogram of functions" in gates) == name.startswith("boolean")
    assert ("change on a finer grid" in gates) == (name == "two-parameter")


@ALL
def test_gates_of_distances_repeat_the_comparison(name: str) -> None:
    """The gates say what the rows of the comparison say, by the rule of every comparison."""
    report = load(name).report
    gates = {gate["name"]: gate for gate in report["gates"]}
    rows = [row for row in report["comparisons"] if not row["name"].startswith("classifier")]
    assert len(rows) == (2 if report["likelihood"]["name"] == "gaussian" else 3)
    for row in rows:
        assert row["outcome"] == judge(row["excess"]["low"], row["excess"]["high"], row["margin"])
        assert row["outcome"] == "EQUIVALENT" or (
            row["name"].startswith("disagreement") and SHAPES[name][0] < 50
        )
        assert gates[row["name"]]["passed"] == (row["outcome"] != "DIFFERENT")


@ALL
def test_arrays_are_those_of_the_report(name: str) -> None:
    reference = load(name)
    arrays, num_chains = reference.arrays, reference.report["methods"][0]["num_chains"]
    assert reference.report["arrays_hash"] == arrays_hash(arrays)
    assert arrays["logits"].shape[0] == num_chains
    assert arrays["logits"].shape[2:] == SHAPES[name]
    assert 390 <= arrays["logits"].shape[0] * arrays["logits"].shape[1] <= 1100
    for key, array in arrays.items():
        assert array.dtype.kind != "f" or np.isfinite(array).all(), key
    first, second = (
        [arrays[f"{method}_{what}"].astype(float) for what in ("mean", "standard_error")]
        for method in ("first", "second")
    )
    gate = next(g for g in reference.report["gates"] if g["name"] == "largest difference of means")
    assert difference_in_errors(*first, *second) <= gate["value"] * 1.001  # the gate has scalars too


@ALL
def test_thinned_draws_have_the_law_of_all_draws(name: str) -> None:
    """Their means within 5.5 standard errors of those of all draws; their spread within a quarter."""
    reference = load(name)
    arm = read_arm("reference", reference.tree(), reference.report["likelihood"])
    regression = reference.report["likelihood"]["name"] == "gaussian"
    values = reference.arrays["logits"].astype(float) if regression else arm.probabilities
    num, mean = values.shape[0] * values.shape[1], values.mean((0, 1))
    deviation = reference.arrays["first_standard_deviation"]
    assert (np.abs(mean - reference.arrays["first_mean"]) <= 5.5 * deviation / np.sqrt(num / 2)).all()
    assert values.std((0, 1)).mean() == pytest.approx(deviation.mean(), rel=0.25)


@ALL
def test_provenance(name: str) -> None:
    report = load(name).report
    assert report["reference"] == name
    assert report["law"] == REFERENCES[name].law
    assert set(report["packages"]) == {"python", *PACKAGES}
    assert report["command"] == f"thermalize reference {name} --make --preset full --seed 0"
    assert report["data_hash"].startswith("sha256:")
    assert report["created"][:4].isdigit()
    assert report["git"].endswith("(clean)")
    assert len(report["citations"]) >= 2


def test_all_references_together_are_a_few_megabytes() -> None:
    assert sum(file.stat().st_size for file in STORED.iterdir()) < 3_000_000
    assert {file.name for file in STORED.iterdir()} == {
        f"{n}.{e}" for n in REFERENCES for e in ("json", "npz")
    }


def test_draws_of_many_probes_are_rounded_and_say_so() -> None:
    assert {load(name).report["rounding_of_draws"] for name in ("boolean-3", "digits")} == {
        "none",
        "half precision",
    }
    assert load("digits").arrays["logits"].dtype == np.float16


def test_arviz_reads_a_reference() -> None:
    tree = load("two-parameter").tree()
    summary = arviz.summary(tree, group="predictions", coords={"probe": [0]})
    assert float(summary["r_hat"].iloc[0]) < 1.02


@pytest.mark.parametrize("name", ["boolean-3", "boolean-5"])
def test_functions_fit_and_their_probabilities_are_those_of_the_draws(name: str) -> None:
    """Stored draws, from another stream, against the exact counts: each common function within its interval.

    Intervals at 99.9999 %, at most 40 functions: false alarm below 1e-4.
    """
    reference = load(name)
    counts = reference.functions()
    labels = np.unpackbits(counts.packed, axis=1, count=reference.arrays["probe_targets"].size)
    inputs = reference.arrays["probe_inputs"]
    rows = [int(np.flatnonzero((inputs == x).all(1))[0]) for x in reference.arrays["train_inputs"]]
    assert (labels[:, rows] == reference.arrays["train_targets"]).all()
    drawn = np.asarray(pack_labels(reference.arrays["logits"].reshape(-1, len(inputs)) > 0))
    num_common = 0
    for packed, probability in zip(counts.packed, counts.counts / counts.total, strict=True):
        if probability > 0.005:
            hits = int((drawn == packed).all(1).sum())
            one = type(counts)(np.stack([packed, packed + 1]), np.array([hits, len(drawn) - hits]))
            found = function_probabilities(one, level=1 - 1e-6)
            assert found.low[0] <= probability <= found.high[0]
            num_common += 1
    assert num_common >= 5


def test_quadrature_agrees_with_both_methods() -> None:
    arrays = load("two-parameter").arrays
    exact = arrays["exact_mean"][:, None]
    assert exact.dtype == np.float64
    for method in ("first", "second"):
        assert (np.abs(arrays[f"{method}_mean"] - exact) <= 5 * arrays[f"{method}_standard_error"]).all()


def test_a_reference_with_a_failed_gate_is_not_stored(tmp_path: Path) -> None:
    good = load("boolean-3")
    gates = [*good.report["gates"], Gate("invented", 2.0, 1.0, False, "")._asdict()]
    with pytest.raises(ValueError, match="boolean-3 is not stored: it failed invented"):
        save(Reference(good.name, good.report | {"gates": gates}, good.arrays), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    good = load("digits")
    save(good, tmp_path)
    again = load("digits", tmp_path)
    assert again.report == good.report
    assert arrays_hash(again.arrays) == arrays_hash(good.arrays)


def test_what_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown reference: 'bolean-3'\n.*\n.*did you mean boolean-3"):
        load("bolean-3")
    with pytest.raises(
        UserError, match=r"the reference is not stored(?s:.*)thermalize reference digits --make"
    ):
        load("digits", tmp_path)
    with pytest.raises(ValueError, match="for Boolean systems only, got digits"):
        load("digits").functions()
    for suffix in ("json", "npz"):
        shutil.copy(STORED / f"boolean-3.{suffix}", tmp_path)
    swapped: dict[str, Any] = dict(load("boolean-3").arrays)
    swapped["loss"] = swapped["loss"] + 1
    np.savez_compressed(tmp_path / "boolean-3.npz", allow_pickle=False, **swapped)
    with pytest.raises(UserError, match="its arrays are not those that the report was written for"):
        load("boolean-3", tmp_path)
    (tmp_path / "boolean-3.npz").write_bytes(b"PK")
    with pytest.raises(UserError, match="the stored reference is damaged"):
        load("boolean-3", tmp_path)
    (tmp_path / "boolean-3.json").write_text("{")
    with pytest.raises(UserError, match="the stored reference is damaged"):
        load("boolean-3", tmp_path)


def test_few_probes_excuse_a_tie_and_nothing_else() -> None:
    def gate(name: str, num_probes: int, low: float, high: float) -> bool:
        excess = {"low": low, "high": high}
        row = {"name": name, "excess": excess, "margin": 0.02, "outcome": judge(low, high, 0.02)}
        return agreement_gates({"comparisons": [row], "controls": []}, num_probes)[0].passed

    assert gate("disagreement of averages", 32, 0.0, 0.05)
    assert not gate("disagreement of averages", 50, 0.0, 0.05)
    assert not gate("disagreement of averages", 32, 0.03, 0.05)
    assert not gate("total variation of averages", 32, 0.0, 0.05)


def test_evidence_that_is_missing_or_far_off_fails() -> None:
    none: Any = None
    known, other = Drawn(none, -4.0, 0.02), Drawn(none, -4.3, 0.02)
    assert evidence_gates(Drawn(none), Drawn(none)) == []
    assert [gate.passed for gate in evidence_gates(known, Drawn(none))] == [False, False]
    assert [gate.passed for gate in evidence_gates(known, known)] == [True, True]
    gap = evidence_gates(known, other)[0]
    assert (gap.passed, gap.threshold) == (False, MAX_EVIDENCE_ERRORS)
    assert gap.value == pytest.approx(0.3 / np.hypot(0.02, 0.02))


def test_thresholds() -> None:
    """What the gates ask for, written down a second time: changing one is a decision."""
    assert (MAX_MEAN_ERRORS, MAX_FUNCTION_EXCESS, MAX_QUADRATURE_CHANGE) == (5.0, 0.02, 1e-8)
    assert means_against_stored(5.1, False).passed is False
    assert json.loads((STORED / "boolean-3.json").read_text())["preset"] == "full"
