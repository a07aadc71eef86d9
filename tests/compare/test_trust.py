"""The gates pass good chains and stop bad ones."""

import arviz as az
import numpy as np
import pytest

from compare import bulk_ess, judge_reference, rank_rhat, rhat_and_ess, thinned


def _chains(seed: int = 0, shape: tuple[int, int, int] = (4, 400, 3)) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def _failed_gates(behaviours: np.ndarray, status: list[str] | None = None) -> list[str]:
    trust = judge_reference(behaviours, None, status or ["ok"] * len(behaviours))
    assert trust.passed == all(gate.passed for gate in trust.gates)
    return [gate.name for gate in trust.gates if not gate.passed]


def test_independent_draws_pass() -> None:
    assert _failed_gates(_chains()) == []


def test_a_chain_in_another_basin_is_seen() -> None:
    behaviours = _chains()
    behaviours[0, :, 1] += 1.0
    assert "largest R-hat" in _failed_gates(behaviours)


def test_correlated_draws_do_not_count_as_many() -> None:
    noise = _chains(shape=(4, 2000, 1))
    slow = np.zeros_like(noise)
    for t in range(1, 2000):
        slow[:, t] = 0.98 * slow[:, t - 1] + noise[:, t]
    ess = bulk_ess(slow)
    # An AR(1) chain is worth n (1 - rho) / (1 + rho) = 81 of its 8,000 draws.
    assert 40 < ess[0] < 160
    assert "smallest bulk ESS" in _failed_gates(slow)


def test_a_failed_chain_and_divergences_are_seen() -> None:
    assert _failed_gates(_chains(), ["ok", "ok", "ok", "log density not finite at draw 3"]) == [
        "failed chains"
    ]
    diverging = np.zeros((4, 400), bool)
    diverging[0, :20] = True
    gates = judge_reference(_chains(), diverging, ["ok"] * 4).gates
    assert [gate.name for gate in gates if not gate.passed] == ["diverging transitions"]


def test_constant_behaviours_are_left_out_and_nothing_but_constants_is_not_trusted() -> None:
    behaviours = _chains()
    behaviours[..., 0] = 0.5
    rhat, ess = rank_rhat(behaviours), bulk_ess(behaviours)
    assert np.isnan(rhat[0])
    assert np.isnan(ess[0])
    assert np.isfinite(rhat[1:]).all()
    assert _failed_gates(behaviours) == []
    assert not judge_reference(np.ones((4, 100, 2)), None, ["ok"] * 4).passed


def test_thinning_keeps_at_least_one_and_at_most_all() -> None:
    assert thinned(8, 300, 1.0).tolist() == [150]
    assert thinned(2, 5, 1e9).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("num_draws", [4, 5, 200, 201])
def test_diagnostics_equal_those_that_arviz_computes_one_by_one(num_draws: int) -> None:
    """To rounding: with ties, of odd length, with values that are not numbers, heavy tails."""
    rng = np.random.default_rng(0)
    behaviours = rng.standard_cauchy(size=(4, num_draws, 6))
    behaviours[..., 1] = np.round(behaviours[..., 1])  # ties
    behaviours[..., 2] = np.cumsum(behaviours[..., 2], axis=1)
    behaviours[0, :, 3] += 5
    behaviours[1, 1, 4] = np.nan
    behaviours[2, 0, 5] = np.inf
    exact = [
        np.array([diagnostic(behaviours[..., i], chain_axis=0, draw_axis=1) for i in range(6)])
        for diagnostic in (
            lambda x, **axes: az.rhat(x, method="rank", **axes),
            lambda x, **axes: az.ess(x, method="bulk", **axes),
        )
    ]
    for found in (rhat_and_ess(behaviours), (rank_rhat(behaviours), bulk_ess(behaviours))):
        assert np.allclose(found[0], exact[0], rtol=1e-12, equal_nan=True)
        assert np.allclose(found[1], exact[1], rtol=1e-9, equal_nan=True)


def test_draws_of_which_no_behaviour_varies_have_no_diagnostics() -> None:
    """A posterior so cold that it is one function."""
    rhat, ess = rhat_and_ess(np.zeros((2, 800, 0)))
    assert rhat.shape == ess.shape == (0,)
