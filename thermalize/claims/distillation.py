r"""The smallest student that agrees with its teacher, with an interval; and how two labels compare.

A student of ``p`` parameters agrees with its teacher on the share ``a(p)`` of the probe where both
have the same most probable class, averaged over teachers and student seeds. The size needed is
where ``a`` first reaches 95 %, read off between two sizes along ``ln p`` after the running
maximum over sizes. Outside the sizes tried there is only a bound: at most the smallest, or above the
largest. The interval resamples teachers, students of each and probe images together; a bound
enters it as the bound it is.

Source: Hinton, Vinyals and Dean 2015 (distillation); Efron and Tibshirani 1993, section 8.2.
"""

from typing import NamedTuple

import numpy as np

from compare import Verdict

type Array = np.ndarray
AGREEMENT, RATIO, LEVEL, RESAMPLES = 0.95, 2.0, 0.95, 2000


class Size(NamedTuple):
    """Parameters needed: a number where both ends meet, else a bound."""

    low: float
    high: float


class Ratio(NamedTuple):
    """How many times the parameters; ``high`` is infinite, or ``low`` zero, where only a bound is known."""

    value: Size
    low: float
    high: float


def size_needed(num_params: Array, agreement: Array, wanted: float = AGREEMENT) -> Size:
    """Where the agreement ``(size,)`` first reaches ``wanted``; sizes ascending.

    >>> sizes = np.array([10.0, 100.0, 1000.0])
    >>> tuple(round(end, 1) for end in size_needed(sizes, np.array([0.5, 0.9, 1.0]), 0.95))
    (316.2, 316.2)
    >>> size_needed(sizes, np.array([0.5, 0.6, 0.7]), 0.95)
    Size(low=1000.0, high=inf)
    >>> size_needed(sizes, np.array([0.99, 0.6, 1.0]), 0.95)
    Size(low=0.0, high=10.0)
    """
    low, high = _sizes(num_params, np.asarray(agreement)[None], wanted)
    return Size(float(low[0]), float(high[0]))


def _sizes(num_params: Array, agreement: Array, wanted: float) -> tuple[Array, Array]:
    """Both ends for many curves ``(curve, size)`` at once."""
    best = np.maximum.accumulate(agreement, axis=-1)
    reached = best >= wanted
    first = reached.argmax(axis=-1)
    rows = np.arange(len(best))
    before = np.maximum(first - 1, 0)
    rise = best[rows, first] - best[rows, before]
    share = np.where(rise > 0, (wanted - best[rows, before]) / np.where(rise > 0, rise, 1.0), 1.0)
    logs = np.log(np.asarray(num_params, float))
    between = np.exp(logs[before] + share * (logs[first] - logs[before]))
    never, at_once = ~reached.any(axis=-1), reached[:, 0]
    low = np.where(never, num_params[-1], np.where(at_once, 0.0, between))
    high = np.where(never, np.inf, np.where(at_once, num_params[0], between))
    return low, high


def resampled_curves(agree: Array, images: Array, rng: np.random.Generator) -> Array:
    """Mean agreement by size, ``(resample, size)``, of ``(teacher, size, student, image)``.

    ``images`` are the resampled probe images as shares ``(resample, image)``: the same for both
    teachers of a pair, who are asked about the same images.
    """
    num_teachers, _, num_students, _ = agree.shape
    by_image = np.einsum("twsi,ri->rtws", agree.astype(np.float32), images.astype(np.float32))
    students = _shares(rng, (len(images), num_teachers), num_students)
    by_teacher = np.einsum("rtws,rts->rtw", by_image, students)
    return np.einsum("rtw,rt->rw", by_teacher, _shares(rng, (len(images),), num_teachers))


def _shares(rng: np.random.Generator, shape: tuple[int, ...], num: int) -> Array:
    """Resampling ``num`` units with replacement, as the share that each of them gets."""
    return rng.multinomial(num, np.full(num, 1 / num), size=shape) / num


def compare_sizes(
    num_params: Array, harder: Array, easier: Array, rng: np.random.Generator, level: float = LEVEL
) -> Ratio:
    """The size that students of the ``harder`` teachers need over that of the ``easier`` ones.

    Both are agreements ``(teacher, size, student, image)`` on the same images.
    """
    images = _shares(rng, (RESAMPLES,), harder.shape[-1])
    above = _sizes(num_params, resampled_curves(harder, images, rng), AGREEMENT)
    below = _sizes(num_params, resampled_curves(easier, images, rng), AGREEMENT)
    low, high = _ratios(above, below)
    point = _ratios(*(_sizes(num_params, _curve(agree)[None], AGREEMENT) for agree in (harder, easier)))
    tail = (1 - level) / 2
    # By rank: no interpolation between a number and infinity.
    return Ratio(
        Size(float(point[0][0]), float(point[1][0])),
        float(np.quantile(low, tail, method="lower")),
        float(np.quantile(high, 1 - tail, method="higher")),
    )


def _ratios(above: tuple[Array, Array], below: tuple[Array, Array]) -> tuple[Array, Array]:
    low = above[0] / below[1]  # an infinite denominator gives the bound 0
    high = np.full(len(low), np.inf)
    np.divide(above[1], below[0], out=high, where=below[0] > 0)
    return low, high


def _curve(agree: Array) -> Array:
    return np.asarray(agree.mean(axis=(0, 2, 3)))


def interval_of_size(num_params: Array, agree: Array, rng: np.random.Generator) -> tuple[Size, float, float]:
    """The size needed and its interval; ends at infinity, or zero, are bounds."""
    images = _shares(rng, (RESAMPLES,), agree.shape[-1])
    low, high = _sizes(num_params, resampled_curves(agree, images, rng), AGREEMENT)
    tail = (1 - LEVEL) / 2
    return (
        size_needed(num_params, _curve(agree)),
        float(np.quantile(low, tail, method="lower")),
        float(np.quantile(high, 1 - tail, method="higher")),
    )


def judge(ratio: Ratio) -> Verdict:
    """The rule of the claim, for one kind of teacher.

    >>> [judge(Ratio(Size(3, 3), *ends)).value for ends in ((2.5, float("inf")), (1.0, 1.9), (1.5, 3.0))]
    ['SUPPORTED', 'REFUTED', 'INCONCLUSIVE']
    """
    if ratio.low >= RATIO:
        return Verdict.SUPPORTED
    return Verdict.REFUTED if ratio.high < RATIO else Verdict.INCONCLUSIVE


def size_text(size: Size) -> str:
    """A size in words.

    >>> size_text(Size(316.2, 316.2)), size_text(Size(0.0, 10.0)), size_text(Size(1000.0, float("inf")))
    ('316', 'at most 10', 'above 1,000')
    """
    if size.low == size.high:
        return f"{size.low:,.3g}" if size.low < 1000 else f"{size.low:,.0f}"
    return f"at most {size.high:,.0f}" if size.low == 0 else f"above {size.low:,.0f}"
