"""What holds of any comparison of samples, tried on random ones."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compare import (
    Sample,
    averaged_disagreement,
    averaged_total_variation,
    compare_samples,
    energy,
    maximum_mean_discrepancy,
    permutation_test,
    scalar_wasserstein,
    sliced_wasserstein,
)

SEEDS = st.integers(0, 2**32 - 1)
FLOATS = st.sampled_from([np.float32, np.float64])
DISTANCES = [
    energy(),
    maximum_mean_discrepancy(),
    sliced_wasserstein(4),
    averaged_total_variation(),
    averaged_disagreement(),
    scalar_wasserstein("s"),
]


@st.composite
def samples(draw: Any) -> list[Sample]:
    """An arm, a reference and a ceiling on the same probes."""
    rng = np.random.default_rng(draw(SEEDS))
    num_probes, classes, dtype = draw(st.integers(1, 4)), draw(st.integers(2, 3)), draw(FLOATS)
    found = []
    for _ in range(3):
        num_chains, num_draws = draw(st.integers(2, 5)), draw(st.integers(8, 12))
        p = rng.dirichlet(np.ones(classes), size=(num_chains * num_draws, num_probes)).astype(dtype)
        chain = np.repeat(np.arange(num_chains), num_draws)
        found.append(Sample(p, chain, {"s": rng.normal(size=len(p))}))
    return found


@given(samples(), SEEDS, st.sets(st.sampled_from(range(len(DISTANCES))), min_size=1, max_size=3))
def test_comparisons_have_their_nulls_and_stand_alone(
    three: list[Sample], seed: int, which: set[int]
) -> None:
    arm, reference, ceiling = three
    chosen = [DISTANCES[i] for i in sorted(which)]
    found = compare_samples(
        {"a": arm, "b": ceiling}, reference, ceiling, chosen, seed=seed, num_resamples=20
    )["a"]
    alone = compare_samples({"a": arm}, reference, ceiling, chosen, seed=seed, num_resamples=20)["a"]
    assert [c.name for c in found] == [distance.name for distance in chosen]
    for one, other, distance in zip(found, alone, chosen, strict=True):
        np.testing.assert_array_equal(one.distance, other.distance)
        np.testing.assert_array_equal(one.excess, other.excess)
        assert one.distance.low <= one.distance.mean + 1e-6
        assert one.distance.mean <= distance.largest + 1e-6
        assert one.floor.low - 1e-9 <= one.floor.mean <= one.floor.high + 1e-9
        assert 2 * one.num_right <= len(reference.chain) + max(np.bincount(reference.chain))
        assert one.num_left <= min(len(arm.chain), len(ceiling.chain), one.num_right)


@given(samples(), SEEDS)
def test_permutations_know_no_side(three: list[Sample], seed: int) -> None:
    units = [Sample(s.probabilities, np.arange(len(s.chain))) for s in three[:2]]
    there, back = (
        permutation_test(one, other, energy(), seed=seed, num_permutations=9)
        for one, other in ((units[0], units[1]), (units[1], units[0]))
    )
    assert there.statistic == pytest.approx(back.statistic, abs=1e-5)
    assert there.p_value * 10 == pytest.approx(round(there.p_value * 10))
