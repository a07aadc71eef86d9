r"""The mean over networks and items that are both a sample of many more.

.. math:: \bar v = \tfrac1{nm} \textstyle\sum_{ix} v_{ix}, \qquad
    \sigma^2 = \tfrac1n \operatorname{var}_i \bar v_{i\cdot} + \tfrac1m \operatorname{var}_x \bar v_{\cdot x}

``v`` may be the difference of two answers of one network to one item, paired. What network and
item share is counted in both terms: a little too much, never too little.

Source: Owen 2007, sections 2 and 4 (variance of crossed means).
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from .options import check_level

type Array = np.ndarray


class CrossedMean(NamedTuple):
    """A mean with its standard error over both networks and items."""

    value: float
    error: float

    def interval(self, level: float) -> tuple[float, float]:
        """The central normal interval. Raises ``ValueError`` for a level outside 0 to 1.

        >>> [round(end, 3) for end in CrossedMean(0.5, 0.1).interval(0.95)]
        [0.304, 0.696]
        """
        check_level(level)
        reach = float(norm.ppf((1 + level) / 2)) * self.error
        return self.value - reach, self.value + reach


def crossed_mean(values: Array) -> CrossedMean:
    """The mean of ``values`` ``(network, item)`` for other networks and other items.

    Raises ``ValueError`` for fewer than two of either, or other axes.

    >>> crossed_mean(np.array([[0.0, 1.0], [0.0, 1.0]]))
    CrossedMean(value=0.5, error=0.5)
    """
    if np.ndim(values) != 2 or min(np.shape(values)) < 2:
        raise ValueError(
            f"values (network, item) of two networks and two items or more are needed, got {np.shape(values)}"
        )
    num_units, num_items = values.shape
    of_units, of_items = values.mean(axis=1, dtype=float), values.mean(axis=0, dtype=float)
    variance = of_units.var(ddof=1) / num_units + of_items.var(ddof=1) / num_items
    return CrossedMean(float(of_units.mean()), float(np.sqrt(variance)))
