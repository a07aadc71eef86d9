"""The two-layer ReLU network and its kernels: against quadrature, gradients and draws, with the rate."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from models import arc_cosine_kernel, gaussian_prior, tangent_kernel, two_layer_relu

INPUTS = np.array([[1.0, 0.0, 4.0], [1.0, 3.0, 4.0], [1.0, 2.0, 0.0], [-2.0, 0.5, -1.0]])


def test_kernels_equal_an_integral_over_directions() -> None:
    """In the plane of two inputs, weights have a Rayleigh length and a uniform direction."""
    for angle in (0.0, 1e-5, 0.3, 1.2, 2.5, np.pi):
        x, y = np.array([[2.0, 0.0]]), 3 * np.array([[np.cos(angle), np.sin(angle)]])

        def both(at: float, angle: float = angle) -> float:
            return max(np.cos(at), 0) * max(np.cos(at - angle), 0) / (2 * np.pi)

        def active(at: float, angle: float = angle) -> float:
            return float(np.cos(at) > 0 and np.cos(at - angle) > 0) / (2 * np.pi)

        corners = sorted({-np.pi / 2, np.pi / 2, angle - np.pi / 2})
        pairs = list(pairwise(corners))
        kernel = 6 * 2 * sum(quad(both, low, high)[0] for low, high in pairs)  # E r^2 = 2
        tangent = kernel + 6 * np.cos(angle) * sum(quad(active, low, high)[0] for low, high in pairs)
        np.testing.assert_allclose(arc_cosine_kernel(x, y), kernel, atol=1e-12)
        np.testing.assert_allclose(tangent_kernel(x, y), tangent, atol=1e-9)


def test_near_parallel_inputs_keep_their_digits() -> None:
    """1 - K / K_0 is t^2 / 2 to third order: an arccosine would lose it at t = 1e-7."""
    t = 1e-6
    x, y = np.array([[1.0, 0.0]]), np.array([[np.cos(t), np.sin(t)]])
    gap = float(tangent_kernel(x, x)[0, 0] - tangent_kernel(x, y)[0, 0])
    np.testing.assert_allclose(gap, t / (2 * np.pi), rtol=1e-5)


def test_a_zero_input_has_no_covariance_and_bad_shapes_are_refused() -> None:
    assert arc_cosine_kernel(np.zeros((1, 3)), INPUTS).tolist() == [[0.0] * 4]
    with pytest.raises(ValueError, match="one row an input"):
        arc_cosine_kernel(INPUTS, INPUTS[:, :2])
    with pytest.raises(ValueError, match="at least one"):
        two_layer_relu(3, 0)


def test_the_law_of_init_is_the_prior_without_fan_in() -> None:
    network = two_layer_relu(3, 5)
    scale = gaussian_prior(network, fan_in=False).scale
    assert scale is not None
    assert all((leaf == 1).all() for leaf in scale.values())
    assert two_layer_relu(3, 5) is network


def outputs(width: int, num: int, seed: int) -> np.ndarray:
    """Outputs of random networks on all inputs, ``(num, 4)``."""
    network = two_layer_relu(3, width)

    @jax.jit
    def some(keys: jax.Array) -> jax.Array:
        return jax.vmap(
            lambda key: jax.vmap(network.apply, (None, 0))(network.init(key), jnp.asarray(INPUTS))[:, 0]
        )(keys)

    return np.asarray(some(jax.random.split(jax.random.key(seed), num)), float)


def test_outputs_have_the_covariance_at_every_width() -> None:
    """Each of 20 entries within five standard errors: a false alarm in about 1e-5 of seeds."""
    kernel = arc_cosine_kernel(INPUTS, INPUTS)
    for width in (1, 16):
        found = outputs(width, 100_000, width)
        products = found[:, :, None] * found[:, None]
        error = products.std(axis=0) / np.sqrt(len(found))
        assert (np.abs(products.mean(axis=0) - kernel) < 5 * error).all()
        assert np.abs(found.mean(axis=0) / found.std(axis=0)).max() < 5 / np.sqrt(len(found))


def test_the_tangent_kernel_is_the_mean_product_of_gradients() -> None:
    network = two_layer_relu(3, 256)

    @jax.jit
    def products(key: jax.Array) -> jax.Array:
        grads = jax.vmap(jax.grad(lambda params, x: network.apply(params, x)[0]), (None, 0))(
            network.init(key), jnp.asarray(INPUTS)
        )
        flat = jnp.concatenate([leaf.reshape(4, -1) for leaf in jax.tree.leaves(grads)], axis=1)
        return flat @ flat.T

    found = np.asarray(jax.vmap(products)(jax.random.split(jax.random.key(0), 400)), float)
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - tangent_kernel(INPUTS, INPUTS)) < 5 * error).all()


def test_networks_become_gaussian_at_the_rate_one_over_width() -> None:
    """Excess kurtosis is exactly 15 / m for one input: E a^4 E relu^4 / (E a^2 E relu^2)^2 = 3 (3/2) / (1/4).

    So kappa = (18 - 3) / m. The fourth moment's error is five standard ones: false alarms below 1e-5.
    """
    for width in (2, 8, 32):
        z = outputs(width, 150_000, 10 + width)[:, 0] / np.sqrt(arc_cosine_kernel(INPUTS, INPUTS)[0, 0])
        fourth, error = np.mean(z**4), np.std(z**4) / np.sqrt(len(z))
        assert abs(fourth - 3 - 15 / width) < 5 * error
        assert 5 * error < 15 / width  # the rate shows: no excess at all would be noticed
