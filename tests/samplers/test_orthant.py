"""Gaussian orthant probabilities against the closed forms of two and three coordinates, and brute force."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from samplers.orthant import by_integration, by_rejection, by_weighting, conditioning

THREE = np.array([[2.0, 0.9, -0.4], [0.9, 1.0, 0.3], [-0.4, 0.3, 0.5]])


def exact_of_three(covariance: np.ndarray) -> float:
    """(1/8 + sum arcsin / 4 pi) / (1/4 + arcsin / 2 pi), the orthants of three and of two (Sheppard 1899)."""
    scale = np.sqrt(np.diag(covariance))
    angles = np.arcsin(covariance / scale[:, None] / scale[None])
    whole = 1 / 8 + (angles[0, 1] + angles[0, 2] + angles[1, 2]) / (4 * np.pi)
    return float(whole / (1 / 4 + angles[0, 1] / (2 * np.pi)))


def exact_of_equal(correlation: float, size: int) -> float:
    """All pairs correlated alike: one integral over the common part, for size and size - 1."""

    def orthant(size: int) -> float:
        ratio = np.sqrt(correlation / (1 - correlation))
        return float(quad(lambda z: norm.pdf(z) * norm.cdf(ratio * z) ** size, -12, 12, epsabs=1e-13)[0])

    return orthant(size) / orthant(size - 1)


def equal(correlation: float, size: int) -> np.ndarray:
    return np.full((size, size), correlation) + (1 - correlation) * np.eye(size)


@pytest.mark.parametrize(
    ("covariance", "exact"),
    [(THREE, exact_of_three(THREE)), (equal(0.5, 9), 9 / 10), (equal(0.9, 17), exact_of_equal(0.9, 17))],
    ids=["three", "nine, one half", "seventeen, nine tenths"],
)
def test_closed_forms(covariance: np.ndarray, exact: float) -> None:
    """Intervals of level 0.99999: a false alarm in 1e-5 of seeds. Integration is right to 2e-4 throughout."""
    integrated = by_integration(covariance, seed=0, level=0.99999)
    rejected = by_rejection(covariance, seed=0, num=1 << 17, level=0.99999)
    assert abs(integrated.value - exact) < 2e-4
    assert integrated.low - 1e-9 <= exact <= integrated.high + 1e-9
    assert rejected.low <= exact <= rejected.high
    assert rejected.high - rejected.low < 0.02


def test_one_half_for_equal_correlations_of_one_half() -> None:
    assert exact_of_equal(0.5, 9) == pytest.approx(9 / 10, abs=1e-10)  # the orthant of n is 1 / (n + 1)


def test_weighting_against_quadrature_and_its_limits() -> None:
    covariance = np.array([[4.0, 1.2], [1.2, 1.0]])

    def quadrature(beta: float) -> float:
        def integral(weight: bool) -> float:
            slope, spread = 1.2 / 4, np.sqrt(1 - 1.2**2 / 4)
            return float(
                quad(
                    lambda f: (
                        norm.pdf(f, scale=2)
                        * (1 + np.exp(-f)) ** -beta
                        * (norm.cdf(slope * f / spread) if weight else 1)
                    ),
                    -16,
                    16,
                )[0]
            )

        return integral(True) / integral(False)

    for beta in (0.0, 1.0, 5.0):
        found = by_weighting(covariance, inverse_temperature=beta, seed=1, num=1 << 16, level=0.99999)
        assert found.low <= quadrature(beta) <= found.high
        assert found.high - found.low < 0.03
    assert by_weighting(covariance, inverse_temperature=0.0, seed=1, num=1000).num == 1000


def test_what_cannot_be_computed_is_refused() -> None:
    singular = np.ones((3, 3)) + 1e-13 * np.eye(3)
    for covariance, says in (
        (singular, "singular to working precision"),
        (np.eye(1), "at least two rows"),
        (np.array([[1.0, 0.2], [0.3, 1.0]]), "symmetric"),
        (np.array([[1.0, 0.2], [0.2, -1.0]]), "singular"),
    ):
        with pytest.raises(ValueError, match=says):
            by_rejection(covariance, seed=0, num=10)
        with pytest.raises(ValueError, match=says):
            by_integration(covariance, seed=0)
    with pytest.raises(ValueError, match="repeats"):
        by_integration(np.eye(2), seed=0, repeats=1)
    with pytest.raises(ValueError, match="draw more"):
        by_rejection(equal(0.01, 60), seed=0, num=10)
    assert conditioning(np.diag([1.0, 1e-3])) == pytest.approx(1e-3 / (2 * np.finfo(float).eps))
