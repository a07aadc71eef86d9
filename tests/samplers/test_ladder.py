"""A tempered pass against closed forms at every rung; the last rung is SMC's; refusals.

False-alarm rate of every statistical check: at most 1e-5. Populations are the units.
"""

from typing import Any

import jax
import numpy as np
import pytest

from samplers import hmc_moves, populations, smc, tempered_pass
from samplers.draws import Draws
from samplers.ladder import _climb

from .checks import check_means
from .linear_gaussian import exact, linear_target, observe_flat

BETAS = (0.2, 1.0, 3.0)
MOVES = hmc_moves(3, 6)


def rungs(betas: tuple[float, ...], num_chains: int = 16, max_stages: int = 500) -> list[Draws]:
    return tempered_pass(
        jax.random.key(1),
        linear_target(7.0),
        observe_flat,
        (),
        betas=betas,
        num_chains=num_chains,
        num_particles=200,
        moves=MOVES,
        max_stages=max_stages,
    )


@pytest.mark.certify
def test_every_rung_is_its_posterior() -> None:
    """Means and variances at three beta; an error of 0.7 standard deviations would be seen."""
    for beta, draws in zip(BETAS, rungs(BETAS), strict=True):
        law = exact(beta)
        deviation = np.sqrt(np.diag(law.covariance))
        theta = draws.observed["theta"].astype(float)
        check = check_means(np.mean(theta, axis=1) / deviation, law.mean / deviation)
        assert check.deviation < 1
        assert check.detectable < 0.7
        spread = np.mean((theta - law.mean) ** 2, axis=1) / deviation**2
        assert check_means(spread, np.ones(4)).deviation < 1
        assert draws.status == ["ok"] * 16
        gap = (draws.stats["lp"] - rungs_lp(beta, draws)).astype(float)
        assert np.ptp(gap) < 1e-2


def rungs_lp(beta: float, draws: Draws) -> np.ndarray:
    """Log density of the closed form, up to a constant."""
    law = exact(beta)
    shift = draws.observed["theta"].astype(float) - law.mean
    found: np.ndarray = -0.5 * np.einsum("...i,ij,...j->...", shift, np.linalg.inv(law.covariance), shift)
    return found


@pytest.mark.certify
def test_a_pass_of_one_rung_is_tempered_smc() -> None:
    (last,) = rungs((2.0,), num_chains=2)
    draws, _ = populations(
        jax.random.key(1), smc(MOVES, 200), linear_target(2.0), observe_flat, (), num_chains=2
    )
    assert np.array_equal(last.observed["theta"], draws.observed["theta"])
    assert np.array_equal(last.stats["lp"], draws.stats["lp"])


def test_rungs_that_are_not_reached_say_so() -> None:
    programs: Any = _climb  # compiled so far
    before = programs._cache_size()
    first, last = rungs((1e-4, 3.0), num_chains=2, max_stages=2)
    assert programs._cache_size() == before + 1  # one program for all rungs
    assert first.status == ["ok"] * 2
    assert last.status == ["unfinished: the target was not reached in 2 stages"] * 2


@pytest.mark.parametrize("betas", [(), (0.0, 1.0), (1.0, 0.5), (1.0, float("inf"))])
def test_betas_that_do_not_rise_are_refused(betas: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="betas must rise from above zero and be finite"):
        rungs(betas)
