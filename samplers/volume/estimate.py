"""A number with its error, or the reason why there is none: what every estimator of volume gives."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """A value with its standard error, or ``None`` and the reason, in words."""

    value: float | None
    standard_error: float | None
    reason: str = "ok"


def unavailable(reason: str) -> Estimate:
    """No estimate, and why.

    >>> unavailable("the step size diverges").value is None
    True
    """
    return Estimate(None, None, f"not available: {reason}")


def mean_of(values: Sequence[float] | np.ndarray) -> Estimate:
    """The mean of independent values and its standard error.

    >>> mean_of([1.0, 2.0, 3.0])
    Estimate(value=2.0, standard_error=0.577..., reason='ok')
    """
    found = np.asarray(values, float)
    if len(found) < 2:
        return unavailable("one value has no error bar; run two or more")
    return Estimate(float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(len(found))))
