r"""How often a Gaussian is positive in one coordinate, given that it is in all others.

.. math::

    P(f_* > 0 \mid f_1, \dots, f_n > 0) = \frac{P(f_1, \dots, f_n, f_* > 0)}{P(f_1, \dots, f_n > 0)}

Two orthant probabilities of a centred Gaussian: the zero-one posterior probability that a
Gaussian process which is positive at ``n`` inputs is positive at one more. There is no
closed form beyond three coordinates. Two methods that share nothing but the covariance:

- **integration**: Genz's transformation to the unit cube, conditioning coordinate by
  coordinate, summed over a randomised lattice. Independent randomisations of the whole
  give its error;
- **rejection**: draws of the Gaussian, kept where the ``n`` agree in sign. A draw and its
  negative are equally likely, so both signs count, and draws kept are independent: the
  interval is the exact one of a binomial share.

Nothing is ever added to the covariance: a matrix without an accurate Cholesky factor is
refused.

Sources: Genz 1992; Clopper and Pearson 1934.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import expit
from scipy.stats import beta, multivariate_normal, norm, t

type Array = np.ndarray

BLOCK = 1 << 17  # draws in memory at a time
POINTS = 20_000  # of the lattice, in each randomisation
MIN_CONDITION = 1e4  # the smallest eigenvalue, in units of the rounding error of the largest


class Share(NamedTuple):
    """A probability with an interval that holds with the level asked for."""

    value: float
    low: float
    high: float
    num: int  # randomisations, or draws kept


def by_integration(covariance: Array, *, seed: int, repeats: int = 16, level: float = 0.999) -> Share:
    """The conditional probability of the last coordinate by Genz's integration.

    The interval is Student's over ``repeats`` independent randomisations. Raises
    ``ValueError`` for a matrix that is no well-conditioned covariance, or fewer than two
    repeats.

    >>> correlation = np.array([[1.0, 0.5], [0.5, 1.0]])  # of two: 1/2 + arcsin(1/2) / pi = 2/3
    >>> round(by_integration(correlation, seed=0).value, 4)
    0.6667
    """
    correlation = _correlation(covariance)
    if repeats < 2:
        raise ValueError(f"repeats must be at least 2, got {repeats}: their spread is the error")
    found = []
    for child in np.random.SeedSequence(seed).spawn(repeats):
        below, all_of = (np.random.default_rng(one) for one in child.spawn(2))
        found.append(_orthant(correlation, all_of) / _orthant(correlation[:-1, :-1], below))
    value = float(np.mean(found))
    reach = float(t.ppf((1 + level) / 2, repeats - 1) * np.std(found, ddof=1) / np.sqrt(repeats))
    return Share(value, max(0.0, value - reach), min(1.0, value + reach), repeats)


def by_rejection(covariance: Array, *, seed: int, num: int, level: float = 0.999) -> Share:
    """The same from ``num`` draws of the Gaussian, with an exact interval.

    Raises ``ValueError`` as :func:`by_integration`, and if no draw is kept.

    >>> found = by_rejection(np.array([[1.0, 0.5], [0.5, 1.0]]), seed=0, num=1 << 14)
    >>> found.low < 2 / 3 < found.high, found.num
    (True, 16384)
    """
    kept = hits = 0
    for draws in _draws(covariance, seed, num):
        positive = draws > 0
        same = (positive[:, :-1] == positive[:, :1]).all(axis=1)
        kept += int(same.sum())
        hits += int((positive[same, -1] == positive[same, 0]).sum())
    if not kept:
        raise ValueError(f"none of {num} draws has one sign in all but the last coordinate: draw more")
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, kept - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, kept - hits)) if hits < kept else 1.0
    return Share(hits / kept, low, high, kept)


def by_weighting(
    covariance: Array, *, inverse_temperature: float, seed: int, num: int, level: float = 0.999
) -> Share:
    r"""The last coordinate's share under the Gibbs posterior of the logistic loss.

    Draws of the Gaussian are weighted with ``prod_i sigma(f_i)^beta``, ``beta`` being the
    inverse temperature. ``num`` of the answer is the effective number of draws, and the interval
    is the delta method's. Raises ``ValueError`` as :func:`by_integration`.

    >>> found = by_weighting(np.eye(2), inverse_temperature=1.0, seed=0, num=1 << 12)
    >>> found.low < 0.5 < found.high
    True
    """
    weights, positive = [], []
    for draws in _draws(covariance, seed, num):
        weights.append(np.prod(expit(draws[:, :-1]) ** inverse_temperature, axis=1))
        positive.append(draws[:, -1] > 0)
    w, hit = np.concatenate(weights), np.concatenate(positive)
    value = float(w @ hit / w.sum())
    error = float(np.sqrt(np.sum((w * (hit - value)) ** 2)) / w.sum())
    reach = float(norm.ppf((1 + level) / 2)) * error
    return Share(value, max(0.0, value - reach), min(1.0, value + reach), int(w.sum() ** 2 / (w @ w)))


def _orthant(correlation: Array, rng: np.random.Generator) -> float:
    """Probability that all coordinates are negative, which is that of all being positive."""
    size = len(correlation)
    if size == 1:
        return 0.5
    found = multivariate_normal.cdf(
        np.zeros(size), np.zeros(size), correlation, maxpts=POINTS, abseps=0, releps=1e-9, rng=rng
    )
    return float(found)


def _draws(covariance: Array, seed: int, num: int) -> Iterator[Array]:
    factor = np.linalg.cholesky(_checked(covariance))
    rng = np.random.default_rng(seed)
    for start in range(0, num, BLOCK):
        yield rng.standard_normal((min(BLOCK, num - start), len(factor))) @ factor.T


def _correlation(covariance: Array) -> Array:
    deviations = np.sqrt(np.diag(_checked(covariance)))
    found: Array = covariance / deviations[:, None] / deviations[None]
    return found


def _checked(covariance: Array) -> Array:
    """The matrix, if its factor has correct digits in every row."""
    covariance = np.asarray(covariance, float)
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1] or len(covariance) < 2:
        raise ValueError(
            f"the covariance must be square with at least two rows, got {covariance.shape}: the last row is "
            "the coordinate that is asked for, the others are those given"
        )
    if not np.isfinite(covariance).all() or not np.allclose(covariance, covariance.T):
        raise ValueError("the covariance must be symmetric and finite: compute it in double precision")
    diagonal = np.diag(covariance)
    smallest = -np.inf
    if diagonal.min() > 0:
        scale = 1 / np.sqrt(diagonal)
        smallest = conditioning(covariance * scale[:, None] * scale[None])
    if not smallest >= MIN_CONDITION:
        raise ValueError(
            f"the covariance is singular to working precision: its smallest eigenvalue is {smallest:.3g} "
            f"rounding errors of its largest, {MIN_CONDITION:.0e} are needed: are two inputs parallel?"
        )
    return covariance


def conditioning(matrix: Array) -> float:
    """The smallest eigenvalue of a symmetric matrix, in rounding errors of its largest.

    >>> f"{conditioning(np.eye(2)):.3g}"
    '2.25e+15'
    """
    values = np.linalg.eigvalsh(matrix)
    return float(values[0] / (len(values) * np.finfo(float).eps * values[-1]))
