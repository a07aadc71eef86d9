r"""Log evidence from populations against closed forms and against rejection.

Rejection's share of kept proposals is the evidence, unbiased, with a binomial error. Tempered
SMC and SMC by levels are unbiased in the evidence (not in its logarithm) and are averaged as
such; nested sampling's estimates are treated alike. Errors are differences of ``log Z``, nats,
and its standard errors come from the spread between populations.
"""

import math

from scipy import stats

from samplers import PopulationSampler
from samplers.target import Key

from .check import FALSE_ALARM, POWER, Check
from .exact import population_averages
from .networks import Known


def evidence_check(
    key: Key,
    sampler: PopulationSampler,
    known: Known,
    truth: float,
    truth_error: float = 0.0,
    *,
    against: str,
    num_populations: int = 32,
) -> Check:
    """Whether an estimated log evidence agrees with ``truth``, nats, known to ``truth_error``."""
    _, evidence = population_averages(key, sampler, known, num_populations)
    law = f"log evidence against {against}: {known.name}"
    if evidence.log_evidence is None or evidence.standard_error is None:
        return Check(sampler.name, law, math.inf, math.inf, FALSE_ALARM, False, evidence.reason)
    error = evidence.log_evidence - truth
    standard_error = math.hypot(evidence.standard_error, truth_error)
    critical = float(stats.t.isf(FALSE_ALARM / 2, num_populations - 1))
    return Check(
        sampler=sampler.name,
        law=law,
        error=abs(error),
        detectable=(critical + float(stats.norm.ppf(POWER))) * standard_error,
        false_alarm=FALSE_ALARM,
        passed=abs(error) <= critical * standard_error,
        detail=(
            f"log Z = {evidence.log_evidence:.3f} against {truth:.3f} nats, {error / standard_error:+.2f} "
            f"standard errors, {critical:.2f} allowed"
        ),
    )
