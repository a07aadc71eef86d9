r"""Functions of networks as bit patterns: identity, counts, probabilities, unseen mass.

A network's labels on all inputs ARE its function. They are packed eight to a byte, the
first input in the most significant bit: ``2^n`` inputs take 1, 2, 4, 16 bytes for
``n = 3, 4, 5, 7``. Of ``N`` independent draws, ``c`` of one function,

.. math::

    \hat P(f) &= \frac cN, \quad \text{Clopper-Pearson interval}
        \left[B^{-1}_{c, N-c+1}(\tfrac\alpha2),\ B^{-1}_{c+1, N-c}(1 - \tfrac\alpha2)\right] \\
    \hat M_0 &= \frac{N_1}{N}, \quad
        \mathrm{s.e.} = \frac1N \sqrt{N_1 \left(1 - \frac{N_1}{N}\right) + 2 N_2}

``M_0`` is the probability of all functions not seen, ``N_r`` the number of functions
seen ``r`` times.

Sources: Clopper and Pearson 1934; Good 1953, section 3 (unseen mass); Esty 1983 (its
error); Mingard et al. 2021, section 2 (probabilities of functions).
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from .binomial import clopper_pearson
from .options import check_count, check_level

type Array = np.ndarray
type Labels = np.ndarray | jax.Array  # (..., num_inputs) booleans or integers, 1 where not zero
type Packed = np.ndarray  # (..., num_bytes) uint8


class FunctionCounts(NamedTuple):
    """How often each function was seen, in increasing order of the packed bytes."""

    packed: Packed  # (function, num_bytes), all different
    counts: Array  # (function,) positive integers

    @property
    def total(self) -> int:
        """Number of draws."""
        return int(self.counts.sum())


class Probabilities(NamedTuple):
    """Estimates with their exact intervals, one a function."""

    value: Array
    low: Array
    high: Array


class UnseenMass(NamedTuple):
    """Probability of the functions that were not seen."""

    value: float
    standard_error: float
    low: float
    high: float


def pack_labels(labels: Labels) -> Labels:
    """Labels of the inputs, last axis, as bytes; numpy in and out, or jax on its device.

    Unused bits of the last byte are zero.

    >>> pack_labels(np.array([[0, 0, 0, 1, 0, 1, 1, 1]])).tolist()
    [[23]]
    """
    if isinstance(labels, jax.Array):
        return jnp.packbits(labels, axis=-1)
    return np.packbits(np.asarray(labels), axis=-1)


def unpack_labels(packed: Packed, num_inputs: int) -> Array:
    """Labels ``(..., num_inputs)``, integers 0 and 1; the inverse of :func:`pack_labels`.

    Raises ``ValueError`` for more inputs than there are bits.

    >>> unpack_labels(np.array([23], np.uint8), 8).tolist()
    [0, 0, 0, 1, 0, 1, 1, 1]
    """
    num_bits = 8 * np.shape(packed)[-1]
    if not 0 < num_inputs <= num_bits:
        raise ValueError(f"num_inputs must lie between 1 and the {num_bits} bits packed, got {num_inputs}")
    return np.unpackbits(np.asarray(packed), axis=-1, count=num_inputs).astype(int)


def function_numbers(packed: Packed) -> list[int]:
    """The bytes of each function read as one number, first input most significant.

    >>> function_numbers(np.array([[0, 0, 1, 2]], np.uint8))
    [258]
    """
    return [int.from_bytes(row.tobytes(), "big") for row in np.asarray(packed, np.uint8)]


def count_functions(packed: Packed) -> FunctionCounts:
    """Count the functions among draws ``(draw, num_bytes)``.

    Raises ``ValueError`` for anything but packed bytes of at least one draw.

    >>> count_functions(np.array([[7], [5], [7]], np.uint8)).counts.tolist()
    [1, 2]
    """
    array = np.asarray(packed)
    if array.ndim != 2 or array.dtype != np.uint8 or 0 in array.shape:
        raise ValueError(
            f"functions are counted from packed bytes (draw, num_bytes), got {array.dtype} of shape "
            f"{array.shape}: pack the labels of each draw with pack_labels, and give at least one draw"
        )
    values, counts = np.unique(_sortable(array), return_counts=True)
    return FunctionCounts(_as_bytes(values, array.shape[1]), counts)


def merge_counts(parts: Sequence[FunctionCounts]) -> FunctionCounts:
    """The counts of several sets of draws together, so that a stream needs no memory of draws.

    Raises ``ValueError`` for no sets, and functions of different numbers of inputs.

    >>> part = FunctionCounts(np.array([[7]], np.uint8), np.array([2]))
    >>> merge_counts([part, part]).counts.tolist()
    [4]
    """
    widths = sorted({part.packed.shape[1] for part in parts})
    if len(widths) != 1:
        raise ValueError(f"functions of one number of bytes are needed, got {widths}: label the same inputs")
    packed = np.concatenate([part.packed for part in parts])
    values, place = np.unique(_sortable(packed), return_inverse=True)
    sums = np.zeros(len(values), np.int64)
    np.add.at(sums, place, np.concatenate([part.counts for part in parts]))
    return FunctionCounts(_as_bytes(values, packed.shape[1]), sums)


def fitting_functions(counts: FunctionCounts, rows: Array, labels: Array) -> FunctionCounts:
    """The functions that give ``labels`` to the inputs ``rows``: the zero-one posterior.

    The prior's counts restricted to functions without training errors are counts of the
    prior conditioned on fit. Raises ``ValueError`` if no function fits, and for rows without a label.

    >>> counts = FunctionCounts(np.array([[0b10000000], [0b11000000]], np.uint8), np.array([3, 1]))
    >>> fitting_functions(counts, np.array([1]), np.array([0])).counts.tolist()
    [3]
    """
    rows, num_inputs = np.asarray(rows, int), 8 * counts.packed.shape[1]
    if rows.ndim != 1 or rows.shape != np.shape(labels) or not np.all((rows >= 0) & (rows < num_inputs)):
        raise ValueError(
            f"rows are inputs 0 to {num_inputs - 1}, a label each, got {rows} and labels {np.shape(labels)}"
        )
    wanted = np.zeros(8 * counts.packed.shape[1], bool)
    mask = np.zeros_like(wanted)
    wanted[rows], mask[rows] = np.asarray(labels) != 0, True
    keep = ((counts.packed ^ np.packbits(wanted)) & np.packbits(mask) == 0).all(axis=1)
    if not keep.any():
        raise ValueError(
            f"none of the {counts.total} draws fits all {len(rows)} labels: draw more from the prior, "
            "or sample the posterior by SMC"
        )
    return FunctionCounts(counts.packed[keep], counts.counts[keep])


def counts_of(counts: FunctionCounts, packed: Packed) -> Array:
    """How often each of the functions ``(function, num_bytes)`` was seen, zeros included.

    Raises ``ValueError`` for functions of another number of inputs, and without draws.

    >>> counts = FunctionCounts(np.array([[5], [7]], np.uint8), np.array([3, 1]))
    >>> counts_of(counts, np.array([[7], [6]], np.uint8)).tolist()
    [1, 0]
    """
    if np.shape(packed)[1:] != counts.packed.shape[1:] or not len(counts.packed):
        raise ValueError(
            f"functions (function, num_bytes) of the same inputs are needed, got {counts.packed.shape} "
            f"counted and {np.shape(packed)} asked for"
        )
    seen, asked = _sortable(counts.packed), _sortable(packed)
    place = np.minimum(np.searchsorted(seen, asked), len(seen) - 1)
    return np.where(seen[place] == asked, counts.counts[place], 0)


def function_probabilities(counts: FunctionCounts, level: float = 0.95) -> Probabilities:
    """Probability of each function seen, with its interval; each alone has level ``level``.

    >>> counts = FunctionCounts(np.array([[7]], np.uint8), np.array([9]))
    >>> round(float(function_probabilities(counts).low[0]), 4)
    0.6637
    """
    return Probabilities(
        counts.counts / counts.total, *clopper_pearson(counts.counts, counts.total, level=level)
    )


def unseen_mass(counts: FunctionCounts, level: float = 0.95) -> UnseenMass:
    """Good-Turing estimate of the probability of all functions not seen, with Esty's error.

    The error counts at least one function seen once, so that it is never zero: a sample
    without rare functions does not prove that there are none. Raises ``ValueError`` without draws.

    >>> unseen_mass(FunctionCounts(np.array([[1], [2]], np.uint8), np.array([1, 99]))).value
    0.01
    """
    check_level(level)
    check_count(total=counts.total)
    total = counts.total
    once, twice = int(np.sum(counts.counts == 1)), int(np.sum(counts.counts == 2))
    value = once / total
    error = float(np.sqrt(max(once, 1) * max(1 - value, 1 / total) + 2 * twice) / total)
    reach = float(norm.ppf((1 + level) / 2)) * error
    return UnseenMass(value, error, max(0.0, value - reach), min(1.0, value + reach))


def subsample(counts: FunctionCounts, num: int, rng: np.random.Generator) -> FunctionCounts:
    """``num`` of the draws, one or more, without replacement; all where there are no more.

    >>> counts = FunctionCounts(np.array([[1], [2]], np.uint8), np.array([5, 4]))
    >>> subsample(counts, 3, np.random.default_rng(0)).total
    3
    """
    check_count(num=num)
    if num >= counts.total:
        return counts
    drawn = rng.multivariate_hypergeometric(counts.counts, num, method="marginals")
    return FunctionCounts(counts.packed[drawn > 0], drawn[drawn > 0])


def _sortable(packed: Packed) -> Array:
    """One value a row that sorts and compares as its bytes do; integers where they are wide enough."""
    num_bytes = packed.shape[1]
    width = _integer_width(num_bytes)
    if width is None:
        return np.ascontiguousarray(packed).view(f"V{num_bytes}")[:, 0]
    padded = np.zeros((len(packed), width), np.uint8)
    padded[:, :num_bytes] = packed
    return padded.view(f">u{width}")[:, 0].astype(f"u{width}")


def _as_bytes(values: Array, num_bytes: int) -> Packed:
    """The inverse of :func:`_sortable`."""
    width = _integer_width(num_bytes)
    if width is None:
        return values[:, None].view(np.uint8)
    return values.astype(f">u{width}")[:, None].view(np.uint8)[:, :num_bytes]


def _integer_width(num_bytes: int) -> int | None:
    return next((width for width in (1, 2, 4, 8) if width >= num_bytes), None)
