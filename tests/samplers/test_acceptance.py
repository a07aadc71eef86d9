"""Intervals of acceptance counts against scipy and exact summation; the outlook against known tails."""

import numpy as np
import pytest
from scipy.stats import binomtest, nbinom

from samplers.acceptance import check_outlook, expected_acceptance, rejection_record


@pytest.mark.parametrize(("accepted", "proposed"), [(1, 10), (7, 10), (10, 10), (1000, 65_876)])
def test_intervals_equal_those_of_scipy_in_nats(accepted: int, proposed: int) -> None:
    for level, constant in ((0.95, 0.0), (0.99, -3.5)):
        record = rejection_record("gibbs", accepted, proposed, constant, level)
        exact = binomtest(accepted, proposed).proportion_ci(level, method="exact")
        assert record.log_low == pytest.approx(np.log(exact.low) + constant)
        assert record.log_high == pytest.approx(np.log(exact.high) + constant)
        assert record.log_evidence == pytest.approx(np.log(accepted / proposed) + constant)
        assert record.reason == "ok"


@pytest.mark.parametrize("rate", [0.3, 0.02])
def test_intervals_cover_where_proposals_stop_at_the_last_acceptance(rate: float) -> None:
    """Exact coverage by summation over the number of proposals until the 8th acceptance: 95 % or more."""
    proposed = np.arange(8, 2500)
    weights = nbinom.pmf(proposed - 8, 8, rate)
    assert weights.sum() > 1 - 1e-9
    records = [rejection_record("zero_one", 8, int(n)) for n in proposed]
    covered = [r.log_low is not None and r.log_low <= np.log(rate) <= r.log_high for r in records]
    assert weights[covered].sum() >= 0.95


def test_standard_error_is_the_spread_of_the_estimate() -> None:
    """2,000 repetitions of 400 expected acceptances: relative error of a spread 1.6 %, tolerance 8 %."""
    accepted = np.random.default_rng(0).binomial(20_000, 0.02, 2000)
    estimates = [rejection_record("zero_one", int(k), 20_000).log_evidence for k in accepted]
    error = rejection_record("zero_one", 400, 20_000).standard_error
    assert error == pytest.approx(np.std(np.array(estimates, float)), rel=0.08)


@pytest.mark.parametrize("ratio", [0.5, 0.2])
def test_outlook_of_a_geometric_tail(ratio: float) -> None:
    """Errors that fall by a constant factor down to zero: guessed within a factor of 3 from 2^16."""
    rng = np.random.default_rng(1)
    errors = np.maximum(20 - rng.geometric(1 - ratio, 1 << 16), 1).astype(float)
    assert 1 / 3 < expected_acceptance(errors, "zero_one") / ratio**19 < 3


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_outlook_of_an_exponential_tail(scale: float) -> None:
    """Energies ``30 - Exp(scale)``: the acceptance rate is an integral, guessed within a factor of 3."""
    rng = np.random.default_rng(2)
    energies = 30 - rng.exponential(scale, 1 << 16)
    grid = np.linspace(0, 30, 30_001)
    density = np.exp((grid - 30) / scale - grid) / scale
    exact = np.sum((density[1:] + density[:-1]) / 2) * 1e-3
    assert 1 / 3 < expected_acceptance(energies[energies > 0], "gibbs") / exact < 3


def test_energies_that_are_not_finite_promise_nothing() -> None:
    assert expected_acceptance(np.array([np.nan, np.inf]), "gibbs") == 0.0


def test_hopeless_and_hopeful_pilots() -> None:
    rng = np.random.default_rng(3)
    hopeless = rng.binomial(128, 0.5, 1 << 14).astype(float)
    with pytest.raises(
        ValueError, match=r"about [1-9]e-\d\d of its proposals, below smallest_acceptance = 1e-09"
    ):
        check_outlook("zero_one", hopeless, 1e-9)
    check_outlook("zero_one", hopeless, 0.0)
    check_outlook("zero_one", np.maximum(rng.binomial(8, 0.5, 1 << 14), 1).astype(float), 1e-9)
    with pytest.raises(ValueError, match=r"nats above the bound.* use smc"):
        check_outlook("gibbs", hopeless * 10, 1e-9)
