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
hold at once with 95 %; what counts as equal or different, and what could have been
seen, is in :mod:`compare.equivalence`.

Closeness is ``(ceiling - d) / (ceiling - floor)``: 1 when the arm is as close to the
posterior as the posterior to itself, 0 when it is as far as the prior.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

import numpy as np

from .comparison import NOT_KNOWN, Band, Comparison, band, closeness, read_together
from .distances import Distance
from .equivalence import LEVEL, Outcome, one_sided, power
from .options import check_count
from .tables import Kernel, Means, Numbers, Orders, Pairs, Sample, check_samples, one_thread

type Array = np.ndarray


class Tables(Protocol):
    """Means, pairs or orders of samples."""

    samples: dict[str, Sample]

    def seen(
        self, sees: Any, left: str, of_left: Array, right: str, of_right: Array
    ) -> list[list[Array]]: ...


NUM_NULL = 100  # random splits behind a floor and a ceiling
NUM_POINT = 50  # random splits averaged for the distance itself
MIN_PAIRED = 8  # networks: of fewer a resample may hold one alone, which has no pairs
NUM_SPREAD = 200  # bootstrap resamples of reference against reference


def compare_samples(
    arms: Mapping[str, Sample],
    reference: Sample,
    ceiling: Sample | None,
    distances: Sequence[Distance],
    *,
    seed: int,
    num_resamples: int | None = None,
    family: int | None = None,
    pairs: Pairs | None = None,
) -> dict[str, list[Comparison]]:
    """Compare every arm with the reference by every distance, each with its nulls.

    ``num_resamples`` is the number of bootstrap resamples of each interval, at least 500 and
    80 for each of the family unless given; ``family`` the number of comparisons of one arm
    read together, the number of distances unless given; ``pairs`` from :func:`paired` spares
    computing distances between networks again. Without ``ceiling`` there is no closeness, and
    a margin that is a share of the way to it is nan: that outcome is INCONCLUSIVE. An arm's
    numbers do not depend on which other arms there are. Raises ``ValueError`` if a sample has
    fewer than two units, the reference fewer than two chains, the probes differ, or a value
    is not finite; for fewer than eight networks in pairs; without distances, with two of one
    name, and for counts below one.
    """
    samples = _named(arms, reference, ceiling)
    names = [distance.name for distance in distances]
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"give one distance or more, each by a name of its own, got {names or 'none'}: [energy()], say"
        )
    check_samples(reference, *samples.values())
    family = len(distances) if family is None else family
    if num_resamples is None:
        num_resamples = max(500, 80 * family)  # Holm's smallest step is 0.025 / family
    check_count(family=family, num_resamples=num_resamples)
    level = 1 - (1 - LEVEL) / family
    found: dict[str, dict[str, Comparison]] = {name: {} for name in arms}

    together: dict[object, list[Distance]] = {}
    for distance in distances:
        sees = distance.sees
        kind = sees if isinstance(sees, Numbers) else Kernel if isinstance(sees, Kernel) else Means
        together.setdefault(kind, []).append(distance)

    def tables(kind: object, some: Sequence[Distance]) -> Tables:
        if isinstance(kind, Numbers):
            return Orders(samples, kind, reference=REFERENCE, seed=seed)
        if kind is Kernel:
            return pairs or paired(arms, reference, ceiling, seed=seed)
        return Means(samples, list(dict.fromkeys(d.sees for d in some if callable(d.sees))))

    with one_thread():
        for one, some in together.items():
            _compare(tables(one, some), some, found, level, seed, num_resamples)
    ordered = {name: [of_arm[distance.name] for distance in distances] for name, of_arm in found.items()}
    return {name: read_together(comparisons) for name, comparisons in ordered.items()}


def paired(arms: Mapping[str, Sample], reference: Sample, ceiling: Sample | None, *, seed: int) -> Pairs:
    """Distances between networks, to be shared by several comparisons of the same samples."""
    return Pairs(_named(arms, reference, ceiling), reference=REFERENCE, seed=seed)


REFERENCE, CEILING = "/reference", "/ceiling"  # no arm may have these names


def _named(arms: Mapping[str, Sample], reference: Sample, ceiling: Sample | None) -> dict[str, Sample]:
    taken = sorted({REFERENCE, CEILING} & set(arms))
    if taken:
        raise ValueError(f"an arm cannot be named {taken[0]!r}: that name is taken, give it another")
    return {REFERENCE: reference} | ({} if ceiling is None else {CEILING: ceiling}) | dict(arms)


class Nulls(NamedTuple):
    """What one distance shows at given sizes without the arm, each ``(resample,)``."""

    floor: Array
    ceiling: Array | None
    spread: Array  # bootstrap of reference against reference


def _compare(
    tables: Tables,
    distances: Sequence[Distance],
    found: Mapping[str, dict[str, Comparison]],
    level: float,
    seed: int,
    num_resamples: int,
) -> None:
    """Add the comparisons by distances that see the same tables to those found."""
    units = {name: np.arange(len(sample.chain), dtype=np.int32) for name, sample in tables.samples.items()}
    rng = np.random.default_rng(seed)
    chain = tables.samples[REFERENCE].chain
    chains = np.unique(chain)
    halves = [_split_chains(rng, chains, chain) for _ in range(NUM_NULL)]
    num_half = min(len(half) for pair in halves for half in pair)
    right = _drawn(rng, (half for _, half in halves), num_half)
    sees = list(dict.fromkeys(distance.sees for distance in distances))

    def values(name: str, left: Array, right: Array) -> list[Array]:
        """Each distance, ``(resample,)``."""
        made = dict(zip(sees, tables.seen(sees, name, left, REFERENCE, right), strict=True))
        return [np.asarray(d.between(*made[d.sees]), float) for d in distances]

    @cache
    def nulls(num_left: int) -> list[Nulls]:
        """Of each distance at this sample size: shared by all arms that have it."""
        rng = np.random.default_rng([seed, num_left])
        floor = _drawn(rng, (half for half, _ in halves), num_left)
        top = None
        if CEILING in units:
            top = values(CEILING, _drawn(rng, (units[CEILING] for _ in halves), num_left), right)
        boot = [
            _drawn(rng, [half] * NUM_SPREAD, size, replace=True)
            for half, size in zip(halves[0], (num_left, num_half), strict=True)
        ]
        both = values(REFERENCE, *(np.concatenate(lists) for lists in zip((floor, right), boot, strict=True)))
        return [
            Nulls(of_both[:NUM_NULL], None if top is None else top[i], of_both[NUM_NULL:])
            for i, of_both in enumerate(both)
        ]

    for arm in found:
        rng = np.random.default_rng([seed, zlib.crc32(arm.encode())])
        num_left = min(len(units[arm]), len(units.get(CEILING, units[arm])), num_half)
        if isinstance(tables, Pairs) and num_left < MIN_PAIRED:
            raise ValueError(
                f"distances between pairs need {MIN_PAIRED} networks in every sample and both halves of the "
                f"reference's chains, got {num_left} at the fewest: give more, or compare averages alone"
            )
        of_arm = _drawn(rng, [units[arm]] * NUM_POINT, num_left)
        boot = [
            _drawn(rng, [units[name]] * num_resamples, size, replace=True)
            for name, size in ((arm, num_left), (REFERENCE, num_half))
        ]
        # Point and bootstrap in one go: tables of large samples are made and thrown away.
        both = values(arm, np.concatenate([of_arm, boot[0]]), np.concatenate([right[:NUM_POINT], boot[1]]))
        sizes = (num_left, num_half, len(units[arm]), len(units[REFERENCE]))
        for distance, seen, null in zip(distances, both, nulls(num_left), strict=True):
            point, spread = float(np.mean(seen[:NUM_POINT])), seen[NUM_POINT:]
            found[arm][distance.name] = _comparison(distance, point, spread, null, level, sizes)


def _drawn(rng: np.random.Generator, among: Iterable[Array], size: int, replace: bool = False) -> Array:
    """``size`` random units out of each list, ``(list, size)``."""
    return np.stack([rng.choice(units, size, replace=replace) for units in among])


def _split_chains(rng: np.random.Generator, chains: Array, chain: Array) -> tuple[Array, Array]:
    """Positions of the draws of one random half of the chains, and of the others."""
    first = np.isin(chain, rng.permutation(chains)[: len(chains) // 2])
    units = np.arange(len(chain), dtype=np.int32)
    return units[first], units[~first]


def _comparison(
    distance: Distance,
    point: float,
    spread: Array,
    null: Nulls,
    level: float,
    sizes: tuple[int, int, int, int],
) -> Comparison:
    floor = band(null.floor, level)
    ceiling = NOT_KNOWN if null.ceiling is None else band(null.ceiling, level)
    deviations = spread - np.mean(spread)
    low, high = point + np.quantile(deviations, [(1 - level) / 2, (1 + level) / 2])
    interval = Band(point, float(low), min(float(high), distance.largest))
    excess = Band(*(value - floor.mean for value in interval))
    reach = ceiling.mean - floor.mean
    margin = distance.margin
    if distance.margin_kind == "relative":
        margin *= reach if reach > 0 else np.nan
    could = power(null.floor, null.spread, margin, level, squared=isinstance(distance.sees, Kernel))
    if could.detectable > distance.largest:
        could = could._replace(detectable=np.nan)
    return Comparison(
        distance.name,
        distance.description,
        interval,
        floor,
        ceiling,
        excess,
        closeness(interval, floor, ceiling),
        margin,
        Outcome.INCONCLUSIVE,  # until it is read together with the others
        *sizes,
        one_sided(excess.mean + deviations, margin),
        could,
    )
