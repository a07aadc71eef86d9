"""How simple the functions of a sample are, among all that fit; and the rule for endpoints of training.

Draws are resampled for every interval, as counts of functions.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import beta, norm

from compare import FunctionCounts, Verdict

from .claim import Check

type Array = np.ndarray
LEVEL, CONTROL_LEVEL = 0.95, 0.999
STABLE = 0.95  # share of resamples in which the most frequent function is of one kind
RESAMPLES = 2000


class Interval(NamedTuple):
    value: float
    low: float
    high: float


class Hypotheses(NamedTuple):
    """All functions that fit, and how simple they are."""

    packed: Array  # (function, num_bytes)
    complexity: Array  # (function,) bits


class Kind(NamedTuple):
    """How simple the functions of one sample are."""

    least: Interval  # share of draws that are a least complex function
    median: Interval  # complexity, bits
    quartile: Interval  # the 25th percentile of complexity, bits
    mode_is_least: float  # share of resamples whose most frequent function is a least complex one


def judge(trained: Kind, sampled: Kind) -> tuple[Verdict, str]:
    """The rule of the claim, for one case.

    >>> simple = Kind(Interval(0.9, 0.8, 1.0), Interval(3, 3, 3), Interval(3, 3, 3), 1.0)
    >>> harder = Kind(Interval(0.1, 0.0, 0.2), Interval(9, 9, 9), Interval(6, 6, 6), 0.0)
    >>> judge(simple, harder)[0].value, judge(harder, simple)[0].value
    ('SUPPORTED', 'REFUTED')
    """
    words = (
        f"endpoints' median {trained.median.value:.3g} bits, the posterior's 25th percentile "
        f"{sampled.quartile.value:.3g}"
    )
    if trained.median.high < sampled.quartile.low:
        return Verdict.SUPPORTED, words
    if min(trained.mode_is_least, sampled.mode_is_least) >= STABLE:
        return Verdict.SUPPORTED, f"a least complex function is the most frequent of both; {words}"
    not_least = min(trained.mode_is_least, sampled.mode_is_least) <= 1 - STABLE
    if trained.median.low >= sampled.quartile.high and not_least:
        return Verdict.REFUTED, f"the most frequent function is not a least complex one of both; {words}"
    return Verdict.INCONCLUSIVE, f"intervals straddle the rule: {words}"


def kind_of(counts: FunctionCounts, available: Hypotheses, rng: np.random.Generator) -> Kind:
    """How simple a sample's functions are; draws are resampled for the intervals."""
    complexity = _complexity_of(counts, available)
    least = complexity == available.complexity.min()
    num_least, total = int(counts.counts[least].sum()), counts.total
    low, high = (
        0.0 if num_least == 0 else float(beta.ppf((1 - LEVEL) / 2, num_least, total - num_least + 1)),
        1.0 if num_least == total else float(beta.ppf((1 + LEVEL) / 2, num_least + 1, total - num_least)),
    )
    values, place = np.unique(complexity, return_inverse=True)
    masses = np.bincount(place, counts.counts) / total
    drawn = rng.multinomial(total, masses, RESAMPLES)
    often = np.argsort(-counts.counts, kind="stable")[:200]  # no other function can be the most frequent
    rest = 1 - counts.counts[often].sum() / total
    modes = rng.multinomial(total, [*(counts.counts[often] / total), max(rest, 0.0)], RESAMPLES)[
        :, :-1
    ].argmax(axis=1)
    return Kind(
        Interval(num_least / total, low, high),
        _quantile(values, masses, drawn, 0.5),
        _quantile(values, masses, drawn, 0.25),
        float(least[often][modes].mean()),
    )


def percentile(
    counts: FunctionCounts,
    reference: FunctionCounts,
    available: Hypotheses,
    rng: np.random.Generator,
    level: float,
) -> Interval:
    """Mean percentile of complexities in the reference's, ties counted half: 0.5 for equal laws."""
    left, right = _complexity_of(counts, available), _complexity_of(reference, available)
    values = np.unique(available.complexity)
    p = np.bincount(np.searchsorted(values, left), counts.counts, len(values))
    q = np.bincount(np.searchsorted(values, right), reference.counts, len(values))

    def mean(p: Array, q: Array) -> Array:
        below = np.cumsum(q, axis=-1) - q / 2
        return np.asarray((p * below).sum(axis=-1) / (p.sum(axis=-1) * q.sum(axis=-1)))

    drawn = mean(
        rng.multinomial(counts.total, p / p.sum(), RESAMPLES).astype(float),
        rng.multinomial(reference.total, q / q.sum(), RESAMPLES).astype(float),
    )
    value, spread = float(mean(p, q)), float(drawn.std(ddof=1))
    reach = float(norm.ppf((1 + level) / 2)) * spread
    return Interval(value, value - reach, value + reach)


def controls(
    available: Hypotheses, reference: FunctionCounts, control: FunctionCounts, rng: np.random.Generator
) -> list[Check]:
    """An independent exact sample must be as simple as the reference, uniform functions that fit must not."""
    same = percentile(control, reference, available, rng, CONTROL_LEVEL)
    alike = np.full(len(available.packed), 1 / len(available.packed))
    drawn = FunctionCounts(available.packed, rng.multinomial(control.total, alike))
    other = percentile(drawn, reference, available, rng, CONTROL_LEVEL)
    return [
        Check("an independent exact sample is as simple", same.low <= 0.5 <= same.high, _words(same)),
        Check("functions that fit, all alike, are not", not other.low <= 0.5 <= other.high, _words(other)),
    ]


def _words(found: Interval) -> str:
    return f"percentile {found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _quantile(values: Array, masses: Array, drawn: Array, q: float) -> Interval:
    def at(counts: Array) -> Array:
        shares = np.cumsum(counts, axis=-1) / counts.sum(axis=-1, keepdims=True)
        return values[(shares >= q - 1e-12).argmax(axis=-1)]

    low, high = np.quantile(at(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(at(masses)), float(low), float(high))


def _complexity_of(counts: FunctionCounts, available: Hypotheses) -> Array:
    """Complexities of a sample's functions, all among the available ones."""
    order = np.argsort(numbers_of(available.packed))
    known = numbers_of(available.packed)[order]
    return available.complexity[order][np.searchsorted(known, numbers_of(counts.packed))]


def numbers_of(packed: Array) -> Array:
    """Functions of up to 64 inputs as whole numbers, to look them up."""
    wide = np.zeros((len(packed), 8), np.uint8)
    wide[:, 8 - packed.shape[1] :] = packed
    return wide.view(">u8")[:, 0].astype(np.uint64)
