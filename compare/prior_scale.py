r"""Which prior? The member of a family of posteriors, by prior scale and temperature, nearest to endpoints.

For every prior scale ``s`` one tempered pass gives the nearest temperature and the squared energy
distance ``D_s`` that remains there (:mod:`compare.temperature`). The nearest member is that of the
smallest ``D_s``. All scales resampled the same endpoints, so resample by resample they can be
compared: the scales in the confidence region are the most frequent winners that together make up
95 % of the resamples, and the region of ``beta`` is that of the winners' ``beta``.

What remains at the nearest member is, if anything, too small: two choices were made to make it so.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from .comparison import Band
from .temperature import LEVEL, NearestTemperature


class NearestMember(NamedTuple):
    """The best prior scale and inverse temperature, and what remains there."""

    scale: float
    scales: list[float]  # in the confidence region
    beta: Band  # with its confidence region, over prior scales too
    remaining: Band  # squared energy distance
    floor: Band  # of that distance, for draws of the nearest rung
    at_edge: bool  # of the ladder of beta or of the prior scales, where there are several

    @property
    def exceeds_floor(self) -> bool:
        """Whether what remains is beyond what a posterior sample would leave: both 95 % bands apart."""
        return self.remaining.low > self.floor.high


def nearest_member(fits: Mapping[float, NearestTemperature]) -> NearestMember:
    """The nearest member from the fit at every prior scale, with equal seeds and the same endpoints.

    Raises ``ValueError`` without a fit, or for fits that were not resampled alike.

    >>> rng = np.random.default_rng(0)
    >>> betas, ends = np.array([0.25, 0.5, 1.0, 2.0, 4.0]), rng.normal(size=(400, 1))
    >>> from compare import nearest_temperature
    >>> def fit(shift):
    ...     draws = shift + rng.normal(size=(5, 400, 1)) / np.sqrt(betas)[:, None, None]
    ...     return nearest_temperature(draws, np.zeros((5, 400)), betas, ends, seed=0)
    >>> found = nearest_member({1.0: fit(0.0), 2.0: fit(2.0)})
    >>> found.scale, found.scales, bool(found.beta.low < 1 < found.beta.high)
    (1.0, [1.0], True)
    """
    shapes = {fit.resampled.shape for fit in fits.values()}
    if len(shapes) != 1:
        raise ValueError(f"fits must share their resamples, got shapes {sorted(shapes)}: give equal seeds")
    scales = sorted(fits)
    best = min(scales, key=lambda scale: fits[scale].remaining.mean)
    resampled = np.stack([fits[scale].resampled for scale in scales])  # (scale, resample, 2)
    winners = np.argmin(resampled[..., 1], axis=0)
    shares = np.bincount(winners, minlength=len(scales)) / len(winners)
    order = np.argsort(-shares, kind="stable")
    needed = int(np.searchsorted(np.cumsum(shares[order]), LEVEL - 1e-9)) + 1
    region = {best} | {scales[place] for place in order[:needed]}
    low, high = np.quantile(
        resampled[winners, np.arange(len(winners)), 0], [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    )
    fit = fits[best]
    at_end = len(scales) > 1 and best in (scales[0], scales[-1])
    return NearestMember(
        best,
        sorted(region),
        Band(fit.beta.mean, float(low), float(high)),
        fit.remaining,
        fit.floor,
        fit.at_edge or at_end,
    )
