"""Confidently wrong and divergence from uniform, by brute force and by hand."""

from itertools import product

import numpy as np
import pytest

from compare import confidently_wrong, divergence_from_uniform, log_score


def test_confidently_wrong_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(3, 0.2), size=(4, 5, 30))
    targets = rng.integers(3, size=30)
    found = confidently_wrong(probabilities, targets, 0.8)
    assert found.shape == (4, 5)
    for place in np.ndindex(4, 5):
        rows = zip(probabilities[place], targets, strict=True)
        count = sum(row.argmax() != y and row.max() > 0.8 for row, y in rows)
        assert found[place] == pytest.approx(count / 30)
    assert found.max() > 0.3  # the planted law is wrong often enough to see


def test_the_divergence_is_the_excess_over_all_labellings() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(3), size=4)
    every = [-log_score(probabilities, np.array(labels)) for labels in product(range(3), repeat=4)]
    assert divergence_from_uniform(probabilities) == pytest.approx(np.mean(every) - np.log(3))


def test_certainty_stays_finite_and_no_opinion_is_zero() -> None:
    assert np.isfinite(divergence_from_uniform(np.eye(3)))
    assert divergence_from_uniform(np.full((5, 4), 0.25)) == pytest.approx(0, abs=1e-12)


def test_a_threshold_that_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match=r"from 0 to 1, got 90"):
        confidently_wrong(np.eye(2), np.zeros(2, int), 90)
