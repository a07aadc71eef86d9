r"""Classifier two-sample test: can a classifier tell endpoints from posterior draws?

A classifier is trained on one half of both samples and tried on the other. If the
laws are equal its accuracy is 1/2; in general

.. math:: TV(P, Q) \ge 2\,\text{accuracy} - 1,

so the test bounds the total variation between the *whole* laws of probe probabilities
from below. It can refute equality and cannot show it (Lopez-Paz and Oquab 2017,
section 3). The classifier is kernel ridge regression on labels +-1 with a Gaussian
kernel whose width is the median distance of the training networks.

Under equal laws the labels of the balanced test half are exchangeable given the
classifier's answers, so the number called right has an exact hypergeometric law. This takes
networks that are independent: endpoints are, and draws of a chain thinned to their effective
number count as such. No chain is both learnt and tried, so correlation within chains cannot be
learnt; where the p-value must be exact whatever the correlation, give one draw a chain, or
exchange whole chains by :func:`compare.permutation_test`.
"""

import math
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import beta, binom, hypergeom

from .binomial import clopper_pearson
from .comparison import NOT_KNOWN, Band, Comparison, band, closeness
from .distances import gaussian
from .equivalence import LEVEL, POWER, OneSided, Outcome, Power
from .nulls import CEILING, REFERENCE, paired
from .options import check_count
from .tables import Pairs, Sample, check_samples, one_thread

type Array = np.ndarray
type Blocks = tuple[Array, Array, Array]  # distances within left, across, within right

NAME = "classifier two-sample test"
MARGIN = 0.10  # total variation that still counts as equal
RIDGE = 0.1  # per training network


class TwoSampleTest(NamedTuple):
    """One trained and tried classifier."""

    accuracy: float
    low: float  # Clopper-Pearson interval of the accuracy
    high: float
    p_value: float  # exact under equal laws, one-sided: as many called right, or more
    p_more: float  # more called right; a uniform number between the two is exactly uniform
    num_test: int  # networks tried, both samples together


NUM_FLOOR = 40
NUM_CEILING = 5


def classifier_two_sample_test(
    arms: Mapping[str, Sample],
    reference: Sample,
    ceiling: Sample | None,
    *,
    seed: int,
    family: int = 1,
    pairs: Pairs | None = None,
) -> dict[str, tuple[Comparison, TwoSampleTest]]:
    """Bound the total variation between every arm and the posterior from below.

    The reference is halved by chains, so that no chain is both learnt and tried; the
    floor repeats the test on posterior against posterior with disjoint quarters of the
    chains, the ceiling on the prior if there is one. The outcome follows the margin 0.10 on
    the bound itself, whose expectation under equal laws is exactly zero; ``EQUIVALENT`` is
    never returned. The p-value of a bound within the margin is binomial and exact.
    ``pairs`` as in :func:`compare_samples`. Raises ``ValueError`` for fewer than
    four reference chains, fewer than eight networks a sample, or a family below one.
    """
    check_count(family=family)
    check_samples(reference, *arms.values(), *([] if ceiling is None else [ceiling]))
    pairs = pairs or paired(arms, reference, ceiling, seed=seed)
    chain = reference.chain[pairs.some[REFERENCE]]
    chains, sizes = np.unique(chain, return_counts=True)
    if len(chains) < 4:
        raise ValueError(f"the classifier test needs at least four reference chains, got {len(chains)}")
    units = {name: np.arange(len(some)) for name, some in pairs.some.items()}
    members = np.split(np.argsort(chain, kind="stable"), np.cumsum(sizes)[:-1])
    quarter = int(sizes.min()) * (len(chains) // 4)
    level = 1 - (1 - LEVEL) / family

    def of_chains(rng: np.random.Generator, num_parts: int, size: int) -> list[Array]:
        """``size`` networks from each of ``num_parts`` disjoint groups of chains."""
        groups = np.array_split(rng.permutation(len(chains)), num_parts)
        return [rng.choice(np.concatenate([members[c] for c in g]), size, replace=False) for g in groups]

    def against_reference(rng: np.random.Generator, name: str, size: int) -> Lists:
        train, test = np.split(rng.permutation(units[name])[: 2 * size], 2)
        reference_train, reference_test = of_chains(rng, 2, size)
        return Lists(train, reference_train, test, reference_test)

    @cache
    def nulls(size: int) -> tuple[Band, Band]:
        rng = np.random.default_rng([seed, size])
        floor = [Lists(*of_chains(rng, 4, size)) for _ in range(NUM_FLOOR)]
        floor_band = _bounds(_trials(pairs, REFERENCE, floor, level), level)
        if CEILING not in units:
            return floor_band, NOT_KNOWN
        top = [against_reference(rng, CEILING, size) for _ in range(NUM_CEILING)]
        return floor_band, _bounds(_trials(pairs, CEILING, top, level), level)

    found = {}
    for name in arms:
        size = min(*(len(units.get(one, units[name])) // 2 for one in (name, CEILING)), quarter)
        if size < 4:
            raise ValueError(
                f"the classifier test needs at least eight networks in each sample, got {2 * size}"
            )
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        (trial,) = _trials(pairs, name, [against_reference(rng, name, size)], level)
        among = len(units[name]), len(units[REFERENCE])
        found[name] = _comparison(trial, *nulls(size), level, size, among), trial
    return found


def _comparison(
    trial: TwoSampleTest, floor: Band, ceiling: Band, level: float, size: int, among: tuple[int, int]
) -> Comparison:
    bound = Band(*(2 * value - 1 for value in (trial.accuracy, trial.low, trial.high)))
    within = binom(trial.num_test, (1 + MARGIN) / 2)  # calls right at a bound of the margin
    p_different = float(within.sf(round(trial.accuracy * trial.num_test) - 1))
    needed = int(within.isf((1 - level) / 2)) + 1  # right calls that would show more than the margin
    detectable = np.nan  # where not even all right would
    if needed <= trial.num_test:
        detectable = 2 * float(beta.ppf(POWER, needed, trial.num_test - needed + 1)) - 1
    return Comparison(
        NAME,
        "lower bound on the total variation between the laws of probe probabilities",
        bound,
        floor,
        ceiling,
        bound,  # the excess over zero, not over the simulated floor
        closeness(bound, floor, ceiling),
        MARGIN,
        Outcome.DIFFERENT if p_different <= (1 - level) / 2 else Outcome.INCONCLUSIVE,
        2 * size,
        2 * size,
        *among,
        OneSided(np.nan, p_different),
        Power(0.0, detectable),
    )


def _bounds(trials: Sequence[TwoSampleTest], level: float) -> Band:
    return band(np.array([2 * trial.accuracy - 1 for trial in trials]), level)


class Lists(NamedTuple):
    """The networks of one trial: to learn from and to try, left those of a sample, right the reference's."""

    train_left: Array
    train_right: Array
    test_left: Array
    test_right: Array


def _trials(pairs: Pairs, left: str, trials: Iterable[Lists], level: float) -> list[TwoSampleTest]:
    """Every trial of one sample against the reference."""
    blocks = pairs.block(left, left), pairs.block(left, REFERENCE), pairs.block(REFERENCE, REFERENCE)
    with one_thread(), ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda lists: _trial(blocks, level, lists), trials))


def _trial(blocks: Blocks, level: float, lists: Lists) -> TwoSampleTest:
    """Train on one pair of lists, try on the other."""
    lists = Lists(*map(np.sort, lists))  # rows and columns of tables are read faster in their order
    called_left = _answers(blocks, lists)
    num_left = len(lists.test_left)
    num = num_left + len(lists.test_right)
    hits = int(called_left[:num_left].sum())
    right = hits + int((~called_left[num_left:]).sum())
    # P(H >= hits) for H ~ Hypergeometric: the called-left networks are a random subset under equal laws.
    p_value, p_more = hypergeom.sf(np.array([hits - 1, hits]), num, num_left, int(called_left.sum()))
    low, high = (float(limit) for limit in clopper_pearson(right, num, level))
    return TwoSampleTest(right / num, low, high, float(p_value), float(p_more), num)


def _answers(blocks: Blocks, lists: Lists) -> Array:
    """Which test networks the classifier calls left."""
    train, test = (lists.train_left, lists.train_right), (lists.test_left, lists.test_right)
    between = _distances(blocks, train, train)
    width = float(np.median(between)) / math.sqrt(2)
    signs = np.repeat(np.array([1, -1], between.dtype), [len(part) for part in train])
    gram = gaussian(between, width)
    gram[np.diag_indices_from(gram)] += RIDGE
    coefficients = cho_solve(cho_factor(gram), signs)
    answers: Array = gaussian(_distances(blocks, test, train), width) @ coefficients > 0
    return answers


def _distances(blocks: Blocks, rows: tuple[Array, Array], columns: tuple[Array, Array]) -> Array:
    """Distances between two pairs of lists, each out of left and right."""
    (left, right), (left_too, right_too), (within_left, across, within_right) = rows, columns, blocks
    num, num_too = len(left), len(left_too)
    found = np.empty((num + len(right), num_too + len(right_too)), across.dtype)
    found[:num, :num_too] = within_left[np.ix_(left, left_too)]
    found[:num, num_too:] = across[np.ix_(left, right_too)]
    found[num:, :num_too] = across[np.ix_(left_too, right)].T
    found[num:, num_too:] = within_right[np.ix_(right, right_too)]
    return found
