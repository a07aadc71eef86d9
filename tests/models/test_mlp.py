"""The network against a plain numpy forward pass, and its shapes."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf
from scipy.stats import kstest, norm

from models import ACTIVATIONS, he_init, mlp


def _gelu(x: np.ndarray) -> np.ndarray:
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


NUMPY: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "gelu": _gelu,
}


def _forward(params: Any, x: np.ndarray, activation: str) -> np.ndarray:
    """Index by index, from the definition."""
    for number, layer in enumerate(params):
        w, b = np.asarray(layer["w"], float), np.asarray(layer["b"], float)
        x = np.array([sum(x[i] * w[i, j] for i in range(len(x))) + b[j] for j in range(len(b))])
        if number < len(params) - 1:
            x = NUMPY[activation](x)
    return x


def test_every_activation_has_an_oracle() -> None:
    assert set(NUMPY) == set(ACTIVATIONS)


@pytest.mark.parametrize("activation", list(NUMPY))
@pytest.mark.parametrize("widths", [[3, 2], [3, 5, 2], [4, 3, 6, 1]])
def test_outputs_equal_a_plain_forward_pass(widths: list[int], activation: str) -> None:
    network = mlp(widths, activation)
    rng = np.random.default_rng(0)
    params = [{"w": rng.normal(size=(d, e)), "b": rng.normal(size=e)} for d, e in pairwise(widths)]
    inputs = rng.normal(size=(4, widths[0])) * 2
    expected = np.stack([_forward(params, x, activation) for x in inputs])
    apply_columns = network.apply_columns
    assert apply_columns is not None

    @jax.jit
    def found(params: Any, inputs: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jax.vmap(network.apply, (None, 0))(params, inputs), apply_columns(params, inputs.T)

    alone, columns = found(params, inputs)
    np.testing.assert_allclose(alone, expected, rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(columns, expected.T, rtol=2e-5, atol=2e-5)


def test_gelu_is_the_tanh_approximation() -> None:
    """Within 5e-4 of x Phi(x), the error of the approximation itself, and not equal to it."""
    x = np.linspace(-4, 4, 801)
    exact = x / 2 * (1 + erf(x / np.sqrt(2)))
    gap = np.abs(np.asarray(ACTIVATIONS["gelu"](jnp.asarray(x))) - exact).max()
    assert 1e-4 < gap < 5e-4


def test_shapes_and_types() -> None:
    network = mlp([8, 16, 10])
    params = jax.eval_shape(network.init, jax.random.key(0))
    assert [{k: v.shape for k, v in layer.items()} for layer in params] == [
        {"w": (8, 16), "b": (16,)},
        {"w": (16, 10), "b": (10,)},
    ]
    one = jax.eval_shape(network.apply, params, jnp.zeros(8))
    assert (one.shape, one.dtype) == ((10,), jnp.float32)
    assert network.apply_columns is not None
    assert jax.eval_shape(network.apply_columns, params, jnp.zeros((8, 5))).shape == (10, 5)


def test_layers_get_independent_draws_of_the_unit_gaussian() -> None:
    """Kolmogorov-Smirnov on sqrt(d_in) w and b, 4 tests at level 1e-4, and no correlation: 0.05 %."""
    params = mlp([32, 128, 32]).init(jax.random.key(3))
    for layer, fan_in in zip(params, (32, 128), strict=True):
        for values in (np.sqrt(fan_in) * np.asarray(layer["w"], float), np.asarray(layer["b"], float)):
            assert kstest(values.ravel(), norm.cdf).pvalue > 1e-4
    pair = np.corrcoef(params[0]["w"].ravel(), params[1]["w"].ravel())[0, 1]
    assert abs(pair) < 5 / np.sqrt(4096)


def test_relu_gradient_is_that_of_the_active_side() -> None:
    """f(x) = relu(x w) v with scalars: df/dw = x v where x w > 0, else 0."""
    network = mlp([1, 1, 1], "relu")
    params = [{"w": jnp.array([[2.0]]), "b": jnp.zeros(1)}, {"w": jnp.array([[3.0]]), "b": jnp.zeros(1)}]

    @jax.jit
    def slope(x: jax.Array) -> jax.Array:
        return jax.grad(lambda p: network.apply(p, x)[0])(params)[0]["w"][0, 0]

    assert [float(slope(np.array([x]))) for x in (0.5, -0.5)] == [1.5, 0.0]


def test_equal_arguments_give_the_same_network() -> None:
    assert mlp([3, 4, 2]) is mlp(np.array([3, 4, 2]).tolist(), "tanh")
    assert mlp([3, 4, 2]) is not mlp([3, 4, 2], "relu")
    assert he_init(mlp([3, 4, 2])) is he_init(mlp([3, 4, 2]))


@pytest.mark.parametrize("widths", [[], [3], [3, 0, 2], [3, -1], [0, 2]])
def test_widths_must_be_positive(widths: list[int]) -> None:
    with pytest.raises(ValueError, match=r"widths must be two or more positive numbers, got .*every layer"):
        mlp(widths)


@pytest.mark.parametrize("widths", [[3.0, 2], ["3", "2"], [3, None]])
def test_widths_must_be_whole_numbers(widths: Any) -> None:
    with pytest.raises(ValueError, match="widths must be whole numbers, got"):
        mlp(widths)


def test_unknown_activations_are_refused() -> None:
    with pytest.raises(ValueError, match="activation must be one of tanh, relu, gelu, got 'swish'"):
        mlp([3, 2], "swish")
