r"""Classifier two-sample test: can a classifier tell endpoints from posterior draws?

A classifier is trained on one half of both samples and tried on the other. If the
laws are equal its accuracy is 1/2; in general

.. math:: TV(P, Q) \ge 2\,\text{accuracy} - 1,

so the test bounds the total variation between the *whole* laws of probe probabilities
from below. It can refute equality and cannot show it (Lopez-Paz and Oquab 2017,
section 3). The classifier is kernel ridge regression on labels +-1 with a Gaussian
kernel whose width is the median distance of the training networks.

Under equal laws the labels of the balanced test half are exchangeable given the
classifier's answers, so the number called right has an exact hypergeometric law.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve
from scipy.stats import beta, hypergeom

from .nulls import Band, Comparison, Outcome, Sample, band, check_samples, closeness

type Array = np.ndarray

NAME = "classifier two-sample test"
MARGIN = 0.10  # total variation that still counts as equal
RIDGE = 0.1  # per training network


class TwoSampleTest(NamedTuple):
    """One trained and tried classifier."""

    accuracy: float
    low: float  # Clopper-Pearson interval of the accuracy
    high: float
    p_value: float  # exact under equal laws, one-sided
    num_test: int  # networks tried, both samples together


def classifier_two_sample_test(
    left: Sample,
    reference: Sample,
    ceiling: Sample,
    *,
    seed: int,
    num_floor: int = 40,
    family: int = 1,
) -> tuple[Comparison, TwoSampleTest]:
    """Bound the total variation between an arm and the posterior from below.

    The reference is halved by chains, so that no chain is both learnt and tried; the
    floor repeats the test on posterior against posterior with disjoint quarters of the
    chains, the ceiling on the prior. ``closeness`` and the outcome follow the
    margin 0.10 on the excess; ``EQUIVALENT`` is never returned. Raises ``ValueError``
    for fewer than four reference chains or fewer than eight networks a sample.
    """
    check_samples(left, reference, ceiling)
    chains = np.unique(reference.chain)
    if len(chains) < 4:
        raise ValueError(f"the classifier test needs at least four reference chains, got {len(chains)}")
    rng = np.random.default_rng(seed)
    level = 1 - 0.05 / family
    groups = [np.flatnonzero(reference.chain == c) for c in chains]
    quarter = min(len(g) for g in groups) * (len(chains) // 4)
    size = min(len(left.chain) // 2, len(ceiling.chain) // 2, quarter)
    if size < 4:
        raise ValueError(f"the classifier test needs at least eight networks in each sample, got {2 * size}")

    def halves(num_units: int) -> tuple[Array, Array]:
        order = rng.permutation(num_units)
        return order[:size], order[size : 2 * size]

    def chain_parts(num_parts: int) -> list[Array]:
        order = rng.permutation(len(chains))
        per_part = len(chains) // num_parts
        parts = [order[i * per_part : (i + 1) * per_part] for i in range(num_parts)]
        return [rng.choice(np.concatenate([groups[c] for c in part]), size, replace=False) for part in parts]

    def against_reference(sample: Sample) -> TwoSampleTest:
        train, test = halves(len(sample.chain))
        reference_train, reference_test = chain_parts(2)
        pool, posterior = sample.probabilities, reference.probabilities
        return _trial(pool[train], posterior[reference_train], pool[test], posterior[reference_test], level)

    def within_reference() -> float:
        a, b, c, d = (reference.probabilities[part] for part in chain_parts(4))
        return 2 * _trial(a, b, c, d, level).accuracy - 1

    trial = against_reference(left)
    floor = band(np.array([within_reference() for _ in range(num_floor)]), level)
    top = band(np.array([2 * against_reference(ceiling).accuracy - 1 for _ in range(5)]), level)
    distance = Band(*(2 * value - 1 for value in (trial.accuracy, trial.low, trial.high)))
    # The excess is over zero, the exact expectation under equal laws, not over the simulated floor.
    different = distance.low > MARGIN
    return (
        Comparison(
            NAME,
            "lower bound on the total variation between the laws of probe probabilities",
            distance,
            floor,
            top,
            distance,
            closeness(distance, floor, top),
            MARGIN,
            Outcome.DIFFERENT if different else Outcome.INCONCLUSIVE,
            size * 2,
            size * 2,
        ),
        trial,
    )


def _trial(
    train_left: Array, train_right: Array, test_left: Array, test_right: Array, level: float
) -> TwoSampleTest:
    num_left, num_right = len(train_left), len(train_right)
    train = np.concatenate([train_left, train_right]).reshape(num_left + num_right, -1)
    test = np.concatenate([test_left, test_right]).reshape(len(test_left) + len(test_right), -1)
    signs = np.r_[np.ones(num_left) / num_left, -np.ones(num_right) / num_right] * num_left
    squared = _squared_distances(train, train)
    width = np.median(squared[np.triu_indices_from(squared, 1)])
    if width == 0:  # all training networks behave alike: nothing can be learnt
        return _score(np.zeros(len(test), bool), len(test_left), level)
    gram = np.exp(-squared / width)
    coefficients = solve(gram + RIDGE * np.eye(len(gram)), signs, assume_a="pos")
    answers = np.exp(-_squared_distances(test, train) / width) @ coefficients > 0
    return _score(answers, len(test_left), level)


def _score(called_left: Array, num_left: int, level: float) -> TwoSampleTest:
    num = len(called_left)
    hits = int(called_left[:num_left].sum())
    right = hits + int((~called_left[num_left:]).sum())
    # P(H >= hits) for H ~ Hypergeometric: the called-left networks are a random subset under equal laws.
    p_value = float(hypergeom.sf(hits - 1, num, num_left, int(called_left.sum())))
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, right, num - right + 1)) if right else 0.0
    high = float(beta.ppf(1 - tail, right + 1, num - right)) if right < num else 1.0
    return TwoSampleTest(right / num, low, high, p_value, num)


def _squared_distances(a: Array, b: Array) -> Array:
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T
    return np.maximum(squared, 0)
