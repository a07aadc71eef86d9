"""Starting laws against their closed forms."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from models import Network, gaussian_prior, glorot_init, he_init, lecun_init, mlp, scaled_init

NETWORK = mlp([12, 6, 3])
WIDE = mlp([90, 60, 30])
KEY = jax.random.key(0)
A = (np.sqrt(6 / 150), np.sqrt(6 / 90))  # Glorot's bounds of the two layers
LAWS: dict[str, tuple[Callable[[Network], Callable[[Any], Any]], list[Any]]] = {
    "he": (he_init, [stats.norm(scale=np.sqrt(2 / 90)), stats.norm(scale=np.sqrt(2 / 60))]),
    "lecun": (lecun_init, [stats.norm(scale=np.sqrt(1 / 90)), stats.norm(scale=np.sqrt(1 / 60))]),
    "glorot": (glorot_init, [stats.uniform(-a, 2 * a) for a in A]),
}


@pytest.mark.parametrize("name", list(LAWS))
def test_weights_follow_the_law_and_biases_are_zero(name: str) -> None:
    """Kolmogorov-Smirnov on one draw of each layer, 6 tests at level 1e-4: 0.06 % false alarms."""
    factory, laws = LAWS[name]
    params = factory(WIDE)(KEY)
    for layer, law in zip(params, laws, strict=True):
        assert stats.kstest(np.asarray(layer["w"], float).ravel(), law.cdf).pvalue > 1e-4
        assert not np.asarray(layer["b"]).any()
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, jax.eval_shape(WIDE.init, KEY))


def test_he_keeps_the_second_moment_through_relu() -> None:
    """Mean h^2 = mean x^2 in a ReLU layer of 4,000 units.

    h^2 is half the time zero, else a squared normal: relative variance 5 a unit, so six
    standard errors are 6 sqrt(5 / 4000) = 0.21; false alarms below 1e-8.
    """
    x = np.random.default_rng(0).normal(size=12)
    first, _ = he_init(mlp([12, 4000, 1], "relu"))(KEY)
    hidden = np.maximum(x @ np.asarray(first["w"]), 0)
    assert np.mean(hidden**2) == pytest.approx(np.mean(x**2), rel=0.21)


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0])
def test_scaled_is_the_prior_draw_times_the_factor(factor: float) -> None:
    prior = gaussian_prior(NETWORK)
    scaled, plain = scaled_init(prior, factor)(KEY), prior.sample(KEY)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, factor * np.asarray(b), rtol=1e-6), scaled, plain)


def test_equal_arguments_give_the_same_law() -> None:
    for factory, _ in LAWS.values():
        assert factory(NETWORK) is factory(mlp([12, 6, 3]))
    assert he_init(NETWORK) is not lecun_init(NETWORK)
    assert scaled_init(gaussian_prior(NETWORK), 2) is scaled_init(gaussian_prior(NETWORK), 2.0)


@pytest.mark.parametrize("factor", [-1.0, float("nan"), float("inf")])
def test_the_factor_must_be_finite_and_not_negative(factor: float) -> None:
    with pytest.raises(
        ValueError, match=f"factor must be finite and not negative, got {factor}.*1 is the prior"
    ):
        scaled_init(gaussian_prior(NETWORK), factor)
