"""What the functions of this package refuse: the value is named, and no number that looks fine comes out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compare import (
    FunctionCounts,
    Passages,
    Sample,
    accuracy,
    binned_predictive,
    brier_score,
    bulk_ess,
    calibration_error,
    calibration_floor,
    chance_agreement,
    classifier_two_sample_test,
    clopper_pearson,
    compare_functions,
    compare_samples,
    confidence,
    confidently_wrong,
    corrected_rank_correlation,
    counts_of,
    crossed_mean,
    divergence_from_uniform,
    energy,
    entropy,
    fitting_functions,
    floor_of_draws,
    floor_of_law,
    holm,
    hypercube_neighbours,
    jensen_shannon,
    judge,
    judge_reference,
    log_score,
    median_passage,
    median_ratio,
    merge_counts,
    nearest_temperature,
    paired,
    permutation_test,
    price_split,
    rank_correlation,
    rank_rhat,
    sensitivity,
    sliced_wasserstein,
    stratified_rank_correlation,
    subsample,
    thinned,
    total_variation,
    unpack_labels,
    unseen_mass,
    variation_bounds,
    weigh_basins,
)

HALF, THIRD = np.full(2, 0.5), np.full(3, 1 / 3)
P = np.array([[0.9, 0.1], [0.4, 0.6]])
LOGITS = np.array([[2.0, -1.0], [0.5, 0.5]])
RNG = np.random.default_rng(0)
COUNTS = FunctionCounts(np.array([[1], [2]], np.uint8), np.array([60, 40]))
WIDE = FunctionCounts(np.array([[0, 1], [0, 2]], np.uint8), np.array([60, 40]))
NOTHING = FunctionCounts(np.zeros((0, 1), np.uint8), np.zeros(0, int))
CHAINS = np.zeros((2, 5, 3))
PASSAGES = Passages(np.arange(5), np.arange(5) - 1, np.ones(5, bool))
DRAWN = Sample(np.random.default_rng(0).dirichlet([1.0, 1.0], size=(8, 3)), np.arange(8))
REFUSED: list[tuple[str, Callable[[], Any], str]] = [
    ("laws of different lengths", lambda: total_variation(HALF, THIRD), r"\(2,\) and \(3,\)"),
    ("laws that would be broadcast", lambda: total_variation(HALF, np.ones(1)), r"\(2,\) and \(1,\)"),
    ("a negative law", lambda: total_variation(HALF, np.array([1.5, -0.5])), "got -0.5 to 1.5"),
    ("counts for a law", lambda: jensen_shannon(np.array([3, 7]), HALF), "divide counts by their sum"),
    ("a law that is no number", lambda: jensen_shannon(np.array([np.nan, 1.0]), HALF), "got nan"),
    ("more successes than trials", lambda: clopper_pearson(5, 3), "0 and the 3 trials, got 5"),
    ("fewer successes than none", lambda: clopper_pearson(np.array([-1, 2]), 3), "got -1 to 2"),
    ("a level in per cent", lambda: clopper_pearson(1, 3, level=95), "got 95: 0.95 for 95 %"),
    (
        "more inputs than bits",
        lambda: unpack_labels(np.zeros((1, 1), np.uint8), 9),
        "8 bits packed, got 9",
    ),
    ("no inputs", lambda: unpack_labels(np.zeros((1, 1), np.uint8), 0), "got 0"),
    ("a p-value above one", lambda: holm([0.2, 1.5]), "got 0.2 to 1.5"),
    ("a negative p-value", lambda: holm([float("nan"), -0.1]), "got -0.1"),
    (
        "no direction",
        lambda: sliced_wasserstein(0),
        "num_directions must be a whole number of at least 1, got 0",
    ),
    ("no permutation", lambda: permutation_test(DRAWN, DRAWN, energy(), seed=0, num_permutations=0), "got 0"),
    ("one class", lambda: chance_agreement(0.9, 0.9, 1), "two classes or more .* got 1"),
    ("an accuracy in per cent", lambda: chance_agreement(90, 0.9, 10), "got 10, 90 and"),
    ("a class below all", lambda: accuracy(P, np.array([0, -1])), "classes 0 to 1.*got -1 to 0"),
    ("a class above all", lambda: log_score(P, np.array([0, 2])), "classes 0 to 1.*got 0 to 2"),
    (
        "one-hot targets",
        lambda: accuracy(P, np.eye(2)),
        r"one target a probe.*got shape \(2, 2\): take argmax",
    ),
    (
        "one target for all",
        lambda: brier_score(P, np.array([1])),
        r"one target a probe.*\(2,\), got shape \(1,\)",
    ),
    (
        "a class of calibration",
        lambda: calibration_error(P, np.array([0, 2]), 2),
        "classes 0 to 1.*got 0 to 2",
    ),
    ("a class of confidence", lambda: confidently_wrong(P, np.array([-1, 0])), "classes 0 to 1.*got -1 to 0"),
    ("logits scored", lambda: log_score(LOGITS, np.array([0, 1])), "got -1.0 to 2.0: logits"),
    ("logits of confidence", lambda: confidence(LOGITS), "got -1.0 to 2.0: logits"),
    ("logits of entropy", lambda: entropy(LOGITS), "got -1.0 to 2.0: logits"),
    ("logits of Brier", lambda: brier_score(LOGITS, np.array([0, 1])), "got -1.0 to 2.0: logits"),
    ("logits of calibration", lambda: calibration_floor(LOGITS, 2), "got -1.0 to 2.0: logits"),
    ("logits of divergence", lambda: divergence_from_uniform(LOGITS), "got -1.0 to 2.0: logits"),
    ("probabilities without classes", lambda: confidence(HALF), r"\(..., probe, class\).* got shape \(2,\)"),
    ("half a bin", lambda: calibration_floor(P, 1.5), "num_bins must be a whole number .* got 1.5"),  # type: ignore[arg-type]
    ("negative noise", lambda: binned_predictive(HALF, -1.0, np.zeros(1)), "noise_scale .* got -1.0"),
    (
        "edges that fall",
        lambda: binned_predictive(HALF, 1.0, np.array([1.0, 0.0])),
        r"increase, got \[1.0, 0.0\]",
    ),
    ("no edges", lambda: binned_predictive(HALF, 1.0, np.zeros(0)), r"increase, got \[\]"),
    ("a law that lacks mass", lambda: total_variation(HALF / 2, HALF), "sum to one, got 0.5"),
    ("a floor of nothing", lambda: floor_of_draws(COUNTS, 0, 5, seed=0), "num_left .* got 0"),
    ("a floor without resamples", lambda: floor_of_draws(COUNTS, 2, 2, seed=0, num_resamples=0), "got 0"),
    ("a floor of no law", lambda: floor_of_law(np.array([0.2, 0.2]), 5, 5, seed=0), "sum to one, got 0.4"),
    ("a floor of counts", lambda: floor_of_law(np.array([3, 7]), 5, 5, seed=0), "divide counts by their sum"),
    ("a floor of a matrix", lambda: floor_of_law(P, 5, 5, seed=0), r"\(function,\), got shape \(2, 2\)"),
    ("a floor at a level in per cent", lambda: floor_of_law(HALF, 5, 5, seed=0, level=95), "level .* got 95"),
    ("histograms at no level", lambda: compare_functions(COUNTS, COUNTS, seed=0, level=0), "level .* got 0"),
    ("a histogram of nothing", lambda: compare_functions(COUNTS, NOTHING, seed=0), "num_right .* got 0"),
    ("other inputs", lambda: rank_correlation(COUNTS, WIDE), r"one number of bytes .* got \[1, 2\]"),
    ("no parts", lambda: merge_counts([]), r"one number of bytes .* got \[\]"),
    ("other inputs looked up", lambda: counts_of(COUNTS, WIDE.packed), r"got \(2, 1\) counted and \(2, 2\)"),
    ("looked up in nothing", lambda: counts_of(NOTHING, COUNTS.packed), r"got \(0, 1\) counted"),
    (
        "an input that is none",
        lambda: fitting_functions(COUNTS, np.array([8]), np.array([1])),
        r"0 to 7.*got \[8\]",
    ),
    (
        "an input from the end",
        lambda: fitting_functions(COUNTS, np.array([-1]), np.array([1])),
        r"got \[-1\]",
    ),
    ("a label for two", lambda: fitting_functions(COUNTS, np.array([0, 1]), np.array([1])), r"labels \(1,\)"),
    ("unseen at a level", lambda: unseen_mass(COUNTS, level=1.0), "level .* got 1.0"),
    ("unseen of nothing", lambda: unseen_mass(NOTHING), "total .* got 0"),
    ("a subsample of none", lambda: subsample(COUNTS, 0, np.random.default_rng(0)), "num .* got 0"),
    ("an interval turned round", lambda: judge(0.2, 0.1, margin=0.05), "low to high, got 0.2 to 0.1"),
    ("a negative margin", lambda: judge(0.1, 0.2, margin=-0.05), "margin must not be negative, got -0.05"),
    ("no distances", lambda: compare_samples({}, DRAWN, None, [], seed=0), "one distance or more.*got none"),
    (
        "a distance twice",
        lambda: compare_samples({}, DRAWN, None, [energy()] * 2, seed=0),
        "a name of its own",
    ),
    ("no family", lambda: compare_samples({}, DRAWN, None, [energy()], seed=0, family=0), "family .* got 0"),
    ("no resamples", lambda: compare_samples({}, DRAWN, None, [energy()], seed=0, num_resamples=0), "got 0"),
    ("a name that is taken", lambda: paired({"/reference": DRAWN}, DRAWN, None, seed=0), "'/reference'"),
    ("tests of no family", lambda: classifier_two_sample_test({}, DRAWN, None, seed=0, family=0), "got 0"),
    ("no units at once", lambda: permutation_test(DRAWN, DRAWN, energy(), seed=0, most=0), "most .* got 0"),
    ("behaviours of one chain", lambda: rank_rhat(np.zeros((5, 3))), r"\(chain, draw, behaviour\).*\(5, 3\)"),
    ("no draws", lambda: bulk_ess(np.zeros((2, 0, 3))), r"got \(2, 0, 3\)"),
    ("a status too few", lambda: judge_reference(CHAINS, None, ["ok"]), r"\(2, 5\) chains.*and 1 sentences"),
    (
        "other divergences",
        lambda: judge_reference(CHAINS, np.zeros(2, bool), ["ok"] * 2),
        r"got \(2,\) and 2",
    ),
    ("thinned to no number", lambda: thinned(2, 5, float("nan")), "effective .* got nan"),
    ("thinned of no chains", lambda: thinned(0, 5, 3.0), "num_chains .* got 0"),
    ("a level of a median", lambda: median_passage(PASSAGES, level=95), "level .* got 95"),
    ("a ratio without resamples", lambda: median_ratio(PASSAGES, PASSAGES, RNG, num_resamples=0), "got 0"),
    ("strata at a level", lambda: stratified_rank_correlation(HALF, HALF, HALF, level=99), "level .* got 99"),
    ("a mean of one axis", lambda: crossed_mean(HALF), r"\(network, item\).* got \(2,\)"),
    ("a mean at a level", lambda: crossed_mean(P).interval(95), "level .* got 95"),
    (
        "scores of one axis",
        lambda: corrected_rank_correlation(np.zeros(30), np.zeros(30), seed=0),
        r"\(30,\)",
    ),
    ("bounds at a level", lambda: variation_bounds(COUNTS, COUNTS, seed=0, level=0), "level .* got 0"),
    ("a neighbour that is none", lambda: sensitivity(np.zeros(3), np.array([[0, 3]])), "0 to 2, got 0 to 3"),
    ("a cube of no bits", lambda: hypercube_neighbours(0), "num_bits .* got 0"),
    (
        "an individual too few",
        lambda: price_split(HALF, HALF, HALF, np.zeros(1)),
        r"got shapes .* and \(1,\)",
    ),
    (
        "basins with numbers of their own",
        lambda: weigh_basins(np.full((4, 5), 3), np.zeros((4, 5, 1)), ["a", "a", "b", "b"], ["ok"] * 4),
        r"got \[3\] too",
    ),
    (
        "no resamples of a temperature",
        lambda: nearest_temperature(np.zeros((3, 9, 1)), np.zeros((3, 9)), THIRD, P, seed=0, num_resamples=0),
        "num_resamples .* got 0",
    ),
]


@pytest.mark.parametrize(("call", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused_in_words(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()
