r"""A distance never travels without its nulls.

Three laws at the *same sample sizes* ``(n, m)``:

- **floor**: posterior against posterior. The chains are split in two at random, ``n``
  networks come from one half and ``m`` from the other;
- **distance**: the arm against the second half;
- **ceiling**: the prior against the second half.

Networks are the units: seeds for endpoints, draws thinned to the effective sample
size for chains. The floor's band and the point come from resampling *without*
replacement (repeats would add bias), the interval from the bootstrap's quantiles about its
own mean, added to the point: they follow the skewness of a share that cannot fall below
zero. With ``k`` distances read together each interval has level ``1 - 0.05/k``, so that all
hold at once with 95 %.

Closeness is ``(ceiling - d) / (ceiling - floor)``: 1 when the arm is as close to the
posterior as the posterior to itself, 0 when it is as far as the prior.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import numpy as np

from .distances import Distance
from .tables import Means, Pairs, Sample, check_samples, one_thread

type Array = np.ndarray


class Outcome(StrEnum):
    """Whether two laws are equal as far as one distance can tell."""

    EQUIVALENT = "EQUIVALENT"
    DIFFERENT = "DIFFERENT"
    INCONCLUSIVE = "INCONCLUSIVE"


class Band(NamedTuple):
    """A mean and the central interval about it."""

    mean: float
    low: float
    high: float


class Comparison(NamedTuple):
    """One distance with its floor, ceiling, interval and outcome."""

    name: str
    description: str
    distance: Band
    floor: Band
    ceiling: Band
    excess: Band  # distance minus the floor's mean
    closeness: Band
    margin: float  # excess that still counts as equal, in the unit of the distance
    outcome: Outcome
    num_left: int  # networks of each resample
    num_right: int
    among_left: int  # networks that they were drawn out of
    among_right: int


NUM_NULL = 100  # random splits behind a floor and a ceiling
NUM_POINT = 50  # random splits averaged for the distance itself


def compare_samples(
    arms: Mapping[str, Sample],
    reference: Sample,
    ceiling: Sample,
    distances: Sequence[Distance],
    *,
    seed: int,
    num_resamples: int = 500,
    family: int | None = None,
    pairs: Pairs | None = None,
) -> dict[str, list[Comparison]]:
    """Compare every arm with the reference by every distance, each with its nulls.

    ``num_resamples`` is the number of bootstrap resamples of each interval; ``family``
    the number of comparisons of one arm read together, the number of distances unless
    given; ``pairs`` from :func:`paired` spares computing distances between networks
    again. An arm's numbers do not depend on which other arms there are. Raises
    ``ValueError`` if a sample has fewer than two units, the reference fewer than two
    chains, the probes differ, or a value is not finite.
    """
    check_samples(reference, ceiling, *arms.values())
    level = 1 - 0.05 / (family or len(distances))
    linear = [distance for distance in distances if distance.feature is not None]
    paired_ones = [distance for distance in distances if distance.feature is None]
    found: dict[str, dict[str, Comparison]] = {name: {} for name in arms}
    with one_thread():
        if linear:
            features = tuple(dict.fromkeys(d.feature for d in linear if d.feature is not None))
            means = Means(_named(arms, reference, ceiling), features)
            _compare(means, linear, found, level, seed, num_resamples)
        if paired_ones:
            pairs = pairs or paired(arms, reference, ceiling, seed=seed)
            _compare(pairs, paired_ones, found, level, seed, num_resamples)
    return {name: [of_arm[distance.name] for distance in distances] for name, of_arm in found.items()}


def paired(arms: Mapping[str, Sample], reference: Sample, ceiling: Sample, *, seed: int) -> Pairs:
    """Distances between networks, to be shared by several comparisons of the same samples."""
    return Pairs(_named(arms, reference, ceiling), seed=seed)


def judge(low: float, high: float, margin: float) -> Outcome:
    """Equivalent if the whole interval of the excess is within the margin, different if
    all of it is beyond, else inconclusive (two one-sided tests).

    >>> judge(-0.01, 0.015, margin=0.02).value, judge(0.03, 0.05, margin=0.02).value
    ('EQUIVALENT', 'DIFFERENT')
    """
    if not (np.isfinite(low) and np.isfinite(high) and np.isfinite(margin)):
        return Outcome.INCONCLUSIVE
    if high <= margin:
        return Outcome.EQUIVALENT
    return Outcome.DIFFERENT if low > margin else Outcome.INCONCLUSIVE


def closeness(distance: Band, floor: Band, ceiling: Band) -> Band:
    """Where the distance lies between ceiling (0) and floor (1); nan if the two coincide."""
    reach = ceiling.mean - floor.mean
    if reach <= 0:
        return Band(np.nan, np.nan, np.nan)
    return Band(*((ceiling.mean - value) / reach for value in (distance.mean, distance.high, distance.low)))


def band(values: Array, level: float) -> Band:
    """Mean and central interval of simulated values."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Band(float(np.mean(values)), float(low), float(high))


REFERENCE, CEILING = "/reference", "/ceiling"  # no arm has a slash in its name


def _named(arms: Mapping[str, Sample], reference: Sample, ceiling: Sample) -> dict[str, Sample]:
    return {REFERENCE: reference, CEILING: ceiling, **arms}


def _compare(
    tables: Means | Pairs,
    distances: Sequence[Distance],
    found: Mapping[str, dict[str, Comparison]],
    level: float,
    seed: int,
    num_resamples: int,
) -> None:
    """Add the comparisons by distances that see the same tables to those found."""
    units = {name: np.arange(len(sample.chain)) for name, sample in tables.samples.items()}
    rng = np.random.default_rng(seed)
    halves = [_split_chains(rng, tables.samples[REFERENCE].chain) for _ in range(NUM_NULL)]
    num_half = min(len(half) for pair in halves for half in pair)
    right = _drawn(rng, (half for _, half in halves), num_half)

    def values(name: str, left: Array, right: Array) -> dict[str, Array]:
        seen = {d.feature: None for d in distances}
        made = {f: tables.seen(f, name, left, REFERENCE, right) for f in seen}
        return {d.name: np.asarray(d.between(*made[d.feature]), float) for d in distances}

    @cache
    def nulls(num_left: int) -> tuple[dict[str, Band], dict[str, Band]]:
        """Floor and ceiling at this sample size: shared by all arms that have it."""
        rng = np.random.default_rng([seed, num_left])
        floor = _drawn(rng, (half for half, _ in halves), num_left)
        top = _drawn(rng, (units[CEILING] for _ in halves), num_left)
        both = values(REFERENCE, floor, right), values(CEILING, top, right)
        of_floor, of_ceiling = ({name: band(v, level) for name, v in found.items()} for found in both)
        return of_floor, of_ceiling

    for arm in found:
        rng = np.random.default_rng([seed, zlib.crc32(arm.encode())])
        num_left = min(len(units[arm]), len(units[CEILING]), num_half)
        point = values(arm, _drawn(rng, [units[arm]] * NUM_POINT, num_left), right[:NUM_POINT])
        boot = [
            _drawn(rng, [units[name]] * num_resamples, size, replace=True)
            for name, size in ((arm, num_left), (REFERENCE, num_half))
        ]
        spread = values(arm, *boot)
        floor, top = nulls(num_left)
        sizes = (num_left, num_half, len(units[arm]), len(units[REFERENCE]))
        for distance in distances:
            name = distance.name
            found[arm][name] = _comparison(
                distance, float(np.mean(point[name])), spread[name], (floor[name], top[name]), level, sizes
            )


def _drawn(rng: np.random.Generator, among: Iterable[Array], size: int, replace: bool = False) -> Array:
    """``size`` random units out of each list, ``(list, size)``."""
    return np.stack([rng.choice(units, size, replace=replace) for units in among])


def _split_chains(rng: np.random.Generator, chain: Array) -> tuple[Array, Array]:
    """Positions of the draws of one random half of the chains, and of the others."""
    chains = rng.permutation(np.unique(chain))
    first = np.isin(chain, chains[: len(chains) // 2])
    return np.flatnonzero(first), np.flatnonzero(~first)


def _comparison(
    distance: Distance,
    point: float,
    spread: Array,
    floor_and_ceiling: tuple[Band, Band],
    level: float,
    sizes: tuple[int, int, int, int],
) -> Comparison:
    floor, ceiling = floor_and_ceiling
    deviations = np.quantile(spread - np.mean(spread), [(1 - level) / 2, (1 + level) / 2])
    low, high = point + deviations
    interval = Band(point, float(low), min(float(high), distance.largest))
    excess = Band(*(value - floor.mean for value in interval))
    reach = ceiling.mean - floor.mean
    margin = distance.margin * (reach if distance.margin_kind == "relative" else 1.0)
    return Comparison(
        distance.name,
        distance.description,
        interval,
        floor,
        ceiling,
        excess,
        closeness(interval, floor, ceiling),
        margin,
        judge(excess.low, excess.high, margin),
        *sizes,
    )
