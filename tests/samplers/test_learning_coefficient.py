"""Learning coefficients against theory and quadrature; points and chains that must be refused.

Statistical checks compare with the exact mean at the same N and beta, five standard errors
wide: a false alarm in about 1e-6 of seeds.
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from samplers import adjusted_mclmc, parallel_tempering, sgld
from samplers.volume import (
    LearningCoefficient,
    langevin_step_size,
    learning_coefficient,
    normal_crossing_coefficient,
    reduced_rank_coefficient,
)
from samplers.volume.coefficient_checks import judged
from samplers.volume.learning_coefficient import default_beta, descent

from .singular import (
    crossing,
    crossing_log_evidence,
    exact_estimate,
    linear_network,
    linear_network_log_evidence,
    parabola,
)

# Inputs, outputs, hidden units, rank: all four cases of the formula, both multiplicities.
SHAPES = {
    "1": [(2, 2, 2, 0), (2, 2, 2, 1), (3, 3, 2, 1), (4, 3, 2, 1), (4, 4, 2, 0), (3, 3, 3, 2), (1, 1, 1, 0)],
    "2": [(2, 6, 2, 1), (1, 5, 2, 1), (2, 6, 1, 1)],
    "3": [(6, 2, 2, 1), (5, 1, 2, 0), (5, 2, 2, 1)],
    "4": [(2, 2, 5, 1), (1, 2, 4, 1), (2, 2, 6, 0)],
}
NUM_DATA = 1e5
QUICK = adjusted_mclmc()


def case_of(inputs: int, outputs: int, hidden: int, rank: int) -> str:
    if inputs + hidden < outputs + rank:
        return "2"
    if outputs + hidden < inputs + rank:
        return "3"
    return "4" if inputs + outputs < hidden + rank else "1"


def errors_off(found: LearningCoefficient, truth: float) -> float:
    assert found.estimate.reason == "ok"
    assert found.estimate.standard_error is not None
    return abs(found.raw - truth) / found.estimate.standard_error


def test_shapes_cover_the_formula() -> None:
    for case, shapes in SHAPES.items():
        assert {case_of(*shape) for shape in shapes} == {case}
    assert sum(map(len, SHAPES.values())) >= 12
    assert {reduced_rank_coefficient(*shape).multiplicity for shape in SHAPES["1"]} == {1, 2}


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (2, 1), (2, 2), (3, 2), (2, 4), (4, 4)])
@pytest.mark.parametrize("hidden", [1, 2])
def test_the_formula_by_quadrature(inputs: int, outputs: int, hidden: int) -> None:
    """Slope of the exact log evidence at n = 1e24, the logarithm's share taken off; its next term is left."""
    hidden = min(hidden, inputs)  # the Wishart law needs as many inputs as hidden units
    known = reduced_rank_coefficient(inputs, outputs, hidden, 0)
    found = exact_estimate(linear_network_log_evidence, 1e24, inputs, outputs, hidden)
    left_off = (known.multiplicity - 1) / np.log(1e24)
    assert found + left_off == pytest.approx(known.coefficient, abs=0.01)


def test_the_formula_of_a_rank_is_that_of_rank_zero_beside_a_regular_part() -> None:
    for shape in np.ndindex(5, 5, 5, 4):
        m, n, h, r = shape[0] + 1, shape[1] + 1, shape[2] + 1, shape[3]
        if r < min(m, n, h):
            rest = reduced_rank_coefficient(m - r, n - r, h - r, 0)
            whole = reduced_rank_coefficient(m, n, h, r)
            assert whole.coefficient == rest.coefficient + r * (m + n - r) / 2
            assert whole == reduced_rank_coefficient(n, m, h, r)


@pytest.mark.certify
def test_exact_means_of_small_models() -> None:
    """A linear network without a tether, a parabola with one."""
    n = NUM_DATA * default_beta(NUM_DATA)
    target, point = linear_network(2, 2, 1, 0, NUM_DATA)
    found = learning_coefficient(jax.random.key(0), target, point, tether=None, sampler=QUICK)
    assert errors_off(found, exact_estimate(linear_network_log_evidence, n, 2, 2, 1)) < 5
    curvatures = jnp.array([1.0, 0.01, 1e-6])
    target, point = parabola(curvatures, NUM_DATA)
    found = learning_coefficient(jax.random.key(2), target, point, tether=0.5, sampler=QUICK)
    stiff = n * np.asarray(curvatures) * 0.25
    assert errors_off(found, float(np.sum(stiff / (1 + stiff)) / 2)) < 5
    assert found.estimate.standard_error is not None
    assert found.estimate.standard_error < 0.06


@pytest.mark.certify
def test_langevin_without_a_metropolis_test() -> None:
    """On a parabola the unadjusted law is known: the estimate is high by 1 / (1 - step h / 2)."""
    target, point = parabola(jnp.array([0.3, 1.0]), NUM_DATA)
    step = langevin_step_size(jax.random.key(7), target, point)
    assert 0.05 < step * (1 + NUM_DATA * default_beta(NUM_DATA)) <= 0.1
    found = learning_coefficient(
        jax.random.key(3), target, point, sampler=sgld(step, None, 1000), num_draws=1000
    )
    stiff = NUM_DATA * default_beta(NUM_DATA) * np.array([0.3, 1.0])
    truth = np.sum(stiff / (1 + stiff) / (1 - step * (1 + stiff) / 2)) / 2
    assert errors_off(found, float(truth)) < 5
    hot = learning_coefficient(
        jax.random.key(3), target, point, sampler=sgld(12 * step, None, 1000), num_draws=1000
    )
    assert hot.estimate.value is None
    assert "the chains run at temperature 1." in hot.estimate.reason
    wild = learning_coefficient(
        jax.random.key(3), target, point, sampler=sgld(50 * step, None, 1000), num_draws=1000
    )
    assert "4 of 4 chains failed; log density not finite" in wild.estimate.reason


@pytest.mark.certify
def test_a_point_that_is_no_minimum_is_refused() -> None:
    target, _ = parabola(jnp.array([1.0, 0.01, 1e-6]), NUM_DATA)
    for away in (0.5, 0.01):
        point = [jnp.array([away, 0.0, 0.0])]
        found = learning_coefficient(jax.random.key(2), target, point, tether=0.5, sampler=QUICK)
        assert found.estimate.value is None
        assert "the point is not a minimum: one step down the gradient lowers" in found.estimate.reason
        assert found.descent == pytest.approx(NUM_DATA * found.beta * away**2 / 2, rel=1e-4)


def test_descent_is_exact_on_a_parabola() -> None:
    target, _ = parabola(jnp.array([2.0, 2.0]), 100)
    point = [jnp.array([0.3, 0.4])]
    gained = descent(target, point, [jnp.ones(2)])
    assert float(gained) == pytest.approx(100 * 2.0 * 0.25 / 2, rel=1e-5)
    assert float(descent(target, [jnp.zeros(2)], [jnp.ones(2)])) == 0


GOOD = 2 + np.random.default_rng(0).gamma(2.0, size=(4, 500))
COOL = np.random.default_rng(1).normal(1, 0.3, (4, 500))


@pytest.mark.parametrize(
    ("excess", "temperature", "status", "down", "says"),
    [
        (GOOD + np.arange(4)[:, None], COOL, "ok", 0.0, r"disagree, R-hat 1\.\d+ above 1.05"),
        (GOOD[:, :12], COOL[:, :12], "ok", 0.0, r"\d+ effective draws, fewer than 100"),
        (GOOD + np.linspace(0, 2, 500), COOL, "ok", 0.0, "above 1.05|drifts by"),
        (GOOD, COOL + 0.2, "ok", 0.0, r"run at temperature 1\.2"),
        (GOOD, COOL, "log density not finite at draw 3", 0.0, "the step size diverges"),
        (GOOD, COOL, "ok", 0.5, r"lowers N beta L by 0\.5"),
        (10 * GOOD, COOL, "ok", 0.0, "the chains ran away from the point: N beta L rose by"),
        (-GOOD, COOL, "ok", 0.0, "found losses below the point's"),
        (GOOD, COOL, "ok", float("nan"), "not finite about the point"),
    ],
)
def test_refusals(excess: np.ndarray, temperature: np.ndarray, status: str, down: float, says: str) -> None:
    assert judged(GOOD, COOL, ["ok"] * 4, 0.0, 20, 0.1, 0.0).estimate.reason == "ok"
    found = judged(excess, temperature, ["ok"] * 3 + [status], down, 20, 0.1, 0.0)
    assert found.estimate.value is None
    assert re.search(says, found.estimate.reason), found.estimate.reason


def test_options_are_checked() -> None:
    target, point = parabola(jnp.ones(2), 2)
    with pytest.raises(ValueError, match=r"at least 3 for beta = 1 / log N, got 2: give beta"):
        learning_coefficient(jax.random.key(0), target, point)
    with pytest.raises(ValueError, match="tether must be positive and finite, got 0"):
        learning_coefficient(jax.random.key(0), target, point, tether=0.0, beta=1.0)


@pytest.mark.certify
@pytest.mark.parametrize("shape", [shape for shapes in SHAPES.values() for shape in shapes], ids=str)
def test_reduced_rank_regression_within_a_tenth(shape: tuple[int, int, int, int]) -> None:
    known = reduced_rank_coefficient(*shape)
    target, point = linear_network(*shape, NUM_DATA)
    found = learning_coefficient(
        jax.random.key(4), target, point, tether=None, multiplicity=known.multiplicity, num_draws=2000
    )
    assert found.estimate.value == pytest.approx(known.coefficient, rel=0.1), found
    assert found.estimate.standard_error is not None
    assert 5 * found.estimate.standard_error < 0.1 * known.coefficient + 0.05


@pytest.mark.certify
@pytest.mark.parametrize("exponents", [(1, 1), (1, 2), (2, 2), (1, 3), (1, 1, 2)], ids=str)
def test_normal_crossings_within_a_tenth(exponents: tuple[int, ...]) -> None:
    """So many data that the next term is a twentieth at most; arms that meet in a point need tempering."""
    known, num_data = normal_crossing_coefficient(exponents), 1e9
    n = num_data * default_beta(num_data)
    target, point = crossing(exponents, num_data)
    found = learning_coefficient(
        jax.random.key(5),
        target,
        point,
        tether=None,
        multiplicity=known.multiplicity,
        sampler=parallel_tempering(num_temperatures=16, hottest=1e-8, num_warmup=500),
        num_draws=8000,
    )
    assert found.estimate.value == pytest.approx(known.coefficient, rel=0.1), found
    if len(exponents) == 2:
        exact = exact_estimate(crossing_log_evidence, n, *exponents)
        assert exact + (known.multiplicity - 1) / np.log(n) == pytest.approx(known.coefficient, rel=0.1)
        assert errors_off(found, exact) < 5


@pytest.mark.certify
@pytest.mark.parametrize("size", [1, 5, 40])
def test_regular_models_within_a_tenth(size: int) -> None:
    target, point = parabola(jnp.logspace(-1, 1, size), NUM_DATA)
    for tether in (None, 1.0):
        found = learning_coefficient(jax.random.key(6), target, point, tether=tether, num_draws=2000)
        assert found.estimate.value == pytest.approx(size / 2, rel=0.1), found
