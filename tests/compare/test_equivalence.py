"""Two one-sided tests, Holm's correction, power: brute force and simulation."""

import itertools

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, norm

from compare import (
    Comparison,
    Distance,
    OneSided,
    Outcome,
    Sample,
    compare_samples,
    energy,
    holm,
    scalar_wasserstein,
)
from compare.equivalence import POWER, one_sided, outcomes, power


def test_holm_is_the_closed_test_of_bonferroni() -> None:
    """Adjusted p: the largest, over all sets with the hypothesis in it, of size times smallest p."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.uniform(0, 0.3, size=5)
        sets = [s for size in range(1, 6) for s in itertools.combinations(range(5), size)]
        closed = [max(min(1.0, len(s) * min(p[j] for j in s)) for s in sets if i in s) for i in range(5)]
        assert holm(p.tolist()) == pytest.approx(closed)
    assert holm([0.02, float("nan"), 0.03])[0] == pytest.approx(0.04)
    assert np.isnan(holm([0.02, float("nan")])[1])


def test_wrong_rejections_among_many_stay_below_the_level() -> None:
    """Five excesses exactly at their margin, dependent: any decision is wrong. 20,000 repetitions.

    At most 5 % of all sets, up to 4.5 standard errors; without correction it is more than twice that.
    """
    rng = np.random.default_rng(0)
    z = rng.normal(size=(6_000, 5)) + 0.5 * rng.normal(size=(6_000, 1))
    beyond = norm.cdf(z / np.sqrt(1.25))
    wrong = plain = 0
    for row in beyond:
        tests = [OneSided(float(p), float(1 - p)) for p in row]
        wrong += any(o != Outcome.INCONCLUSIVE for o in outcomes(tests))
        plain += any(min(t) <= 0.025 for t in tests)
    limit = 0.05 + 4.5 * np.sqrt(0.05 * 0.95 / 6_000)
    assert 0.015 < wrong / 6_000 < limit
    assert plain / 6_000 > 2 * limit


def test_the_tests_are_the_inversion_of_the_quantile_interval() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        excess = rng.gamma(2.0, size=1999) - rng.uniform(0, 4)
        low, high = np.quantile(excess, [0.025, 0.975])
        for gap in (-0.2, 0.2):
            assert (one_sided(excess, high + gap).equivalent <= 0.025) == (gap > 0)
            assert (one_sided(excess, low - gap).different <= 0.025) == (gap > 0)
    assert all(np.isnan(one_sided(np.array([0.1, np.nan]), 0.5)))
    assert all(np.isnan(one_sided(np.array([0.1, 0.2]), float("nan"))))


def test_power_of_a_folded_normal_distance_is_the_textbook_one() -> None:
    """|N(0, s)| under equal laws, N(d, s) under laws that differ in one direction."""
    s, margin = 0.3, 1.0
    values = np.abs(s * norm.ppf((np.arange(4000) + 0.5) / 4000))
    found = power(values, values, margin, 0.95, squared=False)
    within = margin - s * (norm.ppf(1 - 0.0125) - 2 * np.sqrt(2 / np.pi))  # mean of |N|, twice
    assert found.equivalent == pytest.approx(2 * norm.cdf(within / s) - 1, abs=2e-3)
    assert found.detectable == pytest.approx(margin + (norm.ppf(0.975) + norm.ppf(POWER)) * s, abs=5e-3)


def test_power_of_a_squared_distance_in_one_direction() -> None:
    """(d + N)^2 - 1 with N standard normal: s^2 = 2, variance 2 + 4 d^2, the bound with equality."""
    rng = np.random.default_rng(0)
    null, margin = rng.normal(size=200_000) ** 2 - 1, 3.0
    found = power(null, null, margin, 0.95, squared=True)
    excess = found.detectable
    needed = margin + (norm.ppf(0.975) + norm.ppf(POWER)) * np.sqrt(2 + 4 * excess)
    assert excess == pytest.approx(needed, rel=0.01)


def scored(rng: np.random.Generator, num: int, shift: float = 0.0, chains: int | None = None) -> Sample:
    """Networks with one standard normal number each."""
    units = np.arange(num)
    numbers = rng.normal(shift, 1.0, size=num)
    return Sample(numbers[:, None, None].astype(np.float32), units % (chains or num), {"score": numbers})


def compared(seed: int, distance: Distance, shift: float = 0.0) -> Comparison:
    rng = np.random.default_rng(seed)
    arms, reference = {"arm": scored(rng, 400, shift)}, scored(rng, 1600, chains=16)
    ceiling = scored(rng, 400, 1.2)
    return compare_samples(arms, reference, ceiling, [distance], seed=seed)["arm"][0]


@pytest.mark.parametrize("repeats", [8, pytest.param(200, marks=pytest.mark.certify)])
@pytest.mark.parametrize("distance", [scalar_wasserstein("score"), energy()], ids=["Wasserstein", "energy"])
def test_power_is_kept_and_the_smallest_detectable_difference_is_detected(
    distance: Distance, repeats: int
) -> None:
    """400 endpoints against 1,600 draws, one standard normal number each.

    Equal laws come out EQUIVALENT at least as often as said, those shifted by the smallest
    detectable excess come out DIFFERENT with probability 0.99, those at the margin at most with
    5 %; false alarm 1e-5 each. A shift c is a Wasserstein distance c, of which the floor is taken
    off; its energy distance is known in closed form and inverted by bisection.
    """

    def shifted(excess: float, floor: float) -> float:
        if distance != energy():
            return excess + floor
        across = lambda c: 2 * norm.pdf(c / np.sqrt(2)) * np.sqrt(2) + c * (1 - 2 * norm.cdf(-c / np.sqrt(2)))  # noqa: E731
        return float(brentq(lambda c: 1 - 2 / np.sqrt(np.pi) / across(c) - excess, 0, 5))

    equal = [compared(seed, distance) for seed in range(repeats)]
    said = float(np.mean([c.power.equivalent for c in equal]))
    seen = sum(c.outcome == Outcome.EQUIVALENT for c in equal)
    assert said > 0.5
    assert seen >= binom.ppf(1e-5, repeats, min(said, 0.9999))
    excess, margin, floor = (
        float(np.mean(values))
        for values in zip(*((c.power.detectable, c.margin, c.floor.mean) for c in equal), strict=True)
    )
    for one, lowest, highest in ((excess, POWER, 1.0), (margin, 0.0, 0.05)):
        found = [compared(1000 + seed, distance, shifted(one, floor)) for seed in range(repeats)]
        different = sum(c.outcome == Outcome.DIFFERENT for c in found)
        assert binom.ppf(1e-5, repeats, lowest) <= different <= binom.isf(1e-5, repeats, highest)
