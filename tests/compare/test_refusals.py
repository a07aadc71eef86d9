"""What the functions of this package refuse: the value is named, and no number that looks fine comes out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compare import (
    Sample,
    accuracy,
    chance_agreement,
    clopper_pearson,
    energy,
    holm,
    jensen_shannon,
    log_score,
    permutation_test,
    sliced_wasserstein,
    total_variation,
    unpack_labels,
)

HALF, THIRD = np.full(2, 0.5), np.full(3, 1 / 3)
P = np.array([[0.9, 0.1], [0.4, 0.6]])
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
    ("no direction", lambda: sliced_wasserstein(0), "num_directions must be at least 1, got 0"),
    ("no permutation", lambda: permutation_test(DRAWN, DRAWN, energy(), seed=0, num_permutations=0), "got 0"),
    ("one class", lambda: chance_agreement(0.9, 0.9, 1), "two classes or more .* got 1"),
    ("an accuracy in per cent", lambda: chance_agreement(90, 0.9, 10), "got 10, 90 and"),
    ("a class below all", lambda: accuracy(P, np.array([0, -1])), "classes 0 to 1.*got -1 to 0"),
    ("a class above all", lambda: log_score(P, np.array([0, 2])), "classes 0 to 1.*got 0 to 2"),
]


@pytest.mark.parametrize(("call", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused_in_words(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()
