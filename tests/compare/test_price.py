"""The Price equation: exact for any numbers, right where it is known, and blind to chance."""

import numpy as np
import pytest
from scipy import stats

from compare import price_split, selection_slope

type Array = np.ndarray


def test_it_is_an_identity() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.gamma(0.3, size=(2, 50, 400))
    trait, later = rng.normal(size=(2, 50, 400)) * 10.0 ** rng.integers(-3, 4, size=(50, 1))
    found = price_split(before, after, trait, later)
    p, q = before / before.sum(-1, keepdims=True), after / after.sum(-1, keepdims=True)
    change = np.array(
        [np.average(later[i], weights=q[i]) - np.average(trait[i], weights=p[i]) for i in range(50)]
    )
    np.testing.assert_allclose(found.change, change, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.selection + found.transmission, change, rtol=1e-9, atol=1e-9)
    covariance = [np.cov(q[i] / p[i], trait[i], aweights=p[i], ddof=0)[0, 1] for i in range(50)]
    np.testing.assert_allclose(found.selection, covariance, rtol=1e-6, atol=1e-9)


def test_pure_selection_and_pure_transmission() -> None:
    rng = np.random.default_rng(1)
    before, trait = rng.gamma(2, size=100), rng.normal(size=100)
    sorted_out = price_split(before, before * (trait > 0), trait, trait)
    assert float(sorted_out.transmission) == pytest.approx(0, abs=1e-12)
    assert sorted_out.selection > 0
    moved = price_split(before, 3 * before, trait, trait + 0.7)
    assert (float(moved.selection), float(moved.transmission)) == pytest.approx((0, 0.7), abs=1e-12)


def test_the_slope_is_that_of_a_regression_on_both() -> None:
    rng = np.random.default_rng(2)
    before = rng.normal(size=300)
    trait = 0.6 * before + rng.normal(size=300)
    after = 0.5 * before - 0.3 * trait + rng.normal(size=300)
    x, y, z = map(stats.zscore, (before, after, trait))
    both = np.linalg.lstsq(np.stack([x, z], axis=1), y, rcond=None)[0]
    assert float(selection_slope(before, after, trait)) == pytest.approx(float(both[1]))
    assert selection_slope(np.stack([before] * 2), np.stack([after] * 2), trait).shape == (2,)
    assert np.isnan(selection_slope(before, after, 2 * before + 1))


def test_sizes_that_shrink_by_chance_are_not_selected() -> None:
    """Size and trait go together and large sizes shrink: 200 tries, false alarms of a 1 % test at most 8.

    The plain slope, which does not hold the size before, is fooled every time.
    """
    rng = np.random.default_rng(3)
    before = rng.normal(size=(200, 500))
    trait = before + rng.normal(size=before.shape)
    after = 0.5 * before + rng.normal(size=before.shape)
    slopes = selection_slope(before, after, trait)
    assert abs(slopes.mean()) < 3.5 * slopes.std(ddof=1) / np.sqrt(200)
    z = slopes / np.sqrt((1 - 0.2) / 500 / 0.5)  # var(after given before) 0.8, var(trait given before) 0.5
    assert (np.abs(z) > stats.norm.ppf(0.995)).sum() <= 8
    plain = np.array([np.corrcoef(*pair)[0, 1] for pair in zip(trait, after - before, strict=True)])
    assert (plain < 0).all()


def test_sizes_are_sizes() -> None:
    one = np.ones(2)
    with pytest.raises(
        ValueError, match=r"sizes before must not be negative .* least size of -1.0 .* counts"
    ):
        price_split(np.array([-1.0, 2.0]), one, one, one)
    with pytest.raises(ValueError, match=r"sizes after .* least sum of 0.0"):
        price_split(one, 0 * one, one, one)
