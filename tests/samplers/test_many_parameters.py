"""The learning coefficient of ten thousand parameters: a known one within a tenth; a network on digits."""

import jax
import jax.numpy as jnp
import pytest

from models import bayesian_model, categorical, digits, gaussian_prior, mlp
from samplers import posterior
from samplers.volume import learning_coefficient, relaxed

from .singular import parabola

NUM_DATA = 1e5


@pytest.mark.certify
def test_a_regular_model_of_ten_thousand_parameters_within_a_tenth() -> None:
    target, point = parabola(jnp.logspace(-1, 1, 10_000), NUM_DATA)
    found = learning_coefficient(jax.random.key(1), target, point)
    assert found.estimate.value == pytest.approx(5_000, rel=0.1), found


@pytest.mark.certify
def test_a_network_of_ten_thousand_parameters_on_digits_passes_every_check() -> None:
    """Between nothing and half of the parameters; two seeds agree within five errors."""
    task = digits(0)
    network = mlp([64, 130, 10])
    model = bayesian_model(network, gaussian_prior(network), categorical())
    target = posterior(model, task.train, num_data=len(task.train.targets))
    starts = jax.tree.map(lambda leaf: leaf[None], model.init(jax.random.key(0)))
    point = jax.tree.map(lambda leaf: leaf[0], relaxed(target, starts))
    size = sum(leaf.size for leaf in jax.tree.leaves(point))
    assert size > 9_000
    first, second = (learning_coefficient(jax.random.key(seed), target, point).estimate for seed in (1, 2))
    assert (first.reason, second.reason) == ("ok", "ok")
    assert first.value is not None
    assert second.value is not None
    assert first.standard_error is not None
    assert second.standard_error is not None
    assert 0 < first.value < size / 2
    error = (first.standard_error**2 + second.standard_error**2) ** 0.5
    assert abs(first.value - second.value) < 5 * error
