"""The first layer in the span of the data against the same model in its parameters."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models import Batch, Model, Network, bayesian_model, categorical, gaussian, gaussian_prior, mlp
from models.span import Rows, Span

type Array = jax.Array

RNG = np.random.default_rng(0)
INPUTS = jnp.asarray(RNG.normal(size=(6, 9)), jnp.float32)  # fewer examples than inputs
BATCH = Batch(INPUTS, jnp.asarray([0, 1, 2, 2, 1, 0]))
ROWS = jnp.array([4, 1, 1])  # one of them twice, as batches drawn with replacement have


def model(widths: list[int], regression: bool = False) -> tuple[Model, Span]:
    network = mlp(widths, "relu")
    found = bayesian_model(network, gaussian_prior(network), gaussian(0.5) if regression else categorical())
    assert found.span is not None
    return found, found.span


def moved(span: Span, params: Any) -> tuple[Any, Any]:
    """Coordinates away from their origin, and the origin."""
    (first, *rest), origin = span.enter(BATCH, params)
    coordinates = jnp.asarray(RNG.normal(size=first["w"].shape), jnp.float32)
    return [{**first, "w": coordinates}, *rest], origin


@pytest.mark.parametrize("widths", [[9, 3], [9, 5, 3], [9, 5, 4, 3]])
def test_likelihood_and_errors_are_those_of_the_parameters(widths: list[int]) -> None:
    plain, span = model(widths)
    coordinates, origin = moved(span, plain.init(jax.random.key(0)))
    params = span.leave(BATCH, coordinates, origin)
    by_hand = np.asarray(origin.weights) + np.asarray(INPUTS).T @ np.asarray(coordinates[0]["w"])
    np.testing.assert_allclose(params[0]["w"], by_hand, rtol=1e-5, atol=1e-5)
    data = span.data(BATCH, span.gram(BATCH), origin)
    found, expected = span.log_likelihood(coordinates, data), plain.log_likelihood(params, BATCH)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert span.errors is not None
    assert plain.errors is not None
    errors = plain.errors(params, BATCH)
    assert 0 < errors.sum() < len(errors)
    np.testing.assert_array_equal(span.errors(coordinates, data), errors)


@pytest.mark.parametrize("widths", [[9, 3], [9, 5, 3]])
def test_a_step_along_the_derivative_is_the_step_of_the_parameters(widths: list[int]) -> None:
    """Linear in the derivative, so the derivative mapped by X^T is that of the weights."""
    plain, span = model(widths)
    coordinates, origin = moved(span, plain.init(jax.random.key(1)))
    data = span.data(BATCH, span.gram(BATCH), origin)

    def rows(batch: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf[ROWS], batch)

    params = span.leave(BATCH, coordinates, origin)
    expected = jax.grad(lambda params: plain.log_likelihood(params, rows(BATCH)).sum())(params)
    found = jax.grad(lambda params: span.log_likelihood(params, rows(data)).sum())(coordinates)
    assert not np.asarray(found[0]["w"])[[0, 2, 3, 5]].any()  # rows that are not in the batch
    found[0]["w"] = INPUTS.T @ found[0]["w"]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), found, expected)


def test_coordinates_begin_at_zero_and_come_back_to_the_start() -> None:
    plain, span = model([9, 5, 3])
    params = plain.init(jax.random.key(2))
    coordinates, origin = span.enter(BATCH, params)
    assert coordinates[0]["w"].shape == (6, 5)
    assert not coordinates[0]["w"].any()
    jax.tree.map(np.testing.assert_array_equal, span.leave(BATCH, coordinates, origin), params)
    data = span.data(BATCH, span.gram(BATCH), origin)
    assert isinstance(data.inputs, Rows)
    assert data.inputs.gram.shape == (6, 6)
    np.testing.assert_allclose(data.inputs.gram, np.asarray(INPUTS) @ np.asarray(INPUTS).T, rtol=1e-4)


def test_equal_models_have_equal_coordinates_and_a_regression_has_them_without_errors() -> None:
    assert model([9, 5, 3])[1] is model([9, 5, 3])[1]  # or a model built again would compile again
    assert model([9, 1], regression=True)[1].errors is None


def test_a_network_that_does_not_begin_with_weights_has_none() -> None:
    network = Network(lambda key: {"w": jnp.ones((2, 2))}, lambda params, x: params["w"] @ x)
    assert bayesian_model(network, gaussian_prior(network), categorical()).span is None


def test_outputs_of_products_are_those_of_inputs() -> None:
    network = mlp([9, 5, 3], "gelu")
    params = network.init(jax.random.key(3))
    assert network.apply_products is not None
    found = network.apply_products(params, INPUTS[0] @ params[0]["w"])
    np.testing.assert_allclose(found, network.apply(params, INPUTS[0]), rtol=1e-5, atol=1e-5)
