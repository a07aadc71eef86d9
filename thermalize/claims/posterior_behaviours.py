"""Named behaviours of functions, and whether endpoints and posterior are equal in them.

Where functions outnumber draws a histogram cannot show equality; a mean can. Two means are equal
as far as this goes if the whole 95 % interval of their difference lies within 0.1 of the posterior's
standard deviation (two one-sided tests).
"""

import numpy as np
from scipy.stats import norm

from compare import FunctionCounts, hypercube_neighbours, judge, sensitivity, unpack_labels

from .boolean import System, complexities
from .claim import Number

type Array = np.ndarray

MARGIN = 0.1  # posterior standard deviations
LEVEL = 0.95


def behaviours_of(packed: Array, chosen: System, table: Array, rows: Array) -> dict[str, Array]:
    """Numbers of each function, ``(function,)`` each, by name."""
    labels = unpack_labels(packed, chosen.num_inputs)
    others = np.setdiff1d(np.arange(chosen.num_inputs), rows)
    return {
        "accuracy on the other inputs": (labels[:, others] == np.asarray(table)[others]).mean(axis=1),
        "share of ones": labels.mean(axis=1),
        "Lempel-Ziv complexity": complexities(packed, chosen.num_inputs),
        "sensitivity": sensitivity(labels, hypercube_neighbours(chosen.num_bits)),
    }


def differences(
    trained: FunctionCounts, reference: FunctionCounts, chosen: System, table: Array, rows: Array
) -> list[Number]:
    """Difference of means, endpoints less posterior, in posterior standard deviations, and its verdict."""
    ours, theirs = (behaviours_of(counts.packed, chosen, table, rows) for counts in (trained, reference))
    found = []
    for name in ours:
        left, right = _moments(ours[name], trained), _moments(theirs[name], reference)
        spread = right[1] ** 0.5
        if spread == 0:
            found.append(Number(f"{name}, difference", None, None, None, "the posterior has no spread"))
            continue
        value = (left[0] - right[0]) / spread
        error = (left[1] / trained.total + right[1] / reference.total) ** 0.5 / spread
        reach = float(norm.ppf((1 + LEVEL) / 2)) * error
        outcome = (
            judge(value - reach, value + reach, MARGIN)
            if value >= 0
            else judge(-value - reach, -value + reach, MARGIN)
        )
        unit = f"posterior sd; {outcome} within {MARGIN:g}"
        found.append(Number(f"{name}, difference", value, value - reach, value + reach, unit))
    return found


def _moments(values: Array, counts: FunctionCounts) -> tuple[float, float]:
    """Mean and variance over the draws."""
    mean = float(np.average(values, weights=counts.counts))
    return mean, float(np.average((values - mean) ** 2, weights=counts.counts))
