"""The decision rule, case by case."""

import pytest

from compare import Band, Comparison, Control, OneSided, Outcome, Power, Verdict, decide, overall
from compare.two_sample import NAME as CLASSIFIER

E, D, U = Outcome.EQUIVALENT, Outcome.DIFFERENT, Outcome.INCONCLUSIVE
NO_TEST, NO_POWER = OneSided(float("nan"), float("nan")), Power(0.0, float("nan"))
GOOD = [Control("control", E, E, ""), Control("prior", D, D, "")]


def comparison(name: str, outcome: Outcome, low: float = 0.0) -> Comparison:
    band = Band(low, low, low)
    return Comparison(name, "", band, band, band, band, band, 0.1, outcome, 10, 10, 20, 30, NO_TEST, NO_POWER)


@pytest.mark.parametrize(
    ("outcomes", "bound", "expected"),
    [
        ([E, E], 0.0, Verdict.SUPPORTED),
        ([E, D], 0.0, Verdict.PARTLY),
        ([E, E], 0.15, Verdict.PARTLY),  # averages alike, yet a classifier tells them apart
        ([D, D], 0.15, Verdict.REFUTED),
        ([D, U], 0.0, Verdict.REFUTED),
        ([E, E], 0.30, Verdict.REFUTED),
        ([E, U], 0.0, Verdict.INCONCLUSIVE),
        ([U, U], 0.0, Verdict.INCONCLUSIVE),
    ],
)
def test_the_rule(outcomes: list[Outcome], bound: float, expected: Verdict) -> None:
    found = [comparison(f"distance {i}", outcome) for i, outcome in enumerate(outcomes)]
    found.append(comparison(CLASSIFIER, D if bound > 0.1 else U, bound))
    verdict, reason = decide(found, trusted=True, controls=GOOD)
    assert verdict == expected
    assert reason


def test_no_verdict_without_trust_or_with_a_wrong_control() -> None:
    found = [comparison("distance", E)]
    assert decide(found, trusted=False, controls=GOOD)[0] == Verdict.INCONCLUSIVE
    assert decide(found, trusted=True, controls=[])[0] == Verdict.INCONCLUSIVE
    verdict, reason = decide(found, trusted=True, controls=[Control("prior", D, E, "")])
    assert verdict == Verdict.INCONCLUSIVE
    assert "prior came out EQUIVALENT" in reason


def test_the_classifier_alone_cannot_show_equality() -> None:
    assert overall([comparison(CLASSIFIER, U)]) == U
