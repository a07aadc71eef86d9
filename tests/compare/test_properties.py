"""What holds of any counts, laws, probabilities and p-values, tried on random ones."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from compare import (
    FunctionCounts,
    Outcome,
    accuracy,
    binned_predictive,
    brier_score,
    calibration_error,
    calibration_floor,
    clopper_pearson,
    compare_functions,
    confidence,
    confidently_wrong,
    count_functions,
    counts_of,
    entropy,
    first_passages,
    holm,
    jensen_shannon,
    judge,
    log_score,
    median_passage,
    merge_counts,
    pack_labels,
    price_split,
    thinned,
    total_variation,
    unpack_labels,
    variation_bounds,
)

type Array = np.ndarray
SEEDS = st.integers(0, 2**32 - 1)
FLOATS = st.sampled_from([np.float32, np.float64])
LABELS = arrays.arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 40)))
BYTES = arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.just(1)), elements=st.integers(0, 5))
WEIGHTS = st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any)
P_VALUES = st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=1, max_size=8)


def law(weights: list[int], size: int) -> Array:
    padded = np.array([*weights, *[0] * (size - len(weights))], float)
    return padded / padded.sum()


def counted(weights: list[int]) -> FunctionCounts:
    counts = np.array(weights)
    return FunctionCounts(np.flatnonzero(counts).astype(np.uint8)[:, None], counts[counts > 0])


@st.composite
def predictions(draw: Any) -> Array:
    """Probabilities with any leading axes, of either precision, some of them exactly 0 or 1."""
    leading = draw(st.lists(st.integers(1, 3), max_size=2))
    shape = (*leading, draw(st.integers(1, 5)), draw(st.integers(2, 4)))
    rng = np.random.default_rng(draw(SEEDS))
    p = rng.dirichlet(np.full(shape[-1], draw(st.sampled_from([0.01, 1.0, 100.0]))), size=shape[:-1])
    return p.astype(draw(FLOATS))


@given(LABELS)
def test_packed_labels_come_back(labels: Array) -> None:
    np.testing.assert_array_equal(unpack_labels(np.asarray(pack_labels(labels)), labels.shape[1]), labels)


@given(BYTES, BYTES)
def test_counts_of_parts_are_counts_of_the_whole(one: Array, other: Array) -> None:
    whole = count_functions(np.concatenate([one, other]))
    merged = merge_counts([count_functions(part) for part in (one, other)])
    np.testing.assert_array_equal(merged.packed, whole.packed)
    np.testing.assert_array_equal(merged.counts, whole.counts)
    np.testing.assert_array_equal(counts_of(whole, whole.packed), whole.counts)
    assert whole.total == len(one) + len(other)
    assert (np.diff(whole.packed[:, 0].astype(int)) > 0).all()


@given(WEIGHTS, WEIGHTS, WEIGHTS)
def test_distances_between_laws(a: list[int], b: list[int], c: list[int]) -> None:
    """Symmetric, bounded, zero for equal laws; the triangle; bits are at most the variation (Lin 1991)."""
    size = max(map(len, (a, b, c)))
    p, q, r = (law(weights, size) for weights in (a, b, c))
    variation, bits = total_variation(p, q), jensen_shannon(p, q)
    assert variation == total_variation(q, p)
    assert bits == pytest.approx(jensen_shannon(q, p), abs=1e-12)
    assert 0 <= bits <= variation + 1e-12 <= 1 + 2e-12
    assert (variation == 0) == np.array_equal(p, q)
    assert variation <= total_variation(p, r) + total_variation(r, q) + 1e-12


@given(WEIGHTS, WEIGHTS, SEEDS, st.sampled_from([total_variation, jensen_shannon]))
def test_histograms_and_their_floor(a: list[int], b: list[int], seed: int, measure: Any) -> None:
    left, right = counted(a), counted(b)
    found = compare_functions(left, right, measure, seed=seed, num_resamples=20)
    assert 0 <= found.floor.low <= found.floor.mean <= 1
    assert found.distance.low <= found.distance.mean <= found.distance.high
    assert 1 / 21 <= found.p_value <= 1
    assert found == compare_functions(left, right, measure, seed=seed, num_resamples=20)
    if min(left.total, right.total) >= 8:
        bounds = variation_bounds(left, right, seed=seed)
        assert 0 <= bounds.low <= bounds.high <= 1
        exact = total_variation(*(law(weights, max(len(a), len(b))) for weights in (a, b)))
        assert bounds.distance == pytest.approx(exact)


@given(P_VALUES, st.randoms(use_true_random=False))
def test_holm_is_cautious_and_keeps_order(values: list[float], shuffle: Any) -> None:
    adjusted = holm(values)
    known = [(p, q) for p, q in zip(values, adjusted, strict=True) if p == p]
    assert [p == p for p in values] == [q == q for q in adjusted]
    assert all(p <= q <= min(1, len(known) * p) for p, q in known if p)
    assert [q for _, q in sorted(known)] == sorted(q for _, q in known)
    order = list(range(len(values)))
    shuffle.shuffle(order)
    np.testing.assert_array_equal(holm([values[i] for i in order]), [adjusted[i] for i in order])


@given(st.floats(), st.floats(), st.floats())
def test_an_interval_is_judged_or_refused(low: float, high: float, margin: float) -> None:
    if low > high or margin < 0:
        with pytest.raises(ValueError, match=r"low to high|negative"):
            judge(low, high, margin)
        return
    outcome = judge(low, high, margin)
    assert (outcome == Outcome.EQUIVALENT) <= (high <= margin)
    assert (outcome == Outcome.DIFFERENT) <= (low > margin)
    assert outcome == Outcome.INCONCLUSIVE or np.isfinite([low, high, margin]).all()


@given(st.integers(1, 10**6), st.data(), st.floats(0.01, 0.99))
def test_exact_intervals_hold_the_share_and_grow_with_the_level(trials: int, data: Any, level: float) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = clopper_pearson(successes, trials, level)
    wider = clopper_pearson(successes, trials, (1 + level) / 2)
    assert 0 <= wider[0] <= low <= successes / trials <= high <= wider[1] <= 1


@given(predictions(), st.data())
def test_behaviours_stay_in_their_ranges_one_network_at_a_time(p: Array, data: Any) -> None:
    num_probes, num_classes = p.shape[-2:]
    targets = np.array([data.draw(st.integers(0, num_classes - 1)) for _ in range(num_probes)])
    bins = data.draw(st.integers(1, num_probes))
    ranges: dict[Any, tuple[float, float]] = {
        lambda p: accuracy(p, targets): (0, 1),
        lambda p: log_score(p, targets): (-800, 1e-6),
        confidence: (1 / num_classes, 1),
        entropy: (0, np.log(num_classes)),
        lambda p: brier_score(p, targets): (0, 2),
        lambda p: calibration_error(p, targets, bins): (0, 1),
        lambda p: calibration_floor(p, bins): (0, 1),
        lambda p: confidently_wrong(p, targets): (0, 1),
    }
    for behaviour, (least, most) in ranges.items():
        found = np.asarray(behaviour(p))
        assert found.shape == p.shape[:-2]
        assert ((found >= least - 1e-6) & (found <= most + 1e-6)).all()
        alone = [behaviour(one) for one in p.reshape(-1, num_probes, num_classes)]
        np.testing.assert_allclose(found.ravel(), alone, rtol=1e-5, atol=1e-6)


@given(
    arrays.arrays(float, arrays.array_shapes(max_dims=2, max_side=3), elements=st.floats(-1e6, 1e6)),
    st.floats(1e-3, 1e3),
    st.sets(st.floats(-1e6, 1e6), min_size=1, max_size=5),
)
def test_bins_of_a_response_are_probabilities(mean: Array, noise: float, edges: set[float]) -> None:
    p = binned_predictive(mean, noise, np.array(sorted(edges)))
    assert p.shape == (*mean.shape, len(edges) + 1)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(-1), 1, atol=1e-12)


@given(arrays.arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 5))))
def test_passages_lie_among_the_looks(seen: Array) -> None:
    looks = 10 * np.arange(1, seen.shape[1] + 1)
    found = first_passages(seen, looks)
    np.testing.assert_array_equal(found.seen, seen.any(axis=1))
    assert np.isin(found.steps, looks).all()
    assert (found.before[found.seen] < found.steps[found.seen]).all()
    median = median_passage(found).value
    assert (median is None) == (found.seen.sum() == 0) or median is None or median in looks


@given(st.integers(1, 50), st.integers(1, 500), st.floats(0, 1e6))
def test_thinned_draws_are_draws(num_chains: int, num_draws: int, effective: float) -> None:
    kept = thinned(num_chains, num_draws, effective)
    assert (np.diff(kept) > 0).all()
    assert 0 <= kept[0] <= kept[-1] < num_draws
    assert len(kept) == 1 or len(kept) * num_chains <= effective


@given(arrays.arrays(float, st.tuples(st.just(4), st.integers(1, 6)), elements=st.floats(0, 100)))
def test_change_is_selection_and_transmission(numbers: Array) -> None:
    before, after, trait, later = numbers
    assume(before.sum() > 1e-3 and after.sum() > 1e-3)
    found = price_split(before, after, trait, later)
    assert found.change == pytest.approx(found.selection + found.transmission, abs=1e-9)
