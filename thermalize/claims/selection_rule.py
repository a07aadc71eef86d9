r"""The rule of ``subnetworks_selected``: whether good subnetworks grow, and whether that is what matters.

One number of each network trained: the selection slope of its subnetworks, and selection less the size of
transmission in the Price equation (``compare.price_split``). Networks are the units:
intervals are Student's over them.
"""

from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

from compare import Verdict, price_split, selection_slope

from .claim import Check, Number
from .subnetworks import Subnetworks

type Array = np.ndarray
type Part = Literal["holds", "fails", "open"]
LEVEL, CONTROL_LEVEL = 0.99, 0.999
NEGLIGIBLE = 0.05  # of a standard deviation: a slope below is no selection to speak of
FEWEST = 6  # networks

RULE = (
    "Two parts, each one number a trained network, its mean over networks with a 99 % interval of Student's. "
    "Slope: the regression slope of a random subnetwork's strength after training (squared weights) on its "
    "quality at initialisation (minus training loss), at equal strength at initialisation, in standard "
    "deviations; it holds if the interval is above 0, fails if not and its upper end is below "
    f"{NEGLIGIBLE:g}. Share: the selection term of the Price equation less the size of its transmission "
    "term, for the mean quality weighted by strength; it holds if the interval is above 0, fails if below. "
    "SUPPORTED: both hold. PARTLY: the slope holds, the share fails. REFUTED: the slope fails. INCONCLUSIVE: "
    f"anything else, fewer than {FEWEST} networks, or a control that came out wrong."
)


class Mean(NamedTuple):
    """A mean over networks with its standard error."""

    value: float
    error: float
    num: int

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Student's interval."""
        reach = float(stats.t.ppf((1 + level) / 2, self.num - 1)) * self.error
        return self.value - reach, self.value + reach

    def number(self, name: str, unit: str = "") -> Number:
        """The mean as a number of a case."""
        return Number(name, self.value, *self.interval(), unit=unit)


class Selection(NamedTuple):
    """What is known of each network, ``(network,)``."""

    slope: Array
    permuted: Array  # slopes with masks permuted between strength and quality
    chance: Array  # slopes had the weights gone as far at random
    change: Array  # of mean quality, nats per image
    selection: Array
    transmission: Array

    @property
    def lead(self) -> Array:
        """Selection less the size of transmission: a loss by transmission is no gain by selection."""
        return self.selection - np.abs(self.transmission)


def mean_of(values: Array) -> Mean:
    """The mean of one number a network.

    >>> mean_of(np.array([1.0, 2.0, 3.0])).value
    2.0
    """
    return Mean(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))), len(values))


def selection_of(trained: list[Subnetworks], walked: list[Subnetworks], seed: int) -> Selection:
    """Slopes and Price terms of networks trained, and slopes of the same networks walked at random."""
    rng = np.random.default_rng(seed)

    def slope(found: Subnetworks, order: Array | None = None) -> float:
        quality = found.quality[:, 0] if order is None else found.quality[order, 0]
        return float(selection_slope(found.strength[:, 0], found.strength[:, -1], quality))

    terms = [
        price_split(each.strength[:, 0], each.strength[:, -1], each.quality[:, 0], each.quality[:, -1])
        for each in trained
    ]
    return Selection(
        np.array([slope(each) for each in trained]),
        np.array([slope(each, rng.permutation(len(each.quality))) for each in trained]),
        np.array([slope(each) for each in walked]),
        *(np.array(column, float) for column in zip(*terms, strict=True)),
    )


def judge(slope: Mean, difference: Mean) -> tuple[Verdict, str]:
    """The rule, for the slope and for selection less the size of transmission.

    >>> up, none, wide = Mean(0.3, 0.02, 16), Mean(0.0, 0.01, 16), Mean(0.1, 0.1, 16)
    >>> [judge(*pair)[0].value for pair in ((up, up), (up, Mean(-1, 0.1, 16)), (none, up), (wide, up))]
    ['SUPPORTED', 'PARTLY', 'REFUTED', 'INCONCLUSIVE']
    """
    low, high = slope.interval()
    grows: Part = "holds" if low > 0 else "fails" if high < NEGLIGIBLE else "open"
    least, most = difference.interval()
    share: Part = "holds" if least > 0 else "fails" if most < 0 else "open"
    reason = (
        f"slope: {grows} ({slope.value:.3f} [{low:.3f}, {high:.3f}]); selection less size of "
        f"transmission: {share} ({difference.value:.3f} [{least:.3f}, {most:.3f}] nats)"
    )
    if grows == "fails":
        return Verdict.REFUTED, reason
    if grows == "holds" and share != "open":
        return (Verdict.SUPPORTED if share == "holds" else Verdict.PARTLY), reason
    return Verdict.INCONCLUSIVE, reason


def controls(found: Selection, planted: Array) -> list[Check]:
    """Permuted masks and random walks show no selection; strength given by quality does."""
    rows = []
    for name, values in (("permuted masks", found.permuted), ("weights that went at random", found.chance)):
        low, high = mean_of(values).interval(CONTROL_LEVEL)
        rows.append(Check(f"no selection: {name}", low <= 0 <= high, f"slope [{low:.3f}, {high:.3f}]"))
    low, high = mean_of(planted).interval(CONTROL_LEVEL)
    rows.append(Check("selection: strength by quality", low > NEGLIGIBLE, f"slope [{low:.3f}, {high:.3f}]"))
    return rows
