"""Least squares on one-hot vectors: scipy's density, slopes of half the squared error, nothing silent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from models import (
    bayesian_model,
    gaussian_prior,
    modular_task,
    one_hot_gaussian,
    periodic_weights,
    quadratic_pairs,
)

OUTPUTS = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
TARGETS = np.array([0, 3, 2, 1, 1, 0])


def test_it_is_the_density_of_one_hot_vectors() -> None:
    law = one_hot_gaussian()
    wanted = [
        stats.multivariate_normal(OUTPUTS[:, at], np.eye(4)).logpdf(np.eye(4)[TARGETS[at]]) for at in range(6)
    ]
    np.testing.assert_allclose(law.log_prob(jnp.asarray(OUTPUTS), jnp.asarray(TARGETS)), wanted, rtol=1e-5)
    blocks = law.log_prob(jnp.asarray(OUTPUTS.reshape(4, 2, 3)), jnp.asarray(TARGETS.reshape(2, 3)))
    np.testing.assert_allclose(blocks.ravel(), wanted, rtol=1e-5)
    alone = law.log_prob(jnp.asarray(OUTPUTS[:, 1]), jnp.asarray(3))
    assert float(alone) == pytest.approx(wanted[1], rel=1e-5)


def test_its_slope_is_that_of_half_the_squared_error() -> None:
    slope = jax.grad(lambda f: -one_hot_gaussian().log_prob(f, jnp.asarray(TARGETS)).sum())
    np.testing.assert_allclose(slope(jnp.asarray(OUTPUTS)), OUTPUTS - np.eye(4)[TARGETS].T, atol=1e-6)


def test_classes_have_the_probabilities_of_one_hot_vectors() -> None:
    """Bayes' rule over the four vectors, equally likely before: a softmax of the densities."""
    law = one_hot_gaussian()
    densities = np.array([law.log_prob(jnp.asarray(OUTPUTS), jnp.full(6, label)) for label in range(4)])
    np.testing.assert_allclose(
        law.predict(jnp.asarray(OUTPUTS)), special.softmax(densities, axis=0), rtol=1e-5
    )
    assert law.label is not None
    np.testing.assert_array_equal(law.label(jnp.asarray(OUTPUTS)), OUTPUTS.argmax(axis=0))


def test_a_label_beyond_the_outputs_is_not_silent() -> None:
    assert np.isnan(one_hot_gaussian().log_prob(jnp.zeros(3), jnp.array(3)))
    assert one_hot_gaussian() is one_hot_gaussian()


def test_periodic_weights_make_no_errors_by_it() -> None:
    """Outputs are 3/2 (p e_y - 1): over all pairs the loss is that of the scaled, shifted answer."""
    p = 5
    network, task = quadratic_pairs(p, 3 * (p - 1)), modular_task(0, p, train_share=0.6)
    model = bayesian_model(network, gaussian_prior(network), one_hot_gaussian())
    rule = periodic_weights(p)
    answer = 3 / 2 * (p * np.eye(p)[0] - 1)
    wanted = stats.multivariate_normal(answer, np.eye(p)).logpdf(np.eye(p)[0])
    np.testing.assert_allclose(model.log_likelihood(rule, task.train), wanted, rtol=1e-4)
    assert model.errors is not None
    assert not model.errors(rule, task.probe).any()
