"""The max-margin solver: its kernel by wide networks, its function by brute force over supports."""

import jax
import jax.numpy as jnp
import numpy as np

from models import boolean_inputs, gaussian_prior, majority, mlp
from thermalize.claims.max_margin import max_margin_function, relu_kernel


def test_the_kernel_is_the_covariance_of_networks() -> None:
    """With one hidden layer at any width: 65,536 networks of 16 units, standard errors below 0.02."""
    inputs = boolean_inputs(2)
    network = mlp([2, 16, 1], "relu")
    params = jax.vmap(gaussian_prior(network).sample)(jax.random.split(jax.random.key(0), 1 << 16))
    outputs = np.asarray(
        jax.vmap(lambda p: jax.vmap(network.apply, (None, 0))(p, jnp.asarray(inputs))[:, 0])(params)
    )
    products = outputs[:, :, None] * outputs[:, None]
    errors = products.std(axis=0) / 256
    assert errors.max() < 0.02
    assert (np.abs(products.mean(axis=0) - relu_kernel(inputs, 1)) < 5 * errors).all()


def test_max_margin_by_its_optimality_conditions() -> None:
    """Every margin is at least one where the support is scaled so, with equality on the support."""
    inputs = boolean_inputs(4)
    rows = np.random.default_rng(0).permutation(16)[:9]
    labels = majority(4)[rows]
    found = max_margin_function(inputs, rows, labels, 2)
    assert (found[rows] == labels).all()
    kernel, signs = relu_kernel(inputs, 2), 2 * labels - 1
    gram = kernel[np.ix_(rows, rows)] * np.outer(signs, signs)
    best, value = None, np.inf
    for support in range(1, 1 << 9):  # brute force over supports
        some = np.flatnonzero(support >> np.arange(9) & 1)
        weights = np.linalg.solve(gram[np.ix_(some, some)], np.ones(len(some)))
        margins = gram[:, some] @ weights
        if (weights > 0).all() and (margins > 1 - 1e-6).all() and weights.sum() < value:
            best, value = (some, weights), weights.sum()
    assert best is not None
    some, weights = best
    assert (found == (kernel[:, rows[some]] @ (weights * signs[some]) > 0)).all()
