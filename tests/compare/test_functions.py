"""Function identities, counts, intervals and unseen mass against brute force, scipy and simulation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binom, binomtest

from compare import (
    FunctionCounts,
    clopper_pearson,
    count_functions,
    counts_of,
    fitting_functions,
    function_numbers,
    function_probabilities,
    merge_counts,
    pack_labels,
    unpack_labels,
    unseen_mass,
)

WIDTHS = pytest.mark.parametrize("num_inputs", [2, 8, 16, 24, 32, 128])


def random_packed(seed: int, num: int, num_inputs: int, num_functions: int = 20) -> np.ndarray:
    rng = np.random.default_rng(seed)
    functions = pack_labels(rng.integers(0, 2, (num_functions, num_inputs)))
    return np.asarray(functions)[rng.integers(0, num_functions, num)]


@WIDTHS
def test_packing_is_one_to_one_and_the_same_on_device(num_inputs: int) -> None:
    labels = np.random.default_rng(0).integers(0, 2, (50, num_inputs))
    packed = np.asarray(pack_labels(labels))
    assert packed.shape == (50, -(-num_inputs // 8))
    np.testing.assert_array_equal(unpack_labels(packed, num_inputs), labels)
    on_device = pack_labels(jnp.asarray(labels))
    assert isinstance(on_device, jax.Array)
    np.testing.assert_array_equal(on_device, packed)
    np.testing.assert_array_equal(pack_labels(labels.astype(bool)), packed)


def test_every_function_of_three_bits_has_its_own_number() -> None:
    tables = np.array([[number >> (7 - row) & 1 for row in range(8)] for number in range(256)])
    assert function_numbers(np.asarray(pack_labels(tables))) == list(range(256))
    wide = np.zeros((1, 128), int)
    wide[0, [0, 127]] = 1
    assert function_numbers(np.asarray(pack_labels(wide))) == [2**127 + 1]


@WIDTHS
def test_counts_equal_those_of_a_dictionary(num_inputs: int) -> None:
    packed = random_packed(1, 500, num_inputs)
    counted: dict[bytes, int] = {}
    for row in packed:
        counted[row.tobytes()] = counted.get(row.tobytes(), 0) + 1
    counts = count_functions(packed)
    assert [row.tobytes() for row in counts.packed] == sorted(counted)
    assert counts.counts.tolist() == [counted[name] for name in sorted(counted)]
    assert counts.total == 500
    parts = [count_functions(part) for part in (packed[:100], packed[100:101], packed[101:])]
    for found, expected in zip(merge_counts(parts), counts, strict=True):
        np.testing.assert_array_equal(found, expected)
    asked = np.concatenate([packed[:5], random_packed(2, 5, num_inputs)])
    assert counts_of(counts, asked).tolist() == [counted.get(row.tobytes(), 0) for row in asked]


@pytest.mark.parametrize("num_inputs", [8, 128])
def test_fitting_keeps_exactly_the_functions_without_errors(num_inputs: int) -> None:
    packed = random_packed(3, 500, num_inputs)
    rows = np.random.default_rng(4).permutation(num_inputs)[:3]
    labels = unpack_labels(packed[0], num_inputs)[rows]
    right = (unpack_labels(packed, num_inputs)[:, rows] == labels).all(axis=1)
    assert 0 < right.sum() < 500
    for found, expected in zip(
        fitting_functions(count_functions(packed), rows, labels), count_functions(packed[right]), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_intervals_equal_those_of_scipy() -> None:
    for trials, level in ((10, 0.95), (1000, 0.99)):
        successes = np.array([0, 1, 5, trials - 1, trials])
        low, high = clopper_pearson(successes, trials, level)
        for k, bottom, top in zip(successes, low, high, strict=True):
            exact = binomtest(int(k), trials).proportion_ci(level, method="exact")
            assert (bottom, top) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_intervals_cover_by_exact_summation() -> None:
    """No simulation: the coverage at a given truth is a sum over outcomes, and is at least 95 %."""
    outcomes = np.arange(41)
    low, high = clopper_pearson(outcomes, 40)
    for truth in (0.001, 0.03, 0.2, 0.5, 0.97):
        covered = (low <= truth) & (truth <= high)
        assert binom.pmf(outcomes, 40, truth)[covered].sum() >= 0.95


def test_function_probabilities_are_shares_with_intervals() -> None:
    counts = count_functions(random_packed(5, 400, 8))
    value, low, high = function_probabilities(counts, level=0.99)
    np.testing.assert_allclose(value, counts.counts / 400)
    np.testing.assert_allclose((low, high), clopper_pearson(counts.counts, 400, 0.99))
    assert value.sum() == pytest.approx(1)


@pytest.mark.parametrize(("exponent", "num_draws"), [(1.0, 2000), (1.5, 500), (0.0, 3000)])
def test_unseen_mass_against_simulation(exponent: float, num_draws: int) -> None:
    """Power laws over 5,000 functions, 400 samples each.

    The estimate is unbiased but for 1 / num_draws: mean error within 4.5 standard errors
    (false alarm 7e-6). Coverage of the 95 % interval at least 91 %: were it exactly 95 %,
    fewer than 364 of 400 would be seen with probability 4e-4 per case at this fixed seed.
    """
    law = (1.0 + np.arange(5000)) ** -exponent
    law /= law.sum()
    rng, errors, covered = np.random.default_rng(6), [], 0
    for _ in range(400):
        seen = rng.multinomial(num_draws, law)
        packed = np.arange(5000, dtype=">u2")[:, None].view(np.uint8)
        estimate = unseen_mass(FunctionCounts(packed[seen > 0], seen[seen > 0]))
        truth = law[seen == 0].sum()
        errors.append(estimate.value - truth)
        covered += estimate.low <= truth <= estimate.high
    assert abs(np.mean(errors)) < 4.5 * np.std(errors) / np.sqrt(400) + 1 / num_draws
    assert np.std(errors) == pytest.approx(estimate.standard_error, rel=0.3)
    assert covered >= 364


def test_unseen_mass_is_never_certain() -> None:
    pair = np.array([[0], [1]], np.uint8)
    none_once = unseen_mass(FunctionCounts(pair, np.array([50, 50])))
    assert none_once.value == none_once.low == 0
    assert 0.01 < none_once.high < 0.03
    all_once = unseen_mass(FunctionCounts(pair, np.array([1, 1])))
    assert all_once.value == all_once.high == 1
    assert all_once.standard_error > 0


@pytest.mark.parametrize(
    "wrong", [np.zeros((3, 8), int), np.zeros(3, np.uint8), np.zeros((0, 1), np.uint8)], ids=str
)
def test_what_is_not_packed_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="pack the labels of each draw with pack_labels"):
        count_functions(wrong)


def test_no_function_that_fits_is_said() -> None:
    counts = FunctionCounts(np.array([[0]], np.uint8), np.array([7]))
    with pytest.raises(ValueError, match="none of the 7 draws fits all 1 labels"):
        fitting_functions(counts, np.array([2]), np.array([1]))
