r"""Impostors of a posterior over functions: laws that a comparison must tell from it, and how far they are.

A control proves something only if its right answer is known before. So an impostor is used where its
total variation from the posterior ``p`` is known without the comparison that it tries, and above a limit.
It is known exactly where the impostor is a single function ``f``; of any law ``q`` a set ``A`` that was fixed
beforehand, the functions without training error, shows at least

.. math:: \mathrm{TV}(\delta_f, p) = 1 - p(f), \qquad \mathrm{TV}(q, p) \ge |p(A) - q(A)|,

with equality where ``p`` is ``q`` given ``A``: the prior beside the zero-one posterior. Probabilities are
shares of independent draws, each with its exact binomial interval.

A posterior may be so cold that it *is* the max-margin function. Then the impostor is the function that
fits the training set as well and has every other label turned.

Source: Clopper and Pearson 1934.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from compare import FunctionCounts, clopper_pearson, counts_of, fitting_functions
from models import boolean_inputs

from .boolean import System
from .claim import Check, Number
from .max_margin import max_margin_function

type Array = np.ndarray

FAR = 0.25  # total variation of an impostor that is used, known to be larger
FEWEST_IMPOSTORS = 2
LEVEL = 0.99  # of the interval of each known distance
PRIOR, HOT = "the prior", "the posterior at inverse temperature 1"
MARGIN = "the max-margin function"
TURNED = "the max-margin function with every label turned outside the training set"
REPEATS = 1 << 20  # of the one function: as often as anyone may ask


class Impostor(NamedTuple):
    """Draws of another law, and its total variation from the posterior."""

    counts: FunctionCounts
    value: float
    low: float  # interval of what is known
    high: float | None  # None: only a lower bound is known

    @property
    def words(self) -> str:
        if self.high is None:
            return f"at least {self.value:.3f} (surely {self.low:.3f})"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Functions(NamedTuple):
    """Functions that stand as impostors beside laws."""

    rows: Array  # the training inputs among all inputs
    labels: Array
    margin: Array  # (num_inputs,) the max-margin function's labels
    laws: Mapping[str, FunctionCounts]  # draws of other laws


def functions_of(chosen: System, rows: Array, labels: Array, laws: Mapping[str, FunctionCounts]) -> Functions:
    """The impostors of one task, before anything is known of a posterior."""
    inputs = boolean_inputs(chosen.num_bits)
    num_hidden = len(chosen.widths.split("-")) - 2
    return Functions(rows, labels, max_margin_function(inputs, rows, labels, num_hidden), laws)


def impostors_of(reference: FunctionCounts, among: Functions) -> tuple[dict[str, Impostor], Check]:
    """The impostors that are known to be far from this posterior, and the gate that they are enough."""
    found = {name: beside(reference, law, among) for name, law in among.laws.items()}
    found[MARGIN] = alone(reference, among.margin)
    if found[MARGIN].low <= FAR:
        found[TURNED] = alone(reference, turned(among.margin, among.rows))
    used = {name: one for name, one in found.items() if one.low > FAR}
    words = [f"{name} {one.words}" for name, one in used.items()]
    near = [f"{name} {one.words}" for name, one in found.items() if name not in used]
    left_out = f"; not used, for they may be near: {', '.join(near)}" if near else ""
    detail = f"{len(used)}, needed {FEWEST_IMPOSTORS}: total variation of {', '.join(words)}{left_out}"
    return used, Check(f"impostors known to be further than {FAR:g}", len(used) >= FEWEST_IMPOSTORS, detail)


def alone(reference: FunctionCounts, table: Array) -> Impostor:
    """One function: exactly as far as the posterior is from being certain of it.

    >>> reference = FunctionCounts(np.array([[0], [1]], np.uint8), np.array([900, 100]))
    >>> [round(alone(reference, np.array(bits)).value, 2) for bits in ([0] * 8, [0] * 7 + [1], [1] * 8)]
    [0.1, 0.9, 1.0]
    """
    packed = np.packbits(np.asarray(table, bool))[None]
    hits = int(counts_of(reference, packed)[0])
    low, high = clopper_pearson(hits, reference.total, LEVEL)
    counts = FunctionCounts(packed, np.array([REPEATS]))
    return Impostor(counts, 1 - hits / reference.total, float(1 - high), float(1 - low))


def beside(reference: FunctionCounts, law: FunctionCounts, among: Functions) -> Impostor:
    """Another law: at least as far as the probabilities of no training error are apart."""
    shares = []
    for counts in (reference, law):
        hits = _num_fitting(counts, among.rows, among.labels)
        low, high = clopper_pearson(hits, counts.total, LEVEL)
        shares.append((hits / counts.total, float(low), float(high)))
    (p, p_low, p_high), (q, q_low, q_high) = shares
    return Impostor(law, abs(p - q), max(0.0, p_low - q_high, q_low - p_high), None)


def turned(table: Array, rows: Array) -> Array:
    """The same labels on the ``rows`` and the other ones elsewhere.

    >>> turned(np.array([0, 1, 1]), np.array([1])).tolist()
    [1, 1, 0]
    """
    others = 1 - np.asarray(table)
    others[rows] = np.asarray(table)[rows]
    return np.asarray(others)


def numbers_of(impostors: Mapping[str, Impostor]) -> list[Number]:
    """What is known of each, for the page."""
    return [
        Number(
            f"known total variation of {name}{', at least' if one.high is None else ''}",
            one.value,
            one.low,
            one.high,
            "99 % interval",
        )
        for name, one in impostors.items()
    ]


def _num_fitting(counts: FunctionCounts, rows: Array, labels: Array) -> int:
    try:
        return fitting_functions(counts, rows, labels).total
    except ValueError:
        return 0  # none fits
