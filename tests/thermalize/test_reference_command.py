"""``thermalize reference``: lists, shows, and makes references again that agree with the stored ones."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from compare import compare_functions
from samplers import posterior
from thermalize.references import REFERENCES, Reference, load
from thermalize.references import make as making
from thermalize.references.gates import difference_in_errors, quadrature_gates, standard_error
from thermalize.references.methods import outputs_of
from thermalize.references.systems import two_parameter

from .commands import refused, run


def test_list() -> None:
    page = run("reference").stdout
    for name in REFERENCES:
        assert name in page
    rows = json.loads(run("reference", "--json").stdout)
    assert [row["name"] for row in rows] == list(REFERENCES)
    for row in rows:
        passed, of = row["gates"].removesuffix(" passed").split(" of ")
        assert passed == of


def test_one_reference_as_text_and_as_json() -> None:
    page = run("reference", "boolean-3").stdout
    for words in ("gates passed", "level_smc: largest R-hat", "log evidence", "again: thermalize reference"):
        assert words in page
    assert json.loads(run("reference", "boolean-3", "--json").stdout) == load("boolean-3").report


def test_refusals(tmp_path: Path) -> None:
    refused(run("reference", "bolean-3"), "unknown reference: 'bolean-3' | did you mean boolean-3")
    refused(run("reference", "digit", "--make"), "unknown reference: 'digit' | did you mean digits?")
    refused(run("reference", "--make"), "nothing to make | --make needs a name | boolean-3, boolean-5")
    refused(run("reference", "digits", "--out", tmp_path), "the reference is not stored | --make")


@pytest.mark.certify
def test_made_again_with_another_seed_boolean_3_is_the_same_law(tmp_path: Path) -> None:
    """Means within 5 standard errors of the stored ones, and functions as often: permutation at 1/501."""
    done = run("reference", "boolean-3", "--make", "--preset", "quick", "--seed", "1", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert "means against the stored reference" in done.stdout
    made, stored = load("boolean-3", tmp_path), load("boolean-3")
    assert made.report["data_hash"] == stored.report["data_hash"]
    assert made.arrays["logits"].shape[2:] == stored.arrays["logits"].shape[2:]
    assert not np.array_equal(made.arrays["first_mean"], stored.arrays["first_mean"])
    found = compare_functions(stored.functions(), made.functions(), seed=0, num_resamples=500)
    assert found.p_value > 1 / 501
    assert found.distance.mean < 0.02


@pytest.mark.certify
def test_both_methods_drawn_again_for_the_two_parameter_net_have_the_stored_law() -> None:
    """Another seed, 2,000 draws of each: within 5 standard errors of the stored means and the exact ones."""
    stored, system = load("two-parameter"), two_parameter("quick", seed=1)
    target = posterior(system.model, system.train, num_data=len(system.train.targets))
    first, second = (
        method.draw(
            jax.random.key(1), target, outputs_of(system.model.apply), system.probe.inputs, lambda *_: None
        )
        for method in system.methods
    )
    assert first.exact_mean is not None
    np.testing.assert_allclose(first.exact_mean, stored.arrays["exact_mean"], atol=1e-12)
    assert [gate.passed for gate in quadrature_gates(first, second)] == [True, True]
    for drawn, label in ((first, "first"), (second, "second")):
        outputs = drawn.draws.observed["logits"]
        assert outputs.shape == (16, 125, 30, 1)
        error = standard_error(outputs[..., 0])[:, None]
        mean, stored_error = stored.arrays[f"{label}_mean"], stored.arrays[f"{label}_standard_error"]
        assert difference_in_errors(outputs.mean((0, 1)), error, mean, stored_error) < 5


def test_another_law_would_be_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The stored reference handed out as a new one, means moved by six errors: refused, exit code 3."""
    stored = load("boolean-3")
    error = np.hypot(stored.arrays["first_standard_error"], stored.arrays["first_standard_error"])
    moved = {**stored.arrays, "first_mean": stored.arrays["first_mean"] + 6 * error}
    wrong = Reference(stored.name, stored.report, moved)
    monkeypatch.setattr(making, "make", lambda *_, **__: wrong)
    done = run("reference", "boolean-3", "--make", "--out", tmp_path)
    assert done.exit_code == 3
    assert "FAIL" in done.stdout
    assert "a gate failed: the reference is not stored" in done.stderr
    assert list(tmp_path.iterdir()) == []
