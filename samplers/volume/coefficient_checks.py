"""When a learning coefficient may be given: a point that is a minimum, chains that agree and keep still."""

import math
from typing import NamedTuple

import numpy as np
from blackjax.diagnostics import ess_bulk, rhat

from .estimate import Estimate, unavailable

LARGEST_RHAT = 1.05
SMALLEST_ESS = 100.0
LARGEST_DESCENT = 0.05  # of the estimate: what one step down the gradient may gain
LARGEST_DRIFT = 0.1  # of the estimate, from the first half of the draws to the second
LARGEST_HEAT = 0.1  # excess of the configurational temperature, beyond four of its standard errors


class LearningCoefficient(NamedTuple):
    """The estimate and what it rests on; numbers are kept where the estimate is refused.

    ``raw`` is ``N beta`` times the mean excess loss, ``chains`` the same chain by chain;
    ``descent`` what one step down the gradient from the point would gain, in the same unit;
    ``drift`` the second half's estimate less the first's.
    """

    estimate: Estimate
    raw: float
    chains: list[float]
    rhat: float
    ess: float
    drift: float
    temperature: float
    descent: float
    beta: float


def judged(
    excess: np.ndarray,
    temperature: np.ndarray,
    status: list[str],
    down: float,
    size: int,
    beta: float,
    correction: float,
) -> LearningCoefficient:
    """The estimate from ``N beta (L - L*)`` of the draws, ``(chain, draw)``, or why there is none.

    ``size`` is the number of parameters: no coefficient exceeds half of it.
    """
    raw = float(np.mean(excess))
    half = excess.shape[1] // 2
    drift = float(np.mean(excess[:, half:]) - np.mean(excess[:, :half]))
    between = float(rhat(excess)) if excess.size > 7 and len(excess) > 1 else math.nan
    error = _error(excess)
    ess = float(np.var(excess) / error**2) if error > 0 else math.nan
    hot = float(np.mean(temperature))
    hot_error = _error(temperature)

    def refusal() -> str | None:
        failed = [sentence for sentence in status if sentence != "ok"]
        if failed:
            return f"{len(failed)} of {len(status)} chains failed; {failed[0]}: the step size diverges"
        if not math.isfinite(raw + down):
            return "the loss or its slope is not finite about the point"
        if down > LARGEST_DESCENT * min(max(raw, 0.5), size):
            return (
                f"the point is not a minimum: one step down the gradient lowers N beta L by {down:.3g}; "
                "train it further"
            )
        if raw < -2 * np.nan_to_num(error):
            return "the chains found losses below the point's: it is not a minimum; train it further"
        if raw > size:
            return (
                f"the chains ran away from the point: N beta L rose by {raw:.3g}, and {size} parameters "
                "allow half their number; the step size diverges"
            )
        if not between <= LARGEST_RHAT:
            return f"the chains disagree, R-hat {between:.3g} above {LARGEST_RHAT}; use more draws"
        if not ess >= SMALLEST_ESS:
            return f"{ess:.0f} effective draws, fewer than {SMALLEST_ESS:.0f}; use more draws"
        if abs(drift) > max(8 * error, LARGEST_DRIFT * raw):
            return f"the estimate drifts by {drift:.3g} from the first half of the draws to the second"
        if abs(hot - 1) > LARGEST_HEAT + 4 * hot_error:
            return f"the chains run at temperature {hot:.3g} instead of 1; use a smaller step size"
        return None

    reason = refusal()
    estimate = Estimate(raw + correction, error) if reason is None else unavailable(reason)
    chains = np.mean(excess, axis=1).tolist()
    return LearningCoefficient(estimate, raw, chains, between, ess, drift, hot, down, beta)


def _error(values: np.ndarray) -> float:
    """The standard error of the mean of draws ``(chain, draw)``, by their effective sample size."""
    if not np.isfinite(values).all() or values.shape[1] < 4 or len(values) < 2:
        return math.nan
    return float(np.std(values) / np.sqrt(ess_bulk(values)))
