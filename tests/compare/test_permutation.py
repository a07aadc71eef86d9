"""Permutation p-values: uniform under equal laws, small where laws differ, exact by enumeration."""

import itertools

import numpy as np
import pytest

from compare import (
    Distance,
    Sample,
    averaged_total_variation,
    energy,
    maximum_mean_discrepancy,
    permutation_test,
)

DISTANCES = [energy(), maximum_mean_discrepancy()]


def sample(networks: np.ndarray, draws: int = 1) -> Sample:
    return Sample(networks.astype(np.float32), np.arange(len(networks)) // draws)


def kolmogorov_gap(p_values: np.ndarray, steps: int) -> float:
    """Largest gap between the distribution of p-values and ``k / steps`` on the grid of steps."""
    grid = np.arange(1, steps + 1) / steps
    shares = np.searchsorted(np.sort(p_values), grid + 1e-12, side="right") / len(p_values)
    return float(np.abs(shares - grid).max())


def bound(repeats: int) -> float:
    """The gap exceeds this with probability at most 1e-5 (Massart 1990)."""
    return float(np.sqrt(np.log(2 / 1e-5) / (2 * repeats)))


def uniform_gap(distance: Distance, repeats: int, size: tuple[int, int], draws: int, most: int) -> float:
    """Chains of a few draws that share an offset, so draws as units would be far from exact."""
    rng = np.random.default_rng(0)
    p_values = np.empty(repeats)
    for r in range(repeats):
        left, right = (
            np.repeat(rng.normal(size=(n, 1, 1)), draws, axis=0) + 0.3 * rng.normal(size=(n * draws, 2, 1))
            for n in size
        )
        found = permutation_test(
            sample(left, draws), sample(right, draws), distance, seed=r, num_permutations=19, most=most
        )
        p_values[r] = found.p_value
    return kolmogorov_gap(p_values, 20)


@pytest.mark.parametrize(("distance", "repeats"), [(energy(), 10_000), (maximum_mean_discrepancy(), 2_000)])
def test_p_values_are_uniform_under_equal_laws(distance: Distance, repeats: int) -> None:
    """6 seeds against 5; false alarm 1e-5; with 10,000 a share below 5 % that is really 8 % is seen."""
    assert uniform_gap(distance, repeats, (6, 5), draws=1, most=8192) < bound(repeats)


@pytest.mark.parametrize(("draws", "most"), [(3, 8192), (1, 7)])
def test_p_values_are_uniform_with_whole_chains_and_within_groups(draws: int, most: int) -> None:
    assert uniform_gap(energy(), 1_000, (7, 6), draws, most) < bound(1_000)


@pytest.mark.certify
@pytest.mark.parametrize("distance", DISTANCES, ids=lambda d: d.name)
@pytest.mark.parametrize(
    ("size", "draws", "most"), [((6, 5), 1, 8192), ((40, 60), 1, 8192), ((12, 9), 4, 8192), ((60, 50), 1, 25)]
)
def test_p_values_are_uniform_at_larger_sizes(
    distance: Distance, size: tuple[int, int], draws: int, most: int
) -> None:
    assert uniform_gap(distance, 10_000, size, draws, most) < bound(10_000)


def test_draws_of_chains_taken_as_units_would_not_be_uniform() -> None:
    """The test above sees what it is there to see: one offset a chain, draws dealt out singly."""
    rng = np.random.default_rng(0)
    p_values = []
    for r in range(300):
        left, right = (
            np.repeat(rng.normal(size=(6, 1, 1)), 5, axis=0) + 0.3 * rng.normal(size=(30, 2, 1)) for _ in "ab"
        )
        found = permutation_test(sample(left), sample(right), energy(), seed=r, num_permutations=19)
        p_values.append(found.p_value)
    assert kolmogorov_gap(np.array(p_values), 20) > bound(300)


@pytest.mark.parametrize("distance", DISTANCES, ids=lambda d: d.name)
def test_the_p_value_equals_the_share_of_all_deals(distance: Distance) -> None:
    """All 70 deals of 4 against 4, statistics by double loops; 20,000 random deals err by 0.004."""
    rng = np.random.default_rng(3)
    pooled = np.concatenate([rng.normal(size=(4, 2)), rng.normal(0.8, 1.0, size=(4, 2))])
    gaps = np.linalg.norm(pooled[:, None] - pooled[None], axis=-1) / np.sqrt(2)
    width = np.median(gaps[np.triu_indices(8, 1)])
    kernel = gaps if distance == energy() else np.exp(-(gaps**2) / (2 * width**2))

    def statistic(chosen: tuple[int, ...]) -> float:
        rest = [i for i in range(8) if i not in chosen]
        across = np.mean([kernel[i, j] for i in chosen for j in rest])
        within = [np.mean([kernel[i, j] for i, j in itertools.permutations(s, 2)]) for s in (chosen, rest)]
        return float(distance.between(across, *within))

    values = np.array([statistic(chosen) for chosen in itertools.combinations(range(8), 4)])
    observed = statistic((0, 1, 2, 3))
    left, right = (sample(half.reshape(4, 2, 1)) for half in (pooled[:4], pooled[4:]))
    found = permutation_test(left, right, distance, seed=0, num_permutations=20_000)
    assert found.statistic == pytest.approx(observed, abs=1e-5)
    assert found.p_value == pytest.approx(np.mean(values >= observed - 1e-9), abs=0.018)


@pytest.mark.parametrize("distance", DISTANCES, ids=lambda d: d.name)
@pytest.mark.parametrize("most", [8192, 100])
def test_different_laws_have_the_smallest_p_value(distance: Distance, most: int) -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(2, 150, 2, 1))
    for other in (right + 0.8, 2.5 * right):
        found = permutation_test(
            sample(left), sample(other), distance, seed=0, num_permutations=199, most=most
        )
        assert found.p_value == 1 / 200


def test_what_cannot_be_exchanged_is_refused() -> None:
    networks = np.random.default_rng(0).normal(size=(12, 2, 1))
    with pytest.raises(ValueError, match="units of 1 and of 3 draws are not exchangeable"):
        permutation_test(sample(networks), sample(networks, 3), energy(), seed=0)
    with pytest.raises(ValueError, match="units of 2 to 5 draws, 3 of them"):
        permutation_test(sample(networks, 5), sample(networks, 3), energy(), seed=0)
    with pytest.raises(ValueError, match="does not compare networks in pairs"):
        permutation_test(sample(networks), sample(networks), averaged_total_variation(), seed=0)
