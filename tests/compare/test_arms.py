"""Arm against arm: verdicts where the answer is known, refusals in words, trees made elsewhere."""

from collections.abc import Iterator
from typing import Any

import arviz as az
import numpy as np
import pytest

from compare import (
    Arm,
    Outcome,
    Verdict,
    arm_of_tree,
    averaged_total_variation,
    compare_arms,
    confidence,
    energy,
    scalar_wasserstein,
)
from tests.compare.test_nulls import networks

FEW = [energy(), averaged_total_variation()]


def arm(seed: int, chains: int, draws: int, shift: float = 0.0, scale: float = 1.0, **known: Any) -> Arm:
    rng = np.random.default_rng(seed)
    p = networks(rng, chains * draws, shift, scale).reshape(chains, draws, 4, 3)
    return Arm(p, scalars={"confidence": confidence(p)})._replace(**known)


REFERENCE, PRIOR = arm(0, 8, 500), arm(1, 1, 2000, scale=6.0, independent=True)
CONTROL = arm(2, 8, 400)


@pytest.fixture(scope="module", autouse=True)
def _few_null_repetitions() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("compare.two_sample.NUM_FLOOR", 2)
        patch.setattr("compare.two_sample.NUM_CEILING", 2)
        yield


@pytest.fixture(scope="module")
def found() -> Any:
    broken = arm(5, 60, 1, independent=True)
    p = broken.probabilities.copy()
    p[:58] = np.nan
    arms = {
        "same": arm(3, 2000, 1, independent=True),
        "shifted": arm(4, 300, 1, shift=1.5, independent=True),
        "failed": broken._replace(probabilities=p, status=["left the finite numbers"] * 58 + ["ok"] * 2),
        "one": arm(6, 1, 1, independent=True),
    }
    return compare_arms(arms, REFERENCE, ceiling=PRIOR, controls={"exact": CONTROL}, seed=0)


def test_equal_laws_are_supported_and_others_refuted(found: Any) -> None:
    assert found.trust.passed
    assert [control.passed for control in found.controls] == [True, True]
    assert found.verdicts["same"][0] == Verdict.SUPPORTED
    assert found.verdicts["shifted"][0] == Verdict.REFUTED
    names = [c.name for c in found.comparisons["same"]]
    assert names[-2:] == ["confidence: Wasserstein distance", "classifier two-sample test"]
    assert len(names) == 7
    assert found.num_networks["same"] == 2000
    assert found.effective["same"] is None
    assert 2000 < found.effective["reference"] < 8000


def test_too_little_is_inconclusive_with_the_reason(found: Any) -> None:
    for name, reason in (
        ("failed", "58 of 60 networks or chains of the arm failed: left the"),
        ("one", "too few"),
    ):
        verdict, why = found.verdicts[name]
        assert verdict == Verdict.INCONCLUSIVE
        assert why.startswith(reason)
        assert name not in found.comparisons


def test_a_reference_that_is_not_trusted_gives_no_verdict() -> None:
    split = arm(0, 8, 100)
    p = np.concatenate([split.probabilities[:4], arm(1, 4, 100, shift=2.0).probabilities])
    ends = {"a": arm(3, 100, 1, independent=True)}
    verdict, why = compare_arms(ends, Arm(p), ceiling=PRIOR, distances=FEW, seed=0).verdicts["a"]
    assert (verdict, why) == (Verdict.INCONCLUSIVE, "the reference did not pass its trust gates")
    few = arm(0, 1, 100, independent=True)
    assert (
        compare_arms(ends, few, ceiling=PRIOR, distances=FEW, seed=0).verdicts["a"][0] == Verdict.INCONCLUSIVE
    )


def test_an_impostor_that_passes_withholds_the_verdict() -> None:
    ends = {"a": arm(3, 200, 1, independent=True)}
    impostors = {"another temperature": arm(7, 200, 1, independent=True)}
    result = compare_arms(ends, REFERENCE, ceiling=PRIOR, impostors=impostors, distances=FEW, seed=0)
    verdict, why = result.verdicts["a"]
    assert verdict == Verdict.INCONCLUSIVE
    assert why.startswith("a control came out wrong: another temperature came out")
    assert why.endswith("not DIFFERENT")


def test_without_a_ceiling_only_absolute_margins_decide() -> None:
    ends = {"a": arm(3, 2000, 1, independent=True), "b": arm(4, 300, 1, shift=1.5, independent=True)}
    distances = [*FEW, scalar_wasserstein("confidence")]
    result = compare_arms(ends, REFERENCE, controls={"exact": CONTROL}, distances=distances, seed=0)
    for name, expected in (("a", Outcome.EQUIVALENT), ("b", Outcome.DIFFERENT)):
        outcomes = {c.name: c.outcome for c in result.comparisons[name]}
        assert outcomes["energy distance"] == Outcome.INCONCLUSIVE
        assert outcomes["total variation of averages"] == expected
    assert all(np.isnan(c.ceiling.mean) for c in result.comparisons["a"])
    few, some = {"a": arm(3, 20, 1, independent=True)}, arm(0, 1, 500, independent=True)
    assert compare_arms(few, some, distances=FEW, seed=0).verdicts["a"][1] == "no control was run"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"probabilities": REFERENCE.probabilities[:, :, :3]},
            "a answers 3 probes with 3 classes, reference 4 with",
        ),
        ({"probabilities": 2 * REFERENCE.probabilities}, "a holds no probabilities"),
        ({"probabilities": REFERENCE.probabilities[0]}, r"must be \(chain, draw, probe, class\)"),
        (
            {"probabilities": np.where(np.arange(3) == 1, np.nan, REFERENCE.probabilities)},
            "4000 of 4000 networks",
        ),
        ({"scalars": {"norm": np.full((8, 500), np.inf)}}, "4000 of 4000 networks of a hold values"),
        ({"scalars": {"norm": np.zeros(8)}}, r"'norm' of a must be \(chain, draw\) = \(8, 500\)"),
        ({"probes": np.arange(1, 5)}, "a and reference have different probes"),
        ({"classes": ["cat", "dog", "cow"]}, "different label sets"),
        ({"task": "digits"}, r"different tasks \('digits' and 'boolean'\)"),
        ({"status": ["ok"] * 7}, "8 chains and 7 sentences"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(change: dict[str, Any], message: str) -> None:
    reference = REFERENCE._replace(probes=np.arange(4), classes=["dog", "cat", "cow"], task="boolean")
    with pytest.raises(ValueError, match=message):
        compare_arms({"a": REFERENCE._replace(**change)}, reference, ceiling=PRIOR, seed=0)
    with pytest.raises(ValueError, match="names of their own"):
        compare_arms({"a": PRIOR}, REFERENCE, controls={"a": PRIOR}, seed=0)


def test_a_tree_gives_the_same_as_its_arrays() -> None:
    p = REFERENCE.probabilities
    tree = az.from_dict(
        {
            "predictions": {"p": p, "second": p[..., 1]},
            "sample_stats": {"norm": p[..., 0, 0], "diverging": np.zeros((8, 500), bool)},
        },
        pred_coords={"probe": list("abcd"), "label": ["dog", "cat", "cow"]},
        pred_dims={"p": ["probe", "label"], "second": ["probe"]},
    )
    made = arm_of_tree(tree, "p", scalars=["norm"], task="pets")
    assert np.array_equal(made.probabilities, p)
    assert np.array_equal(made.scalars["norm"], p[..., 0, 0])
    assert made.probes is not None
    assert made.probes.tolist() == list("abcd")
    assert made.classes == ["dog", "cat", "cow"]
    assert made.diverging is not None
    assert (made.task, made.diverging.shape) == ("pets", (8, 500))
    binary = arm_of_tree(tree, "second")
    assert np.allclose(binary.probabilities[..., 1], p[..., 1])
    assert np.allclose(binary.probabilities.sum(-1), 1)
    for variable, group, message in (
        ("q", "predictions", "no variable 'q', only"),
        ("p", "posterior", "no group 'posterior', only"),
        ("norm", "sample_stats", "chain, draw, probe and perhaps class are needed"),
    ):
        with pytest.raises(ValueError, match=message):
            arm_of_tree(tree, variable, group=group)
