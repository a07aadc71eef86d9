"""Ten thousand and a hundred thousand parameters: what can still be measured, and in how much memory.

The rule, within a tenth of the coefficient that is known, is that of small models.
"""

import resource
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import jax
import jax.numpy as jnp
import pytest

from models import Batch, bayesian_model, categorical, digits, gaussian, gaussian_prior, mlp
from samplers import posterior
from samplers.mode import find_mode
from samplers.volume import (
    EffectiveDimension,
    effective_dimension,
    learning_coefficient,
    reduced_rank_coefficient,
    relaxed,
)

from .singular import linear_network, parabola

NUM_DATA = 1e5


@pytest.mark.certify
def test_a_regular_model_of_ten_thousand_parameters_within_a_tenth() -> None:
    target, point = parabola(jnp.logspace(-1, 1, 10_000), NUM_DATA)
    found = learning_coefficient(jax.random.key(1), target, point)
    assert found.estimate.value == pytest.approx(5_000, rel=0.1), found


@pytest.mark.certify
def test_a_wide_linear_network_of_ten_thousand_parameters_within_a_tenth() -> None:
    """20 inputs, 20 outputs, 245 hidden units: 9,800 parameters, of which the loss sees a map of 400."""
    shape = 20, 20, 245, 5
    target, point = linear_network(*shape, NUM_DATA)
    found = learning_coefficient(jax.random.key(1), target, point)
    known = reduced_rank_coefficient(*shape)
    assert known.coefficient == 200
    assert found.estimate.value == pytest.approx(known.coefficient, rel=0.1), found


@pytest.mark.certify
def test_a_network_of_ten_thousand_parameters_on_digits_passes_every_check() -> None:
    """Between the ten outputs' share and half of the parameters; two seeds agree within five errors."""
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


def dimension_and_memory() -> tuple[EffectiveDimension, float]:
    """The effective dimension of a network of 102,001 parameters, and the GB of its process at their peak."""
    network = mlp([100, 1000, 1])
    model = bayesian_model(network, gaussian_prior(network), gaussian(0.5))
    inputs = jax.random.normal(jax.random.key(0), (200, 100))
    target = posterior(model, Batch(inputs, jnp.sin(inputs[:, 0])), num_data=200)
    params = find_mode(target, model.sample_prior(jax.random.key(1)), 4000, 0.01)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 102_001
    found = effective_dimension(jax.random.key(2), target, params)
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # of kilobytes, on Linux


@pytest.mark.certify
def test_the_spectrum_of_a_hundred_thousand_parameters_within_two_gigabytes() -> None:
    """The Hessian would take 40. In a process of its own, whose peak is no other test's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found, gigabytes = pool.submit(dimension_and_memory).result()
    assert found.dimension.value is not None, found
    assert 50 < found.dimension.value < 200  # as many as the data at most
    assert gigabytes < 2
