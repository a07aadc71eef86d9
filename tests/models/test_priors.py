"""Priors against scipy's laws: densities, standard deviations and draws."""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats

from models import Prior, gaussian_prior, independent_prior, laplace_prior, mlp, student_t_prior

NETWORK = mlp([16, 9, 4])
FAMILIES = {"gaussian": gaussian_prior, "laplace": laplace_prior, "student_t": student_t_prior}
RNG = np.random.default_rng(0)
PARAMS = [{"w": RNG.normal(size=(d, e)), "b": RNG.normal(size=e)} for d, e in ((16, 9), (9, 4))]
SCIPY: dict[str, Callable[[float], Any]] = {  # standard deviation s -> frozen law
    "gaussian": lambda s: stats.norm(scale=s),
    "laplace": lambda s: stats.laplace(scale=s / np.sqrt(2)),
    "student_t": lambda s: stats.t(5, scale=s * np.sqrt(3 / 5)),
}
STATED = [{"w": 2.0 / 4, "b": 0.5}, {"w": 2.0 / 3, "b": 0.5}]  # weight scale 2 over sqrt(fan-in) 4 and 3


def _prior(family: str) -> Prior:
    return FAMILIES[family](NETWORK, weight_scale=2.0, bias_scale=0.5)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_log_density_equals_scipys(family: str) -> None:
    params = PARAMS
    expected = sum(
        SCIPY[family](scale[name]).logpdf(np.asarray(layer[name], float)).sum()
        for layer, scale in zip(params, STATED, strict=True)
        for name in scale
    )
    assert float(jax.jit(_prior(family).log_prob)(params)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_stated_scale_is_the_standard_deviation(family: str) -> None:
    """The closed-form variance of each leaf's law is the square of the scale stated."""
    for laws, scale in zip(_prior(family).distributions, STATED, strict=True):
        for name in scale:
            mean, variance = laws[name].mean, laws[name].variance
            np.testing.assert_allclose(np.sqrt(np.asarray(variance)), scale[name], rtol=1e-6)
            assert laws[name].batch_shape == mean.shape
            np.testing.assert_array_equal(mean, 0.0)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_draws_follow_the_law(family: str) -> None:
    """Kolmogorov-Smirnov on one draw of each leaf of a wide net, 12 tests at level 1e-4: 0.12 %."""
    wide = mlp([64, 64, 64])
    for layer in FAMILIES[family](wide, weight_scale=2.0, bias_scale=0.5).sample(jax.random.key(1)):
        for name, scale in {"w": 2.0 / 8, "b": 0.5}.items():
            values = np.asarray(layer[name], float).ravel()
            assert stats.kstest(values, SCIPY[family](scale).cdf).pvalue > 1e-4


def test_leaves_are_independent() -> None:
    """Correlations of four leaves with 4,096 or 64 entries, |r| < 5/sqrt(entries): below 1e-5."""
    first, second = gaussian_prior(mlp([64, 64, 64])).sample(jax.random.key(2))
    for name, entries in {"w": 4096, "b": 64}.items():
        pair = np.corrcoef(first[name].ravel(), second[name].ravel())[0, 1]
        assert abs(pair) < 5 / np.sqrt(entries)


def test_only_a_centred_gaussian_tells_its_scale() -> None:
    scale = _prior("gaussian").scale
    assert scale is not None
    assert jax.tree.map(lambda leaf: round(float(leaf.ravel()[0]), 6), scale) == [
        {"w": 0.5, "b": 0.5},
        {"w": round(2 / 3, 6), "b": 0.5},
    ]
    assert _prior("laplace").scale is None
    assert _prior("student_t").scale is None


def test_without_fan_in_every_weight_has_the_same_scale() -> None:
    scale = gaussian_prior(NETWORK, 2.0, fan_in=False).scale
    assert scale is not None
    assert {float(layer["w"].min()) for layer in scale} == {2.0}


def test_equal_arguments_give_the_same_prior_in_each_precision() -> None:
    for family in FAMILIES.values():
        assert family(NETWORK, 2.0) is family(mlp([16, 9, 4]), weight_scale=2)
        assert family(NETWORK, 2.0) is not family(NETWORK, 1.0)
    single = gaussian_prior(NETWORK)
    with jax.enable_x64(True):
        double = gaussian_prior(NETWORK)
        assert double.scale is not None
        assert {leaf.dtype for leaf in jax.tree.leaves(double.scale)} == {jnp.dtype("float64")}
        drawn = jax.eval_shape(double.sample, jax.random.key(0))
        assert {leaf.dtype for leaf in jax.tree.leaves(drawn)} == {jnp.dtype("float64")}
        assert jax.eval_shape(double.log_prob, drawn).dtype == jnp.float64
    assert gaussian_prior(NETWORK) is single


def test_any_numpyro_law_can_be_a_prior() -> None:
    prior = independent_prior("mixed", {"a": dist.Cauchy(jnp.zeros(2), 1.0), "b": dist.Gamma(2.0, 3.0)})
    value = float(jax.jit(prior.log_prob)({"a": np.array([1.0, -2.0]), "b": 0.7}))
    assert value == pytest.approx(
        np.sum(stats.cauchy.logpdf([1, -2])) + stats.gamma(2, scale=1 / 3).logpdf(0.7), rel=1e-5
    )


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), 1e300, 1e-300])
@pytest.mark.parametrize("family", list(FAMILIES))
def test_scales_must_be_positive_and_finite(family: str, scale: float) -> None:
    with pytest.raises(
        ValueError,
        match=f"weight_scale must be positive and finite, got {re.escape(str(scale))} .*standard dev",
    ):
        FAMILIES[family](NETWORK, weight_scale=scale)
    with pytest.raises(ValueError, match="bias_scale must be positive"):
        FAMILIES[family](NETWORK, bias_scale=scale)


@pytest.mark.parametrize("freedom", [2.0, 0.0, float("nan"), float("inf")])
def test_student_t_needs_a_standard_deviation(freedom: float) -> None:
    with pytest.raises(ValueError, match=f"degrees_of_freedom must exceed 2 and be finite, got {freedom}"):
        student_t_prior(NETWORK, degrees_of_freedom=freedom)
