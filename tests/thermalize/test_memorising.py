"""Memorising and volume: planted trends get their verdict, controls bite."""

import jax
import numpy as np
import pytest

from compare import Verdict
from samplers.volume import Estimate, FitEvidence
from thermalize.claims import memorising_is_small
from thermalize.claims.claim import Check
from thermalize.claims.memorising_is_small import (
    CLAIM,
    EFFORT,
    NOISES,
    SYSTEMS,
    WIDTHS,
    case_of,
    evidence_control,
)
from thermalize.claims.memorising_measures import (
    ACCURACY,
    COEFFICIENT,
    GIBBS,
    INTEGRAL,
    LEVELS,
    NEEDED,
    NEEDED_AT_RANDOM,
    TRAINED,
    Effort,
    Measured,
    in_range,
)
from thermalize.claims.memorising_pages import correlations, headline, sentence
from thermalize.claims.memorising_systems import system
from thermalize.claims.trends import Way, agree, judge, rank_correlation, trend

type Array = np.ndarray
STEPS = np.arange(4.0)
NOISE = [0.0, 0.25, 0.5, 1.0]
PASSED = Check("evidence against rejection", True, "exact")


def table(slope: float, seed: int, num_units: int = 8, spread: float = 0.2, common: float = 1.0) -> Array:
    """``(unit, noise)``: a straight line, what a unit has of its own, what every entry has."""
    rng = np.random.default_rng(seed)
    return (
        slope * STEPS
        + common * rng.normal(size=(num_units, 1))
        + spread * rng.normal(size=(num_units, len(STEPS)))
    )


def verdict(*slopes: float) -> Verdict:
    """Of two evidences and two others with these slopes."""
    ways = (-1, -1, 1, 1)
    found = [
        trend("a", table(slope, seed), way)
        for seed, (slope, way) in enumerate(zip(slopes, ways, strict=True))
    ]
    return judge(found[:2], found[2:])[0]


@pytest.mark.parametrize(
    ("slopes", "expected"),
    [
        ((-1.0, -1.0, 1.0, 1.0), Verdict.SUPPORTED),
        ((-1.0, -1.0, 1.0, -1.0), Verdict.PARTLY),
        ((-1.0, -1.0, 0.0, 1.0), Verdict.PARTLY),
        ((1.0, 1.0, 1.0, 1.0), Verdict.REFUTED),
        ((-1.0, -1.0, -1.0, -1.0), Verdict.REFUTED),
        ((-1.0, 1.0, 1.0, 1.0), Verdict.INCONCLUSIVE),  # the estimators contradict each other
        ((0.0, 0.0, 1.0, 1.0), Verdict.INCONCLUSIVE),
    ],
)
def test_planted_trends(slopes: tuple[float, ...], expected: Verdict) -> None:
    assert verdict(*slopes) == expected


def test_what_a_unit_has_of_its_own_does_not_hide_a_trend() -> None:
    found = trend("a", table(1.0, 0, common=100.0), 1)
    assert found.way == Way.EVERY_STEP
    assert found.levels[0].high is not None
    assert found.levels[1].low is not None
    assert found.levels[0].high > found.levels[1].low  # although the intervals of the levels overlap


def test_no_trend_is_seldom_taken_for_one() -> None:
    """Every step at once: none of 1,000. The whole way: 2.5 % each way, here within 5 standard errors."""
    ways = [trend("a", table(0.0, seed, num_units=6), 1).way for seed in range(1000)]
    assert Way.EVERY_STEP not in ways
    share = ways.count(Way.AGAINST) / 1000
    assert abs(share - 0.025) < 5 * np.sqrt(0.025 * 0.975 / 1000)
    planted = [trend("a", table(1.0, seed, num_units=6), 1).way for seed in range(200)]
    assert planted.count(Way.EVERY_STEP) > 190  # the power at steps of 3.5 standard deviations


def test_intervals_of_steps_hold_together() -> None:
    """Three steps at once are covered in at least 95 % of samples, here within 5 standard errors of it."""
    covered = 0
    for seed in range(1000):
        steps = trend("a", table(1.0, seed), 1).steps
        covered += all(
            one.low is not None and one.high is not None and one.low < 1 < one.high for one in steps
        )
    assert covered > 950 - 5 * np.sqrt(1000 * 0.95 * 0.05)


def test_missing_measures() -> None:
    values = table(-1.0, 0)
    values[:2, 3] = np.nan
    assert trend("a", values, -1).way == Way.EVERY_STEP  # a quarter may be missing
    values[2, 0] = np.nan
    missing, falls, rises = (
        trend("a", values, -1),
        trend("b", table(-1.0, 1), -1),
        trend("c", table(1.0, 2), 1),
    )
    assert (missing.way, missing.whole.value) == (Way.MISSING, None)
    assert missing.reason == "5 of 8 draws of the data have it at every noise"
    assert judge([missing, falls], [rises, rises])[0] == Verdict.INCONCLUSIVE
    assert judge([falls, falls], [rises, missing])[0] == Verdict.PARTLY
    assert trend("a", np.full((8, 4), np.nan), 1).levels[0].value is None
    assert trend("a", table(1.0, 0, num_units=2), 1).way == Way.MISSING


def test_estimators_that_order_noises_otherwise_do_not_agree() -> None:
    one, other = table(-1.0, 0, spread=0.01), table(-1.0, 1, spread=0.01)
    other[:, [1, 2]] = other[:, [2, 1]]
    trends = [trend("a", values, -1) for values in (one, other)]
    assert not agree(trends)
    rises = trend("c", table(1.0, 2), 1)
    found, reason = judge(trends, [rises, rises])
    assert found == Verdict.INCONCLUSIVE
    assert "differ in sign or order" in reason


def test_rank_correlation() -> None:
    rng = np.random.default_rng(0)
    left = table(-1.0, 0)
    same, opposite = (rank_correlation(left, sign * np.exp(left), rng) for sign in (1, -1))
    assert [same.value, same.low, opposite.value] == pytest.approx([1, 1, -1])
    nothing = rank_correlation(left, table(0.0, 3, spread=1.0), rng)
    assert nothing.low is not None
    assert nothing.high is not None
    assert nothing.low < 0 < nothing.high
    left[0, 0] = np.nan  # its pair is left out, the rest of the unit is not
    assert rank_correlation(left, np.where(np.isfinite(left), left, 9.0), rng).value == pytest.approx(1)
    assert rank_correlation(left, np.ones_like(left), rng).value is None
    left[2:] = np.nan
    assert rank_correlation(left, left, rng).value is None


def measured(slope: float, unit: int, place: int) -> Measured:
    rng = np.random.default_rng([unit, place])
    step = dict.fromkeys((LEVELS, INTEGRAL, GIBBS, ACCURACY, TRAINED), -1)
    step |= dict.fromkeys((COEFFICIENT, NEEDED, NEEDED_AT_RANDOM), 1)
    values: dict[str, float | None] = {
        name: 20 + slope * way * place + 0.05 * rng.normal() for name, way in step.items()
    }
    reasons = {}
    if (unit, place) == (0, 3):
        values[COEFFICIENT], reasons = None, {COEFFICIENT: "not available: the chains disagree"}
    return Measured(values, reasons)


def test_a_case_from_planted_measures() -> None:
    chosen = system("boolean-5", 4)
    units = [[measured(1.0, unit, place) for place in range(4)] for unit in range(8)]
    case, tables = case_of(chosen, NOISE, units, PASSED, seed=0)
    assert case.verdict == Verdict.SUPPORTED, case.reason
    assert (
        case.conditions["left out"]
        == f"draw 0, noise 100%: {COEFFICIENT}: not available: the chains disagree"
    )
    assert tables[LEVELS].shape == (8, 4)
    found = headline([case])
    assert found.value == pytest.approx(-3, abs=0.1)
    said = sentence([case])
    assert f"{LEVELS} falls in 1 and rises in 0 of 1 systems (means -3 to -3 nats)" in said
    assert f"{NEEDED} falls in 0 and rises in 1 of 1 systems" in said
    graph = correlations([case], {case.name: tables}, 0)
    assert graph.labels == [case.name, "all cases"]
    assert all(number.value is not None and number.value > 0.8 for number in graph.series["posterior"])
    wrong = case_of(chosen, NOISE, units, PASSED._replace(passed=False), seed=0)[0]
    assert (wrong.verdict, wrong.reason) == (Verdict.INCONCLUSIVE, "evidence against rejection: exact")
    against = [[measured(-1.0, unit, place) for place in range(4)] for unit in range(8)]
    assert case_of(chosen, NOISE, against, PASSED, seed=0)[0].verdict == Verdict.REFUTED


@pytest.mark.certify
def test_the_control_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    """Estimators that are a nat off do not pass."""
    chosen = system("boolean-5", 4)
    effort = Effort(200, 10, 200, 1, 1)
    good = evidence_control(jax.random.key(0), chosen, effort)
    assert good.passed, good.detail
    true = memorising_is_small.by_levels

    def off(key: jax.Array, target: object, effort: Effort) -> tuple[object, float | None]:
        particles, found = true(key, target, effort)  # type: ignore[arg-type]
        return particles, None if found is None else found + 1

    monkeypatch.setattr(memorising_is_small, "by_levels", off)
    assert not evidence_control(jax.random.key(0), chosen, effort).passed


def test_ways_there_and_back_must_agree() -> None:
    def found(back: float) -> FitEvidence:
        mean, there, again, gibbs = (Estimate(x, 0.1) for x in ((back - 9.0) / 2, -9.0, back, -12.0))
        return FitEvidence(mean, there, again, back + 9.0, gibbs)

    assert in_range(found(-9.9)) == (-9.45, "")
    assert in_range(found(-10.1))[0] is None
    assert in_range(found(-7.9))[0] is None


def test_presets_widen_intervals_and_keep_the_rule() -> None:
    assert set(SYSTEMS["full"]) == {"boolean-5", "boolean-7", "digits", "mnist-binary"}
    assert len(WIDTHS["full"]) == 2
    assert NOISES["quick"] == NOISES["full"] == NOISE
    assert all(min(effort) > 0 for effort in EFFORT.values())
    for word in ("SUPPORTED", "REFUTED", "PARTLY", "INCONCLUSIVE"):
        assert word in CLAIM.rule
