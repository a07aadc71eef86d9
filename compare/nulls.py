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
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .distances import Distance

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


class Sample(NamedTuple):
    """Units of one arm: independent networks, or chain draws thinned to be nearly so."""

    probabilities: Array  # (unit, probe, class)
    chain: Array  # (unit,) the chain or seed each unit comes from


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
    num_left: int
    num_right: int


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
) -> dict[str, list[Comparison]]:
    """Compare every arm with the reference by every distance, each with its nulls.

    ``num_resamples`` is the number of bootstrap resamples of each interval; ``family``
    the number of comparisons of one arm read together, the number of distances unless
    given. An arm's numbers do not depend on which other arms there are, beyond
    rounding. Raises ``ValueError`` if a sample has fewer than two units, the reference
    fewer than two chains, the probes differ, or a value is not finite.
    """
    check_samples(reference, ceiling, *arms.values())
    pool = Pool(reference, ceiling, arms)
    rng = np.random.default_rng(seed)
    halves = [_split_chains(rng, reference.chain) for _ in range(NUM_NULL)]
    num_half = min(len(half) for pair in halves for half in pair)
    right = np.stack([pool.drawn(rng, half, num_half) for _, half in halves])
    level = 1 - 0.05 / (family or len(distances))
    tables = [distance.prepare(jnp.asarray(pool.probabilities)) for distance in distances]

    @cache
    def nulls(num_left: int) -> list[tuple[Band, Band]]:
        """Floor and ceiling at this sample size: shared by all arms that have it."""
        rng = np.random.default_rng([seed, num_left])
        floor = np.stack([pool.drawn(rng, half, num_left) for half, _ in halves])
        top = np.stack([pool.drawn(rng, pool.ceiling, num_left) for _ in halves])
        return [
            (band(_evaluate(d, table, floor, right), level), band(_evaluate(d, table, top, right), level))
            for d, table in zip(distances, tables, strict=True)
        ]

    found = {}
    for name in arms:
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        units = pool.arms[name]
        num_left = min(len(units), len(pool.ceiling), num_half)
        point = np.stack([pool.drawn(rng, units, num_left) for _ in range(NUM_POINT)])
        boot = [
            np.stack([pool.drawn(rng, among, size, replace=True) for _ in range(num_resamples)])
            for among, size in ((units, num_left), (pool.reference, num_half))
        ]
        found[name] = [
            _comparison(
                distance,
                float(np.mean(_evaluate(distance, table, point, right[:NUM_POINT]))),
                _evaluate(distance, table, *boot),
                floor_and_ceiling,
                level,
                (num_left, num_half),
            )
            for distance, table, floor_and_ceiling in zip(distances, tables, nulls(num_left), strict=True)
        ]
    return found


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


def check_samples(reference: Sample, *others: Sample) -> None:
    """Raise ``ValueError`` for samples that cannot be compared, saying why."""
    samples = reference, *others
    for sample in samples:
        if len(sample.chain) < 2:
            raise ValueError(f"a sample needs at least two networks to be compared, got {len(sample.chain)}")
        if sample.probabilities.shape[1:] != reference.probabilities.shape[1:]:
            raise ValueError(
                "samples have different probes or classes: "
                f"{reference.probabilities.shape[1:]} and {sample.probabilities.shape[1:]}"
            )
        if not np.isfinite(sample.probabilities).all():
            raise ValueError("a sample holds probabilities that are not finite: drop failed networks first")
    if len(np.unique(reference.chain)) < 2:
        raise ValueError("the reference needs at least two chains: its floor is chain against chain")


class Pool:
    """All networks of a comparison in one table, and where each sample's units stand in it."""

    def __init__(self, reference: Sample, ceiling: Sample, arms: Mapping[str, Sample]) -> None:
        samples = [reference, ceiling, *arms.values()]
        ends = np.cumsum([len(sample.chain) for sample in samples])
        units = np.split(np.arange(ends[-1]), ends[:-1])
        self.probabilities = np.concatenate([sample.probabilities for sample in samples])
        self.reference, self.ceiling = units[:2]
        self.arms = dict(zip(arms, units[2:], strict=True))

    def drawn(self, rng: np.random.Generator, units: Array, size: int, replace: bool = False) -> Array:
        """Weights ``(unit,)`` of ``size`` random units out of ``units``."""
        chosen = rng.choice(units, size, replace=replace)
        counts = np.bincount(chosen, minlength=len(self.probabilities))
        return (counts / size).astype(np.float32)


def _split_chains(rng: np.random.Generator, chain: Array) -> tuple[Array, Array]:
    """Positions of the draws of one random half of the chains, and of the others."""
    chains = rng.permutation(np.unique(chain))
    first = np.isin(chain, chains[: len(chains) // 2])
    return np.flatnonzero(first), np.flatnonzero(~first)


def _evaluate(distance: Distance, table: Any, left: Array, right: Array) -> Array:
    return np.asarray(_between(distance.between, table, left, right), float)


@partial(jax.jit, static_argnums=0)
def _between(between: Callable[..., jax.Array], table: Any, left: jax.Array, right: jax.Array) -> jax.Array:
    return jax.lax.map(lambda pair: between(table, *pair), (left, right), batch_size=50)


def _comparison(
    distance: Distance,
    point: float,
    spread: Array,
    floor_and_ceiling: tuple[Band, Band],
    level: float,
    sizes: tuple[int, int],
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
