"""The prior's share that fits, along ever sharper losses, against rejection; what fails says so.

False-alarm rate of every statistical check: at most 1e-5; the power is asserted.
"""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

from models import Batch
from samplers import Target, elliptical_moves, hmc_moves, reject
from samplers.volume import fit_evidence, fitting, scaled_last_layer, sharper

from .linear_gaussian import linear_target
from .passes import CRITICAL, NUM_PASSES, off
from .tiny_boolean import POINTS, boolean_target


def by_rejection(target: Target, law: Any) -> float:
    _, record = reject(jax.random.key(6), target, lambda p, x: {}, (), law=law, num_proposals=1 << 20)
    assert record.log_evidence is not None
    assert record.standard_error is not None
    assert record.standard_error < 0.02
    return record.log_evidence


@pytest.mark.certify
@pytest.mark.parametrize("moves", [elliptical_moves(), hmc_moves(5, 8)], ids=lambda moves: moves.name)
def test_there_and_back_by_rejection(moves: Any) -> None:
    """Six labels of three bits: both ways, and the Gibbs evidence on the way."""
    target = boolean_target()
    truth, gibbs = by_rejection(target, "zero_one"), by_rejection(target, "gibbs")
    found = fit_evidence(
        jax.random.key(7), target, scaled_last_layer, moves=moves, num_passes=NUM_PASSES, num_particles=200
    )
    for one in (found.estimate, found.there, found.back):
        assert off(one, truth, detectable=0.5) < CRITICAL + 1
    assert off(found.gibbs, gibbs, detectable=0.5) < CRITICAL + 1
    assert abs(found.hysteresis) < 0.2


@pytest.mark.certify
def test_moves_too_short_show_as_hysteresis() -> None:
    """A move per rung on a short ladder: what the ways say differs by more than either scatters."""
    target = boolean_target()
    found = fit_evidence(
        jax.random.key(8),
        target,
        scaled_last_layer,
        moves=hmc_moves(1, 1),
        num_passes=NUM_PASSES,
        num_particles=200,
        rungs_a_doubling=2,
    )
    assert found.there.standard_error is not None
    assert abs(found.hysteresis) > 5 * found.there.standard_error
    assert found.estimate.standard_error is not None
    assert found.estimate.standard_error >= abs(found.hysteresis) / 2


def test_the_sum_of_what_the_legs_saw() -> None:
    """A slope of ``k^2`` and its slope ``2 k``: the integral of a leg is exact, both ways."""
    ladder = sharper.sharpness(2)
    for rungs, sign in ((ladder, 1), (ladder[::-1], -1)):
        k = jnp.stack([rungs, rungs])
        values, rule = fitting._integral(rungs, k**2, 2 * k)
        assert values * sign == pytest.approx(sharper.LAST**3 / 3, rel=1e-5)
        assert rule < 1


def test_refusals() -> None:
    with pytest.raises(ValueError, match="needs labels: this likelihood is a regression"):
        fit_evidence(jax.random.key(7), linear_target(), scaled_last_layer)
    with pytest.raises(ValueError, match=r"sharpen\(params, 0\) must guess"):
        fit_evidence(jax.random.key(7), boolean_target(), lambda params, k: params, num_particles=4)
    with pytest.raises(ValueError, match="rungs_a_doubling must be a whole number of at least 1, got 0"):
        fit_evidence(jax.random.key(7), boolean_target(), scaled_last_layer, rungs_a_doubling=0)


@pytest.mark.certify
def test_labels_that_nothing_fits_give_no_number() -> None:
    contradiction = Batch(POINTS[jnp.array([0, 0, 3, 3, 5, 5])], jnp.array([0, 1, 0, 1, 0, 1]))
    found = fit_evidence(
        jax.random.key(1), boolean_target(contradiction), scaled_last_layer, num_passes=2, num_particles=50
    )
    assert found.estimate.value is None
    assert "0.0% of the particles carry the weight of what fits" in found.estimate.reason
