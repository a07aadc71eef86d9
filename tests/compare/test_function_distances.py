"""Distances between function histograms: closed forms, published floors, exact nulls."""

import itertools

import numpy as np
import pytest
from scipy.stats import entropy, spearmanr

from compare import FunctionCounts, compare_functions, jensen_shannon, rank_correlation, total_variation
from compare.function_distances import aligned, approximate_floor, floor_of_draws, floor_of_law


def histogram(counts: np.ndarray | list[int], first: int = 0) -> FunctionCounts:
    """Counts of functions with consecutive numbers of two bytes; zeros are functions not seen."""
    values = np.asarray(counts)
    packed = (first + np.arange(len(values))).astype(">u2")[:, None].view(np.uint8)
    return FunctionCounts(packed[values > 0], values[values > 0])


def test_distances_against_their_definitions() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        p, q = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(6))
        events = [list(e) for r in range(7) for e in itertools.combinations(range(6), r)]
        assert total_variation(p, q) == pytest.approx(max(p[e].sum() - q[e].sum() for e in events))
        middle = (p + q) / 2
        expected = (entropy(p, middle, base=2) + entropy(q, middle, base=2)) / 2
        assert jensen_shannon(p, q) == pytest.approx(expected)
        assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p))
    for measure in (total_variation, jensen_shannon):
        assert measure(p, p) == 0
        assert measure(np.array([0.3, 0.7, 0, 0]), np.array([0, 0, 0.5, 0.5])) == pytest.approx(1)


def test_alignment_pairs_the_same_functions() -> None:
    a, b = aligned(histogram([5, 0, 2]), histogram([1, 4], first=2))
    assert a.tolist() == [5, 2, 0]
    assert b.tolist() == [0, 1, 4]
    with pytest.raises(ValueError, match=r"one number of bytes are needed, got \[1, 2\]"):
        aligned(histogram([1]), FunctionCounts(np.array([[1]], np.uint8), np.array([1])))


@pytest.mark.parametrize(
    ("num_functions", "num_draws", "mean", "percentile"),
    [(256, 1000, 0.279, 0.301), (256, 8192, 0.099, None), (65536, 4096, 0.941, None)],
)
def test_floors_of_uniform_laws_equal_the_simulated_values(
    num_functions: int, num_draws: int, mean: float, percentile: float | None
) -> None:
    """Values known to three digits; 100 simulations have a standard error below 0.0015."""
    law = np.full(num_functions, 1 / num_functions)
    floor = floor_of_law(law, num_draws, num_draws, seed=0, num_resamples=100, level=0.9)
    assert floor.mean == pytest.approx(mean, abs=0.004)
    if percentile is not None:
        assert floor.high == pytest.approx(percentile, abs=0.006)
    if num_functions < num_draws:
        assert approximate_floor(num_functions, num_draws, num_draws) == pytest.approx(mean, rel=0.03)


@pytest.mark.parametrize("num_functions", [50, 65536])
def test_dealing_out_the_pooled_draws_gives_the_floor_of_the_law(num_functions: int) -> None:
    """Also where most functions were never seen, where resampling seen ones would come out too low."""
    law = np.full(num_functions, 1 / num_functions)
    rng = np.random.default_rng(1)
    sample = histogram(rng.multinomial(3000, law))
    dealt = floor_of_draws(sample, 1000, 2000, seed=2, num_resamples=100)
    exact = floor_of_law(law, 1000, 2000, seed=3, num_resamples=100)
    assert dealt.mean == pytest.approx(exact.mean, abs=0.02)
    smaller = floor_of_draws(sample, 500, 500, seed=2, num_resamples=100)
    assert smaller.mean == pytest.approx(
        floor_of_law(law, 500, 500, seed=4, num_resamples=100).mean, abs=0.02
    )
    with pytest.raises(
        ValueError, match="a floor at sizes 2000 and 2000 needs as many draws together, got 3000"
    ):
        floor_of_draws(sample, 2000, 2000, seed=0)


def test_p_values_are_uniform_under_equal_laws_and_small_under_others() -> None:
    """300 repetitions: Kolmogorov distance below the DKWM bound at 1e-5, allowing for 1/100 steps.

    Power: a law tilted by a total variation of 0.12 is found in every one of 20 samples.
    """
    rng, law = np.random.default_rng(5), np.array([0.4, 0.3, 0.2, 0.1])
    tilted = np.array([0.28, 0.3, 0.2, 0.22])

    def p_value(other: np.ndarray, seed: int) -> float:
        left, right = histogram(rng.multinomial(600, law)), histogram(rng.multinomial(900, other))
        return compare_functions(left, right, seed=seed, num_resamples=99).p_value

    values = np.sort([p_value(law, seed) for seed in range(300)])
    grid = np.arange(1, 101) / 100
    gap = np.abs(np.searchsorted(values, grid, side="right") / 300 - grid).max()
    assert gap < np.sqrt(np.log(2 / 1e-5) / 600) + 0.01
    assert max(p_value(tilted, seed) for seed in range(20)) == 0.01


@pytest.mark.parametrize("measure", [total_variation, jensen_shannon])
def test_excess_is_the_distance_of_the_laws_where_functions_are_few(
    measure: object,
) -> None:
    """Laws with a known distance, 20,000 draws of 4 functions: 60 of 60 intervals near, 52 cover.

    A 95 % interval covers 57 of 60 on average; fewer than 48 has probability below 1e-5.
    """
    assert callable(measure)
    p, q = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.2, 0.4, 0.1, 0.3])
    rng, truth, covered = np.random.default_rng(6), measure(p, q), 0
    for seed in range(60):
        left, right = histogram(rng.multinomial(20_000, p)), histogram(rng.multinomial(20_000, q))
        result = compare_functions(left, right, measure, seed=seed, num_resamples=100)
        assert result.distance.mean == pytest.approx(truth, abs=0.02)
        assert result.excess.mean == pytest.approx(result.distance.mean - result.floor.mean)
        covered += result.distance.low <= truth <= result.distance.high
        assert (result.num_left, result.num_right) == (20_000, 20_000)
    assert covered >= 48


def test_rank_correlation_equals_scipy_on_functions_seen_by_both() -> None:
    rng = np.random.default_rng(7)
    a, b = rng.integers(0, 50, 40), rng.integers(0, 50, 40)
    a[:5], b[5:9] = 0, 0
    both = (a > 0) & (b > 0)
    result = rank_correlation(histogram(a), histogram(b))
    assert result.value == pytest.approx(spearmanr(np.log(a[both]), np.log(b[both])).statistic)
    assert result.num_functions == both.sum()
    assert result.mass_left == pytest.approx(a[both].sum() / a.sum())
    assert result.mass_right == pytest.approx(b[both].sum() / b.sum())
    assert result.low is not None
    assert result.high is not None
    assert result.value is not None
    assert result.low < result.value < result.high


def test_rank_correlation_interval_covers_the_correlation_of_the_laws() -> None:
    """Independent log-normal laws over 60 functions, many draws: the truth is zero in the population.

    200 repetitions at 95 %: fewer than 175 covering has probability below 1e-5.
    """
    rng, covered = np.random.default_rng(8), 0
    for _ in range(200):
        laws = np.exp(rng.normal(size=(2, 60)))
        left, right = (histogram(rng.multinomial(100_000, law / law.sum())) for law in laws)
        result = rank_correlation(left, right)
        assert result.low is not None
        assert result.high is not None
        covered += result.low <= 0 <= result.high
    assert covered >= 175


def test_rank_correlation_of_too_little_is_none() -> None:
    assert rank_correlation(histogram([5, 3, 1]), histogram([5, 3, 1])).value is None
    assert rank_correlation(histogram([5, 5, 5, 5, 5]), histogram([5, 4, 3, 2, 1])).value is None
    disjoint = rank_correlation(histogram([5, 3, 1, 2]), histogram([5, 3, 1, 2], first=9))
    assert disjoint == (None, None, None, 0, 0.0, 0.0)
