"""Evidence: its combination over populations, and three ways to it that must agree.

False-alarm rate of every statistical check: at most 1e-5.
"""

import jax
import numpy as np
import pytest
from scipy import stats

from samplers import PopulationSampler, crank_nicolson_moves, nested, populations, smc
from samplers.evidence import combined_evidence

from .checks import FALSE_ALARM
from .tiny_boolean import bayes_posterior, boolean_target, observe_outputs

NUM_POPULATIONS = 16
NUM_PRIOR_DRAWS = 2**19
METHODS = [
    smc(crank_nicolson_moves(10), num_particles=200),
    nested(num_live=100, num_delete=25, inner_steps_per_parameter=2, max_stages=60),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_three_estimators_agree_on_a_network(method: PopulationSampler) -> None:
    """Rejection accepts a prior draw with its likelihood: the share accepted is the evidence."""
    _, evidence = populations(
        jax.random.key(1), method, boolean_target(), observe_outputs, (), num_chains=NUM_POPULATIONS
    )
    num_accepted = len(bayes_posterior(1.0, NUM_PRIOR_DRAWS).log_odds)
    assert num_accepted > 1000
    assert evidence.log_evidence is not None
    assert evidence.standard_error is not None
    error = np.hypot(evidence.standard_error, 1 / np.sqrt(num_accepted))
    critical = stats.t.ppf(1 - FALSE_ALARM / 2, NUM_POPULATIONS - 1)
    assert abs(evidence.log_evidence - np.log(num_accepted / NUM_PRIOR_DRAWS)) < critical * error
    assert (critical + stats.norm.ppf(0.99)) * error < 0.8  # detectable, nats


def test_the_mean_of_evidences_is_combined_not_of_their_logarithms() -> None:
    evidence = combined_evidence(np.log([0.5, 1.0, 1.5]) - 1000, ["ok"] * 3)
    assert evidence.log_evidence == pytest.approx(-1000)
    assert evidence.standard_error == pytest.approx(0.5 / np.sqrt(3))
    assert evidence.reason == "ok"


def test_standard_errors_are_calibrated() -> None:
    """20,000 sets of 16 log-normal evidences: Student's intervals at 95 % cover 95 %, within 1 %.

    The binomial error of the coverage is 0.15 %, the rest is for the skewness.
    """
    logs = np.random.default_rng(0).normal(-0.02, 0.2, size=(20_000, NUM_POPULATIONS))
    combined = [combined_evidence(row, ["ok"] * NUM_POPULATIONS) for row in logs]
    scores = np.array([(e.log_evidence or 0) / (e.standard_error or 1) for e in combined])
    covered = np.mean(np.abs(scores) < stats.t.ppf(0.975, NUM_POPULATIONS - 1))
    assert abs(covered - 0.95) < 0.01


def test_what_cannot_be_estimated_says_why() -> None:
    failed = combined_evidence(np.array([-3.0, -np.inf]), ["ok", "extinct after 4 stages"])
    assert failed.populations == [-3.0, None]
    assert failed.reason == "not available: 1 of 2 populations are not usable; extinct after 4 stages"
    alone = combined_evidence(np.array([-3.0]), ["ok"])
    assert alone.reason == "not available: one population has no error bar; run two or more"
    scattered = combined_evidence(np.array([0.0, -9.0, -8.0, -9.0]), ["ok"] * 4)
    assert scattered.reason.startswith("not available: 1.0 of 4 populations carry the mean")
    for evidence in (failed, alone, scattered):
        assert evidence.log_evidence is None
        assert evidence.standard_error is None
