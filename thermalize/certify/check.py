r"""One line of the certificate, and the test of measured moments against a known law.

With the law's mean ``m`` and covariance ``S = L L'``, draws are whitened, ``z = L^{-1}(x - m)``,
and every moment that the law fixes is compared with its value:

.. math:: E[z] = 0, \qquad E[z z'] = I, \qquad E[z_{t+1} z_t'] = L^{-1} R L^{-T}

``R`` being the law's covariance between successive draws. Chains are independent, draws of
a chain are not: each moment is averaged within chains, and its error bar comes from the
spread between chains, so that autocorrelation needs no estimate. Errors are therefore in
units of the law's own standard deviations: 0.01 is one per cent of a variance.

A check fails when any of its ``k`` moments is further off than ``critical`` standard errors,
Student's quantile of ``false_alarm / 10`` divided by ``2 k``: the factor ten covers what
the skewness of squares adds to a tail of that depth for 4,096 chains of single draws, or
for 64 averages over many. An error of the size ``detectable`` in any moment is found with
probability 0.99 or more.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

type Matrix = NDArray[np.float64]

FALSE_ALARM = 1e-5
POWER = 0.99
SKEWNESS_ALLOWANCE = 10.0


@dataclass(frozen=True)
class Check:
    """One sampler against one law. ``error`` is infinite where a number was not finite."""

    sampler: str
    law: str
    error: float  # the largest deviation found, in the units of `detectable`
    detectable: float  # the smallest deviation found with probability 0.99
    false_alarm: float  # at most this often does a right sampler fail
    passed: bool
    detail: str  # the worst moment in words


@dataclass(frozen=True)
class Law:
    """What a sampler's recorded draws must show."""

    mean: Matrix  # (d,)
    covariance: Matrix  # (d, d)
    lagged: Matrix  # (d, d), E[(x_{t+1} - m)(x_t - m)'] between recorded draws


@dataclass(frozen=True)
class Moment:
    """One statistic of every chain and what it must average to."""

    name: str
    values: Matrix  # (chain,)
    expected: float
    expected_error: float = 0.0  # standard error of `expected`, where that was measured too


def check_moments(sampler: str, law: str, moments: list[Moment], false_alarm: float = FALSE_ALARM) -> Check:
    """Whether the averages over chains agree with their expectations, all at once.

    Raises ``ValueError`` for fewer than two chains or no moments.

    >>> values = np.random.default_rng(0).normal(0.5, 1.0, 5000)
    >>> check_moments("a", "b", [Moment("mean", values, 0.5)]).passed
    True
    >>> check_moments("a", "b", [Moment("mean", values, 0.0)]).passed
    False
    """
    if not moments or len(moments[0].values) < 2:
        raise ValueError("moments must be at least one, of two chains or more")
    values = np.stack([moment.values for moment in moments]).astype(np.float64)
    expected = np.array([moment.expected for moment in moments])
    critical = critical_value(len(moments), false_alarm, values.shape[1])
    if not np.all(np.isfinite(values)):
        worst = moments[int(np.argmin(np.all(np.isfinite(values), axis=1)))]
        return Check(sampler, law, math.inf, math.inf, false_alarm, False, f"{worst.name} is not finite")
    own_error = values.std(axis=1, ddof=1) / math.sqrt(values.shape[1])
    standard_error = np.hypot(own_error, [moment.expected_error for moment in moments])
    deviation = np.abs(values.mean(axis=1) - expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(deviation == 0, 0.0, deviation / standard_error)
    worst_index = int(np.argmax(score))
    largest = int(np.argmax(deviation))
    detail = (
        f"{moments[worst_index].name} is {score[worst_index]:.2f} standard errors off, "
        f"{critical:.2f} allowed for {len(moments)} moments; largest error in {moments[largest].name}"
    )
    return Check(
        sampler=sampler,
        law=law,
        error=float(deviation[largest]),
        detectable=float((critical + stats.norm.ppf(POWER)) * standard_error.max()),
        false_alarm=false_alarm,
        passed=bool(np.all(score <= critical)),
        detail=detail,
    )


def critical_value(num_moments: int, false_alarm: float, num_chains: int) -> float:
    """Standard errors that one of ``num_moments`` averages may be off, two-sided.

    >>> round(critical_value(20, 1e-5, 8192), 2), round(critical_value(20, 1e-5, 64), 2)
    (5.46, 6.19)
    """
    return float(stats.t.isf(false_alarm / SKEWNESS_ALLOWANCE / (2 * num_moments), num_chains - 1))


def law_moments(draws: Matrix, law: Law) -> list[Moment]:
    """The whitened moments of ``draws``, ``(chain, draw, d)``, with two draws or more a chain."""
    num_dims = draws.shape[-1]
    factor = np.linalg.cholesky(law.covariance)
    whiten = np.linalg.inv(factor)
    lagged = whiten @ law.lagged @ whiten.T
    z = (draws.astype(np.float64) - law.mean) @ whiten.T
    products = np.einsum("cti,ctj->cij", z, z, optimize=True) / z.shape[1]
    delayed = np.einsum("cti,ctj->cij", z[:, 1:], z[:, :-1], optimize=True) / (z.shape[1] - 1)
    moments = [Moment(f"mean {i}", z[:, :, i].mean(axis=1), 0.0) for i in range(num_dims)]
    moments += [
        Moment(f"covariance {i}{j}", products[:, i, j], float(i == j))
        for i in range(num_dims)
        for j in range(i, num_dims)
    ]
    moments += [
        Moment(f"next draw's {i} with this draw's {j}", delayed[:, i, j], float(lagged[i, j]))
        for i in range(num_dims)
        for j in range(num_dims)
    ]
    return moments
