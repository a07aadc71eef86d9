"""Distances against closed forms, brute force and their own symmetries."""

import itertools

import numpy as np
import pytest
from scipy.special import gamma
from scipy.stats import norm

from compare import (
    Distance,
    Kernel,
    Numbers,
    Sample,
    averaged_disagreement,
    averaged_total_variation,
    chance_agreement,
    energy,
    maximum_mean_discrepancy,
    sliced_wasserstein,
)
from compare.distances import predictions
from compare.tables import Means, Orders, Pairs, pairwise_distances

AVERAGED = [averaged_total_variation(), averaged_disagreement()]
DISTANCES = [energy(), maximum_mean_discrepancy(), sliced_wasserstein(), *AVERAGED]


def _evaluate(
    distance: Distance, left: np.ndarray, right: np.ndarray, *, reference: str = "right", most: int = 4096
) -> float:
    samples = {
        name: Sample(np.asarray(networks, np.float32), np.arange(len(networks)))
        for name, networks in {"left": left, "right": right}.items()
    }
    everyone = [np.arange(len(networks))[None] for networks in (left, right)]
    match distance.sees:
        case Numbers() as numbers:
            orders = Orders(samples, numbers, reference=reference, seed=0, most=10**8)
            (seen,) = orders.seen([numbers], "left", everyone[0], "right", everyone[1])
        case Kernel() as kernel:
            pairs = Pairs(samples, reference=reference, seed=0, most=most)
            (seen,) = pairs.seen([kernel], "left", everyone[0], "right", everyone[1])
        case feature:
            means = Means(samples, [feature])
            (seen,) = means.seen([feature], "left", everyone[0], "right", everyone[1])
    return float(distance.between(*seen)[0])


def _networks(seed: int, num: int, sharpness: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(3) / sharpness, size=(num, 6))


def test_energy_equals_the_closed_form_between_gaussians() -> None:
    """X ~ N(0,1), Y ~ N(1,1): E|X-Y| is a folded normal mean, E|X-X'| = 2/sqrt(pi).

    With 4,000 draws a side the standard error of the coefficient is 0.003 (measured by
    repetition); six of them give a false-alarm rate below 1e-8.
    """
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4000, 1, 1)), rng.normal(1.0, 1.0, size=(4000, 1, 1))
    across = 2 * norm.pdf(1 / np.sqrt(2)) * np.sqrt(2) + (1 - 2 * norm.cdf(-1 / np.sqrt(2)))
    exact = (2 * across - 4 / np.sqrt(np.pi)) / (2 * across)
    assert _evaluate(energy(), x, y) == pytest.approx(exact, abs=0.018)


def test_energy_equals_a_double_loop() -> None:
    left, right = _networks(0, 5), _networks(1, 7, 3.0)

    def mean_distance(a: np.ndarray, b: np.ndarray, same: bool) -> float:
        pairs = itertools.permutations(range(len(a)), 2) if same else np.ndindex(len(a), len(b))
        return float(np.mean([np.sqrt(np.sum((a[i] - b[j]) ** 2) / 6) for i, j in pairs]))

    across = mean_distance(left, right, same=False)
    within = mean_distance(left, left, same=True) + mean_distance(right, right, same=True)
    assert _evaluate(energy(), left, right) == pytest.approx((2 * across - within) / (2 * across), abs=1e-5)


def _normal_pair(num: int, shift: float, scale: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(num, 1, 1)), rng.normal(shift, scale, size=(num, 1, 1))


@pytest.mark.parametrize(("shift", "scale"), [(1.0, 1.0), (0.5, 2.0), (0.0, 1.0)])
def test_maximum_mean_discrepancy_equals_the_closed_form_between_gaussians(
    shift: float, scale: float
) -> None:
    """X ~ N(0,1), Y ~ N(c,s^2): E k(X,Y) = w / sqrt(w^2 + 1 + s^2) exp(-c^2 / 2(w^2 + 1 + s^2)).

    The width w is the median of |Y - Y'|, sqrt(2) s times the upper quartile of a normal law.
    With 4,000 draws a side the standard error is below 0.004 (measured by repetition); five
    of them give a false-alarm rate below 1e-6.
    """
    width = np.sqrt(2) * scale * norm.ppf(0.75)

    def kernel(mean: float, variance: float) -> float:
        whole = width**2 + variance
        return float(width / np.sqrt(whole) * np.exp(-(mean**2) / (2 * whole)))

    exact = kernel(0, 2) + kernel(0, 2 * scale**2) - 2 * kernel(shift, 1 + scale**2)
    found = _evaluate(maximum_mean_discrepancy(), *_normal_pair(4000, shift, scale))
    assert found == pytest.approx(exact, abs=0.02)


def test_maximum_mean_discrepancy_equals_a_double_loop() -> None:
    left, right = _networks(0, 5), _networks(1, 7, 3.0)
    distance = lambda x, y: np.sqrt(np.sum((x - y) ** 2) / 6)  # noqa: E731
    width = np.median([distance(x, y) for x, y in itertools.combinations(right, 2)])
    kernel = lambda x, y: np.exp(-(distance(x, y) ** 2) / (2 * width**2))  # noqa: E731
    across = np.mean([kernel(x, y) for x in left for y in right])
    within = [np.mean([kernel(x, y) for x, y in itertools.combinations(s, 2)]) for s in (left, right)]
    found = _evaluate(maximum_mean_discrepancy(), left, right)
    assert found == pytest.approx(sum(within) - 2 * across, abs=1e-5)


@pytest.mark.parametrize(("shift", "scale"), [(1.0, 1.0), (0.0, 2.0)])
def test_sliced_wasserstein_equals_the_closed_form_between_gaussians(shift: float, scale: float) -> None:
    """In six probes and one class: shifted alike in all, or scaled about the same mean.

    A shift c of length sqrt(6) c moves every projection by |<u, c>|, on average
    sqrt(6) c E|u_1|, E|u_1| = Gamma(3) / (sqrt(pi) Gamma(7/2)); a scale s by |s - 1| E|N(0,1)|; all
    over sqrt(6). With 4,000 draws sampling errs by less than 0.005 (measured by repetition);
    1,000 directions err by 0.23 / sqrt(1000) = 0.007 in the first case: tolerance 4.5 of them.
    """
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(2, 4_000, 6, 1))
    mean_entry = gamma(3) / (np.sqrt(np.pi) * gamma(3.5))
    exact = shift * mean_entry + abs(scale - 1) * np.sqrt(2 / np.pi) / np.sqrt(6)
    found = _evaluate(sliced_wasserstein(1000 if shift else 50, seed=1), left, shift + scale * right)
    assert found == pytest.approx(exact, abs=0.035 if shift else 0.02)


def test_energy_is_unbiased_under_equal_laws() -> None:
    """Mean of 200 repetitions within 4.5 standard errors of zero: false alarm below 1e-5."""
    values = [_evaluate(energy(), _networks(2 * r, 12), _networks(2 * r + 1, 12)) for r in range(200)]
    assert abs(np.mean(values)) < 4.5 * np.std(values) / np.sqrt(200)
    assert min(values) < 0 < max(values)


def test_total_variation_of_one_hot_against_uniform_is_the_published_floor() -> None:
    one_hot = np.broadcast_to(np.eye(10)[:1], (3, 4, 10))
    assert _evaluate(averaged_total_variation(), one_hot, np.full((3, 4, 10), 0.1)) == pytest.approx(0.9)


@pytest.mark.parametrize("distance", DISTANCES, ids=lambda d: d.name)
def test_distances_are_symmetric_and_blind_to_order(distance: Distance) -> None:
    left, right = _networks(0, 8), _networks(1, 9, 4.0)
    value = _evaluate(distance, left, right)
    assert value == pytest.approx(_evaluate(distance, right, left, reference="left"), abs=1e-6)
    order = np.random.default_rng(0).permutation(8)
    assert value == pytest.approx(_evaluate(distance, left[order], right), abs=1e-6)


@pytest.mark.parametrize("distance", [sliced_wasserstein(), *AVERAGED], ids=lambda d: d.name)
def test_distances_without_correction_vanish_on_identical_samples(distance: Distance) -> None:
    same = _networks(0, 8)
    assert _evaluate(distance, same, same) == pytest.approx(0, abs=1e-6)


def test_chance_agreement_is_what_independent_predictors_show() -> None:
    """100,000 probes: standard error below 0.0016, tolerance 4.5 of them."""
    rng = np.random.default_rng(0)

    def predict(accuracy: float) -> np.ndarray:
        wrong = rng.integers(1, 10, 100_000)
        return np.where(rng.random(100_000) < accuracy, 0, wrong)

    agreement = np.mean(predict(0.8) == predict(0.6))
    assert agreement == pytest.approx(chance_agreement(0.8, 0.6, 10), abs=0.0072)


def test_pairwise_distances_keep_precision_far_from_the_origin() -> None:
    far = np.float32(1000) + np.array([[[0.0]], [[1.0]], [[3.0]]], np.float32)
    found = pairwise_distances(far, far)
    assert np.allclose(found, [[0, 1, 3], [1, 0, 2], [3, 2, 0]], atol=1e-4)


def test_means_see_everyone() -> None:
    samples = {"many": Sample(_networks(0, 40), np.arange(40)), "few": Sample(_networks(1, 9), np.arange(9))}
    everyone = np.arange(40)[None]
    ((left, _),) = Means(samples, [predictions]).seen([predictions], "many", everyone, "few", everyone[:, :9])
    assert np.allclose(left[0], samples["many"].probabilities.mean(0), atol=1e-6)
