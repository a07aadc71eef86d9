"""Rank correlation within strata: what lies between strata makes none, what lies within is found."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from compare.stratified import stratified_rank_correlation

type Array = np.ndarray


def confounded(rng: np.random.Generator, effect: float) -> tuple[Array, Array, Array]:
    """Two numbers driven by the stratum, and by each other with a strength of ``effect``."""
    strata = np.repeat(np.arange(20), 30)
    left = strata + rng.normal(size=600)
    return left, 3 * strata - effect * (left - strata) + rng.normal(size=600), strata


def test_one_stratum_gives_spearmans() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 50))
    found = stratified_rank_correlation(x, x + y, np.zeros(50, int))
    assert found.value == pytest.approx(spearmanr(x, x + y).statistic)


def test_strata_alone_correlate_nothing_and_an_effect_within_is_found() -> None:
    """99 % intervals hold zero in 400 null repetitions but for 4, at most 14 with probability 1 - 1e-5."""
    rng = np.random.default_rng(0)
    missed, detected = 0, 0
    for _ in range(400):
        left, right, strata = confounded(rng, 0.0)
        assert spearmanr(left, right).statistic > 0.9
        null = stratified_rank_correlation(left, right, strata)
        planted = stratified_rank_correlation(*confounded(rng, 0.3))
        assert None not in (null.low, null.high, planted.high)
        missed += not null.low <= 0 <= null.high  # type: ignore[operator]
        detected += planted.high < 0  # type: ignore[operator]
    assert missed <= 14
    assert detected >= 396  # power at least 0.99


def test_little_or_constant_data_give_no_value() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(2, 40))
    assert stratified_rank_correlation(left, right, np.arange(40) // 2).value is None  # strata of two
    assert stratified_rank_correlation(left, np.ones(40), np.zeros(40, int)).value is None
    with pytest.raises(ValueError, match="one value an item"):
        stratified_rank_correlation(left, right[:5], np.zeros(40, int))
