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

import zlib
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import beta, hypergeom

from .distances import pairwise_distances
from .nulls import Band, Comparison, Outcome, Pool, Sample, band, check_samples, closeness

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


NUM_FLOOR = 40
NUM_CEILING = 5


def classifier_two_sample_test(
    arms: Mapping[str, Sample],
    reference: Sample,
    ceiling: Sample,
    *,
    seed: int,
    family: int = 1,
) -> dict[str, tuple[Comparison, TwoSampleTest]]:
    """Bound the total variation between every arm and the posterior from below.

    The reference is halved by chains, so that no chain is both learnt and tried; the
    floor repeats the test on posterior against posterior with disjoint quarters of the
    chains, the ceiling on the prior. The outcome follows the margin 0.10 on the bound
    itself, whose expectation under equal laws is exactly zero; ``EQUIVALENT`` is never
    returned. Raises ``ValueError`` for fewer than four reference chains or fewer than
    eight networks a sample.
    """
    check_samples(reference, ceiling, *arms.values())
    chains = np.unique(reference.chain)
    if len(chains) < 4:
        raise ValueError(f"the classifier test needs at least four reference chains, got {len(chains)}")
    pool = Pool(reference, ceiling, arms)
    distances = np.asarray(pairwise_distances(jnp.asarray(pool.probabilities)))
    members = [pool.reference[reference.chain == chain] for chain in chains]
    quarter = min(map(len, members)) * (len(chains) // 4)
    level = 1 - 0.05 / family

    def of_chains(rng: np.random.Generator, num_parts: int, size: int) -> list[Array]:
        """``size`` networks from each of ``num_parts`` disjoint groups of chains."""
        groups = np.array_split(rng.permutation(len(chains)), num_parts)
        return [rng.choice(np.concatenate([members[c] for c in g]), size, replace=False) for g in groups]

    def against_reference(rng: np.random.Generator, units: Array, size: int) -> TwoSampleTest:
        train, test = np.split(rng.permutation(units)[: 2 * size], 2)
        reference_train, reference_test = of_chains(rng, 2, size)
        return _trial(distances, level, train, reference_train, test, reference_test)

    @cache
    def nulls(size: int) -> tuple[Band, Band]:
        rng = np.random.default_rng([seed, size])
        floor = [_trial(distances, level, *of_chains(rng, 4, size)) for _ in range(NUM_FLOOR)]
        top = [against_reference(rng, pool.ceiling, size) for _ in range(NUM_CEILING)]
        floor_band, top_band = (
            band(np.array([2 * t.accuracy - 1 for t in ts]), level) for ts in (floor, top)
        )
        return floor_band, top_band

    found = {}
    for name, units in pool.arms.items():
        size = min(len(units) // 2, len(pool.ceiling) // 2, quarter)
        if size < 4:
            raise ValueError(
                f"the classifier test needs at least eight networks in each sample, got {2 * size}"
            )
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        trial = against_reference(rng, units, size)
        found[name] = _comparison(trial, *nulls(size), size), trial
    return found


def _comparison(trial: TwoSampleTest, floor: Band, ceiling: Band, size: int) -> Comparison:
    bound = Band(*(2 * value - 1 for value in (trial.accuracy, trial.low, trial.high)))
    return Comparison(
        NAME,
        "lower bound on the total variation between the laws of probe probabilities",
        bound,
        floor,
        ceiling,
        bound,  # the excess over zero, not over the simulated floor
        closeness(bound, floor, ceiling),
        MARGIN,
        Outcome.DIFFERENT if bound.low > MARGIN else Outcome.INCONCLUSIVE,
        2 * size,
        2 * size,
    )


def _trial(
    distances: Array,
    level: float,
    train_left: Array,
    train_right: Array,
    test_left: Array,
    test_right: Array,
) -> TwoSampleTest:
    """Train on one pair of unit lists, try on the other."""
    train, test = np.r_[train_left, train_right], np.r_[test_left, test_right]
    called_left = _answers(distances, train, test)
    num, num_left = len(test), len(test_left)
    hits = int(called_left[:num_left].sum())
    right = hits + int((~called_left[num_left:]).sum())
    # P(H >= hits) for H ~ Hypergeometric: the called-left networks are a random subset under equal laws.
    p_value = float(hypergeom.sf(hits - 1, num, num_left, int(called_left.sum())))
    low, high = _binomial_interval(right, num, level)
    return TwoSampleTest(right / num, low, high, p_value, num)


def _answers(distances: Array, train: Array, test: Array) -> Array:
    """Which test networks the classifier calls left; the first half of ``train`` is left."""
    between = distances[np.ix_(train, train)]
    width = max(np.median(between) ** 2, np.finfo(between.dtype).tiny)
    signs = np.where(np.arange(len(train)) < len(train) // 2, 1, -1).astype(between.dtype)
    gram = np.exp(-(between**2) / width) + RIDGE * np.eye(len(train), dtype=between.dtype)
    coefficients = cho_solve(cho_factor(gram), signs)
    answers: Array = np.exp(-(distances[np.ix_(test, train)] ** 2) / width) @ coefficients > 0
    return answers


def _binomial_interval(successes: int, trials: int, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, successes, trials - successes + 1)) if successes else 0.0
    high = float(beta.ppf(1 - tail, successes + 1, trials - successes)) if successes < trials else 1.0
    return low, high
