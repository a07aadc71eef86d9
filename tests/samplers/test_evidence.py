"""Evidence: its combination over populations. That estimators agree is judged in ``test_certificate.py``."""

import numpy as np
import pytest
from scipy import stats

from samplers.evidence import combined_evidence

NUM_POPULATIONS = 16


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
