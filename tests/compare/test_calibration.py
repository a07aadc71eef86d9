"""Calibration against brute force, known errors and its own bias."""

import numpy as np
import pytest

from compare import (
    brier_score,
    calibration_error,
    calibration_floor,
    hypercube_neighbours,
    of_functions,
)
from compare import sensitivity as sensitivity_of


def test_both_equal_a_loop() -> None:
    rng = np.random.default_rng(0)
    p, y = rng.dirichlet(np.ones(3), size=(2, 4, 23)), rng.integers(0, 3, 23)
    for chain in range(2):
        for draw in range(4):
            rows = p[chain, draw]
            errors = [
                sum((q - (c == t)) ** 2 for c, q in enumerate(row)) for row, t in zip(rows, y, strict=True)
            ]
            assert brier_score(p, y)[chain, draw] == pytest.approx(np.mean(errors))
            ranked = sorted(range(23), key=lambda x: rows[x].max())
            total, start = 0.0, 0
            for b in range(5):
                stop = (b + 1) * 23 // 5
                members = ranked[start:stop]
                total += abs(sum(rows[x].max() - (rows[x].argmax() == y[x]) for x in members))
                start = stop
            assert calibration_error(p, y, num_bins=5)[chain, draw] == pytest.approx(total / 23)


def test_a_network_that_says_too_much_by_a_known_amount() -> None:
    """It says 0.9 and is right on 700 of 1,000 probes, in every bin alike."""
    p = np.tile([0.9, 0.1], (1000, 1))
    targets = np.where(np.arange(1000) % 10 < 7, 0, 1)
    assert calibration_error(p, targets) == pytest.approx(0.2)
    assert brier_score(p, targets) == pytest.approx(0.7 * 2 * 0.01 + 0.3 * 2 * 0.81)


@pytest.mark.parametrize("num_probes", [100, 1000])
def test_the_floor_is_the_error_of_a_calibrated_network(num_probes: int) -> None:
    """4,000 sets of labels drawn from the network's own probabilities.

    The normal law of a bin's sum is within 3 % for bins of 10; the simulation errs by 0.5 %.
    """
    rng = np.random.default_rng(0)
    p = rng.dirichlet([2.0, 2.0], size=num_probes)
    targets = (rng.random((4000, num_probes)) > p[:, 0]).astype(int)
    errors = [calibration_error(p, labels) for labels in targets]
    assert np.mean(errors) == pytest.approx(float(calibration_floor(p)), rel=0.04)


def test_more_bins_than_probes_are_refused() -> None:
    with pytest.raises(ValueError, match="10 bins of equal mass need as many probes, got 4"):
        calibration_error(np.full((4, 2), 0.5), np.zeros(4, int))


def test_sensitivity_of_known_functions() -> None:
    """Parity changes with every bit, a constant with none, one bit alone with one in n.

    Majority of three: 6 of 12 edges.
    """
    strings = (np.arange(8)[:, None] >> np.arange(3)[::-1]) & 1
    functions = np.stack([strings.sum(1) % 2, np.ones(8, int), strings[:, 0], strings.sum(1) >= 2])
    edges = hypercube_neighbours(3)
    assert sorted(map(tuple, edges.tolist())) == sorted(
        (a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1
    )
    assert sensitivity_of(functions, edges) == pytest.approx([1, 0, 1 / 3, 1 / 2])
    assert sensitivity_of(functions.reshape(2, 2, 8), edges).shape == (2, 2)
    with pytest.raises(ValueError, match=r"\(pair, 2\), got shape \(8,\)"):
        sensitivity_of(functions, np.arange(8))


def test_a_measure_is_computed_once_for_each_function() -> None:
    labels = np.random.default_rng(0).integers(0, 2, size=(5, 40, 3))
    calls = []

    def measure(string: np.ndarray) -> float:
        calls.append(string)
        return float(string @ [4, 2, 1])

    assert np.array_equal(of_functions(labels, measure), labels @ [4, 2, 1])
    assert len(calls) == 8
