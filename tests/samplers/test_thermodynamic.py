"""Thermodynamic integration against closed forms, rejection and the product estimate.

False-alarm rate of every statistical check: at most 1e-5; the power is asserted.
"""

import jax
import jax.numpy as jnp
import pytest
from scipy import stats

from samplers import elliptical_moves, hmc_moves, reject
from samplers.smc import Rungs
from samplers.volume import thermodynamic, thermodynamic_evidence
from samplers.volume.estimate import mean_of

from .checks import FALSE_ALARM
from .linear_gaussian import exact, linear_target
from .passes import CRITICAL, NUM_PASSES, off
from .tiny_boolean import boolean_target


def test_linear_regression_in_closed_form() -> None:
    for beta in (0.1, 1.0, 4.0):
        found = thermodynamic_evidence(
            jax.random.key(1),
            linear_target(beta),
            moves=hmc_moves(3, 6),
            num_passes=NUM_PASSES,
            num_particles=200,
        )
        truth = exact(beta).log_evidence
        assert off(found.integral, truth, detectable=1.0) < CRITICAL
        assert off(found.product, truth, detectable=1.0) < CRITICAL
        assert found.discretisation < 0.1


@pytest.mark.certify
def test_boolean_evidence_by_rejection() -> None:
    """The Bayes evidence of six labels of three bits."""
    target = boolean_target()
    _, record = reject(jax.random.key(2), target, lambda p, x: {}, (), law="gibbs", num_proposals=1 << 18)
    assert record.log_evidence is not None
    assert record.standard_error is not None
    assert record.standard_error < 0.02
    found = thermodynamic_evidence(
        jax.random.key(3), target, moves=elliptical_moves(5), num_passes=NUM_PASSES, num_particles=200
    )
    for one in (found.integral, found.product):
        assert off(one, record.log_evidence, detectable=1.0) < CRITICAL + 5 * record.standard_error


@pytest.mark.certify
@pytest.mark.parametrize("beta", [0.1, 1.0, 4.0])
def test_closed_forms_within_three_standard_errors(beta: float) -> None:
    """With 32 passes a false alarm in 0.5 % of seeds for each number; errors are below 0.05 nats."""
    found = thermodynamic_evidence(
        jax.random.key(8), linear_target(beta), moves=hmc_moves(3, 6), num_passes=32, num_particles=500
    )
    for one in (found.integral, found.product):
        assert one.value is not None
        assert one.standard_error is not None
        assert one.standard_error < 0.05
        assert abs(one.value - exact(beta).log_evidence) < 3 * one.standard_error


def test_the_rule_is_exact_for_cubics_and_errs_by_the_fifth_power_of_steps() -> None:
    def rungs(num: int, power: int) -> Rungs:
        t = jnp.linspace(0, 1, num + 1)
        return Rungs(t, t**power, power * t ** (power - 1))

    assert float(thermodynamic.integrated(rungs(3, 3))) == pytest.approx(1 / 4, abs=1e-6)
    with jax.enable_x64(True):
        errors = [abs(float(thermodynamic.integrated(rungs(num, 6))) - 1 / 7) for num in (8, 16)]
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.1)


def test_a_coarse_ladder_owns_up() -> None:
    """The rule's own error, estimated from every second rung, covers what it really errs by."""
    target = linear_target(4.0)
    coarse, fine = (
        thermodynamic_evidence(
            jax.random.key(4),
            target,
            moves=hmc_moves(3, 6),
            num_passes=4,
            num_particles=200,
            target_ess=share,
        )
        for share in (0.3, 0.8)
    )
    assert coarse.discretisation > 10 * fine.discretisation
    assert fine.discretisation < 0.02
    assert off(fine.integral, exact(4.0).log_evidence, detectable=1.0) < stats.t.ppf(1 - FALSE_ALARM / 2, 3)


def test_a_pass_that_does_not_arrive_gives_no_number() -> None:
    found = thermodynamic_evidence(
        jax.random.key(5), linear_target(4.0), moves=hmc_moves(3, 6), num_particles=200, max_stages=2
    )
    assert found.integral.value is None
    assert found.product.value is None
    assert (
        "4 of 4 passes are not usable; unfinished: the target was not reached in 2 stages"
        in found.integral.reason
    )
    assert "one value has no error bar" in mean_of([1.0]).reason
    with pytest.raises(ValueError, match="num_particles must be a whole number of at least 1, got 0"):
        thermodynamic_evidence(jax.random.key(5), linear_target(), num_particles=0)
