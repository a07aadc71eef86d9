r"""A distance never travels without its nulls.

Three laws at the *same sample sizes* ``(n, m)``:

- **floor**: posterior against posterior. The chains are split in two at random, ``n``
  networks come from one half and ``m`` from the other;
- **distance**: the arm against the second half;
- **ceiling**: the prior against the second half.

Networks are the units: seeds for endpoints, draws thinned to the effective sample
size for chains. The floor's band and the point come from resampling *without*
replacement (repeats would add bias), the interval from the bootstrap spread about
its own mean, added to the point. With ``k`` distances read together each interval
has level ``1 - 0.05/k``, so that all hold at once with 95 %.

Closeness is ``(ceiling - d) / (ceiling - floor)``: 1 when the arm is as close to the
posterior as the posterior to itself, 0 when it is as far as the prior.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from typing import NamedTuple

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


def compare_samples(
    left: Sample,
    reference: Sample,
    ceiling: Sample,
    distances: Sequence[Distance],
    *,
    seed: int,
    num_resamples: int = 1000,
    family: int | None = None,
) -> list[Comparison]:
    """Compare ``left`` with the reference by every distance, each with its nulls.

    ``family`` is the number of comparisons read together, the number of distances
    unless given. Raises ``ValueError`` if a sample has fewer than two units, the
    reference fewer than two chains, the probes differ, or a value is not finite.
    """
    check_samples(left, reference, ceiling)
    rng = np.random.default_rng(seed)
    halves = [_split_chains(rng, reference.chain) for _ in range(num_resamples)]
    num_right = min(len(half) for _, half in halves)
    num_left = min(len(left.chain), len(ceiling.chain), min(len(half) for half, _ in halves))
    sizes = len(left.chain), len(reference.chain), len(ceiling.chain)
    starts = np.cumsum([0, *sizes])[:3]
    pooled = np.concatenate([left.probabilities, reference.probabilities, ceiling.probabilities])

    def subset(units: Array, size: int) -> Array:
        return _weights(rng.choice(units, size, replace=False), len(pooled))

    def bootstrap(start: int, size: int, num: int) -> Array:
        return _weights(start + rng.integers(0, size, num), len(pooled))

    rights = [starts[1] + half for _, half in halves]
    matched_right = np.stack([subset(half, num_right) for half in rights])
    lefts = {
        "floor": np.stack([subset(starts[1] + half, num_left) for half, _ in halves]),
        "distance": np.stack([subset(np.arange(sizes[0]), num_left) for _ in halves]),
        "ceiling": np.stack([subset(starts[2] + np.arange(sizes[2]), num_left) for _ in halves]),
    }
    boot_left = np.stack([bootstrap(0, sizes[0], num_left) for _ in halves])
    boot_right = np.stack([bootstrap(starts[1], sizes[1], num_right) for _ in halves])
    level = 1 - 0.05 / (family or len(distances))

    comparisons = []
    for distance in distances:
        table = distance.prepare(jnp.asarray(pooled))
        evaluate = partial(_evaluate, distance.between, table)
        values = {name: evaluate(weights, matched_right) for name, weights in lefts.items()}
        spread = evaluate(boot_left, boot_right)
        comparisons.append(_summarise(distance, values, spread, level, num_left, num_right))
    return comparisons


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


def check_samples(*samples: Sample) -> None:
    """Raise ``ValueError`` for samples that cannot be compared, saying why."""
    for sample in samples:
        if len(sample.chain) < 2:
            raise ValueError(f"a sample needs at least two networks to be compared, got {len(sample.chain)}")
        if sample.probabilities.shape[1:] != samples[0].probabilities.shape[1:]:
            raise ValueError(
                "samples have different probes or classes: "
                f"{samples[0].probabilities.shape[1:]} and {sample.probabilities.shape[1:]}"
            )
        if not np.isfinite(sample.probabilities).all():
            raise ValueError("a sample holds probabilities that are not finite: drop failed networks first")
    if len(np.unique(samples[1].chain)) < 2:
        raise ValueError("the reference needs at least two chains: its floor is chain against chain")


def _split_chains(rng: np.random.Generator, chain: Array) -> tuple[Array, Array]:
    chains = rng.permutation(np.unique(chain))
    first = np.isin(chain, chains[: len(chains) // 2])
    return np.flatnonzero(first), np.flatnonzero(~first)


def _weights(units: Array, num_units: int) -> Array:
    return np.bincount(units, minlength=num_units).astype(np.float32) / len(units)


@partial(jax.jit, static_argnums=0)
def _evaluate(between, table, left, right):  # type: ignore[no-untyped-def]
    return jax.lax.map(lambda pair: between(table, *pair), (left, right), batch_size=100)


def _summarise(
    distance: Distance,
    values: dict[str, jax.Array],
    spread: jax.Array,
    level: float,
    num_left: int,
    num_right: int,
) -> Comparison:
    floor, ceiling = (band(np.asarray(values[name], float), level) for name in ("floor", "ceiling"))
    point = float(np.mean(np.asarray(values["distance"], float)))
    deviations = np.asarray(spread, float) - np.mean(np.asarray(spread, float))
    low, high = point + np.quantile(deviations, [(1 - level) / 2, (1 + level) / 2])
    interval = Band(point, float(low), float(high))
    reach = ceiling.mean - floor.mean
    margin = distance.margin * (reach if distance.margin_kind == "relative" else 1.0)
    excess = Band(*(value - floor.mean for value in interval))
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
        num_left,
        num_right,
    )
