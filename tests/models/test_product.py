"""The matrix product of networks: values and derivatives of all orders are those of ``x @ w``."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.product import product

type Array = jax.Array

KEY_X, KEY_W = jax.random.split(jax.random.key(0))
X, W = jax.random.normal(KEY_X, (5, 3)), jax.random.normal(KEY_W, (3, 4))


def curved(multiply: Callable[[Array, Array], Array], x: Array, w: Array) -> Array:
    """A function of both factors, no derivative of which vanishes."""
    return jnp.sum(jnp.sin(multiply(x, w)))


@pytest.mark.parametrize(
    "derivative",
    [
        lambda f: f,
        lambda f: jax.grad(f, (0, 1)),
        lambda f: jax.jacfwd(f, (0, 1)),
        lambda f: jax.jacfwd(jax.grad(f, (0, 1)), (0, 1)),
        lambda f: jax.jacrev(jax.grad(f, (0, 1)), (0, 1)),
        lambda f: jax.jacrev(jax.jacfwd(f, 1), 1),
    ],
    ids=[
        "value",
        "gradient",
        "forward",
        "forward of gradient",
        "gradient of gradient",
        "gradient of forward",
    ],
)
@pytest.mark.parametrize("columns", [1, 4])
def test_values_and_derivatives_are_those_of_a_plain_product(
    derivative: Callable[[Callable[..., Array]], Callable[..., Array]], columns: int
) -> None:
    w = W[:, :columns]
    found, expected = (derivative(partial(curved, multiply))(X, w) for multiply in (product, jnp.matmul))
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), found, expected)


def test_many_networks_on_shared_and_on_own_examples() -> None:
    many = jnp.stack([W, 2 * W])
    gradient = jax.grad(partial(curved, product), 1)
    plain = jax.grad(partial(curved, jnp.matmul), 1)
    for x, axes in ((X, (None, 0)), (jnp.stack([X, -X]), (0, 0))):
        found, expected = (jax.vmap(one, axes)(x, many) for one in (gradient, plain))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
