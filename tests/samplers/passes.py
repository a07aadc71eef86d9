"""How far an estimate from several passes lies from the truth; an error of a stated size would be seen."""

from scipy import stats

from samplers.volume.estimate import Estimate

from .checks import FALSE_ALARM, POWER

NUM_PASSES = 16
CRITICAL = stats.t.ppf(1 - FALSE_ALARM / 2, NUM_PASSES - 1)


def off(found: Estimate, truth: float, *, detectable: float) -> float:
    """How many standard errors an estimate lies off; an error of ``detectable`` nats would be seen."""
    assert found.value is not None, found.reason
    assert found.standard_error is not None
    assert (CRITICAL + stats.norm.ppf(POWER)) * found.standard_error < detectable
    return abs(found.value - truth) / found.standard_error
