"""Behaviours against brute force and closed forms."""

import numpy as np
from scipy.stats import norm

from compare import accuracy, binned_predictive, confidence, entropy, labels, log_score, scalars


def _probabilities(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(4), size=(2, 3, 5))


def test_every_behaviour_equals_a_loop() -> None:
    p, y = _probabilities(), np.array([0, 1, 2, 3, 0])
    for chain in range(2):
        for draw in range(3):
            rows = p[chain, draw]
            assert labels(p)[chain, draw].tolist() == [int(np.argmax(row)) for row in rows]
            assert np.isclose(
                accuracy(p, y)[chain, draw],
                np.mean([np.argmax(row) == t for row, t in zip(rows, y, strict=True)]),
            )
            assert np.isclose(
                log_score(p, y)[chain, draw],
                np.mean([np.log(row[t]) for row, t in zip(rows, y, strict=True)]),
            )
            assert np.isclose(confidence(p)[chain, draw], np.mean([row.max() for row in rows]))
            assert np.isclose(
                entropy(p)[chain, draw], np.mean([-sum(q * np.log(q) for q in row) for row in rows])
            )


def test_a_certain_wrong_answer_keeps_the_log_score_finite() -> None:
    p = np.array([[1.0, 0.0]], np.float32)
    assert np.isfinite(log_score(p, np.array([1])))
    assert entropy(p) == 0


def test_scalars_keep_leading_axes() -> None:
    found = scalars(_probabilities(), np.zeros(5, int))
    assert {value.shape for value in found.values()} == {(2, 3)}


def test_binned_predictive_is_the_normal_law() -> None:
    mean = np.array([[0.3, -1.0]])
    edges = np.linspace(-2, 2, 9)
    binned = binned_predictive(mean, 0.5, edges)
    assert binned.shape == (1, 2, 10)
    assert np.allclose(binned.sum(-1), 1)
    assert np.isclose(binned[0, 1, 0], norm.cdf(-2, -1.0, 0.5))
    assert np.isclose(binned[0, 0, 5], norm.cdf(0.5, 0.3, 0.5) - norm.cdf(0, 0.3, 0.5))
