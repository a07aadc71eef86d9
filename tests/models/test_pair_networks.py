"""Networks of pairs: periodic weights that add exactly, shapes, laws, gradients, and attention by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from models import (
    Batch,
    Network,
    bayesian_model,
    categorical,
    gaussian_prior,
    mlp,
    modular_table,
    one_hot_pairs,
    pair_transformer,
    periodic_weights,
    quadratic_pairs,
)
from models.pair_networks import PHASES

NETWORKS = {
    "mlp": mlp([14, 16, 7], "relu"),
    "quadratic": quadratic_pairs(7, 21),
    "transformer": pair_transformer(7, 8, num_heads=2, hidden=16),
}


@pytest.mark.parametrize("modulus", [3, 5, 7, 9, 23, 59])
@pytest.mark.parametrize("operation", ["addition", "subtraction"])
def test_periodic_weights_have_their_closed_form(modulus: int, operation: str) -> None:
    pairs, results = modular_table(modulus, operation)  # type: ignore[arg-type]
    network = quadratic_pairs(modulus, PHASES * (modulus - 1) // 2)
    weights = periodic_weights(modulus, operation)  # type: ignore[arg-type]
    expected_shapes = jax.tree.map(jnp.shape, jax.eval_shape(network.init, jax.random.key(0)))
    assert jax.tree.map(jnp.shape, weights) == expected_shapes
    outputs = jax.vmap(network.apply, (None, 0))(weights, jnp.asarray(one_hot_pairs(pairs, modulus)))
    expected = 3 / 2 * (modulus * np.eye(modulus)[results] - 1)
    np.testing.assert_allclose(outputs, expected, atol=2e-5 * modulus)


def test_six_phases_are_the_fewest() -> None:
    """Products turn with these multiples of the phase: none may be a whole turn, for any second multiple."""

    def vanishes(phases: int, second: int) -> bool:
        answer = 1 + second
        others = [0, 2, 2 * second, 1 - second]  # of the square: constant, two doubled, the difference
        products = [turn + sign * answer for turn in others for sign in (1, -1)] + [2 * answer]
        return all(turn % phases for turn in products)

    assert vanishes(PHASES, 4)
    assert not any(vanishes(fewer, second) for fewer in range(2, PHASES) for second in range(fewer))


@pytest.mark.parametrize("name", list(NETWORKS))
def test_shapes_columns_and_gradients(name: str) -> None:
    network = NETWORKS[name]
    pairs, results = modular_table(7, "addition")
    inputs = jnp.asarray(one_hot_pairs(pairs, 7))
    params = network.init(jax.random.key(0))
    assert jax.eval_shape(network.apply, params, inputs[0]).shape == (7,)
    if network.apply_columns is not None:
        rows = jax.vmap(network.apply, (None, 0))(params, inputs)
        np.testing.assert_allclose(network.apply_columns(params, inputs.T).T, rows, atol=1e-5)
    model = bayesian_model(network, gaussian_prior(network), categorical())
    batch = Batch(inputs, jnp.asarray(results))
    gradient = jax.grad(lambda params: model.log_likelihood(params, batch).mean())(params)
    leaves = jax.tree.leaves(gradient)
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)
    assert all(bool(jnp.any(leaf != 0)) for leaf in leaves)  # every parameter counts


@pytest.mark.parametrize("name", ["quadratic", "transformer"])
def test_starts_are_draws_of_the_prior(name: str) -> None:
    """1,000 nets in units of the prior's deviations: mean and variance within 5 errors, 1e-6 a test."""
    network: Network = NETWORKS[name]
    scale = ravel_pytree(gaussian_prior(network).scale)[0]
    drawn = jax.vmap(lambda key: ravel_pytree(network.init(key))[0])(
        jax.random.split(jax.random.key(1), 1000)
    )
    scores = np.asarray(drawn / scale[None])
    assert abs(scores.mean()) < 5 / np.sqrt(scores.size)
    assert abs((scores**2).mean() - 1) < 5 * np.sqrt(2 / scores.size)
    assert (abs((scores**2).mean(axis=0) - 1) < 6.5 * np.sqrt(2 / 1000)).all()


def test_labels_of_quadratic_units_do_not_depend_on_scale() -> None:
    network = NETWORKS["quadratic"]
    first, second = network.init(jax.random.key(0))
    x = jnp.asarray(one_hot_pairs(np.array([[2, 5]]), 7)[0])
    outputs = network.apply([first, second], x)
    scaled = network.apply([{"w": 2 * first["w"]}, {"w": 3 * second["w"]}], x)
    np.testing.assert_allclose(scaled, 12 * outputs, rtol=1e-5)


def test_a_transformer_by_hand() -> None:
    """Loops over heads and tokens in place of sums of arrays."""
    p, width, num_heads, part = 7, 8, 2, 4
    params = {
        name: np.asarray(leaf, float)
        for name, leaf in NETWORKS["transformer"].init(jax.random.key(2)).items()
    }
    tokens = [params["embedding"][3] + params["place"][0], params["embedding"][6] + params["place"][1]]
    read = np.zeros(width)
    for head in range(num_heads):
        span = slice(head * part, (head + 1) * part)
        query = (tokens[1] @ params["query"])[span]
        weights = [np.exp(query @ (token @ params["key"])[span] / np.sqrt(part)) for token in tokens]
        for weight, token in zip(weights, tokens, strict=True):
            read[span] += weight / sum(weights) * (token @ params["value"])[span]
    token = tokens[1] + read @ params["attended"]
    units = np.maximum(token @ params["hidden"] + params["hidden_bias"], 0)
    expected = (token + units @ params["out"] + params["out_bias"]) @ params["answer"]
    x = jnp.asarray(one_hot_pairs(np.array([[3, 6]]), p)[0])
    np.testing.assert_allclose(NETWORKS["transformer"].apply(params, x), expected, atol=1e-4)


def test_equal_arguments_give_the_same_network_and_wrong_ones_are_refused() -> None:
    assert quadratic_pairs(7, 21) is quadratic_pairs(7, 21)
    assert pair_transformer(7, 8) is pair_transformer(7, 8, 1, 64)
    with pytest.raises(ValueError, match="num_heads must divide the width 8, got 3"):
        pair_transformer(7, 8, num_heads=3)
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        quadratic_pairs(7, 0)
    with pytest.raises(ValueError, match="modulus must be odd, got 8"):
        periodic_weights(8)
    with pytest.raises(ValueError, match="operation must be 'addition' or 'subtraction'"):
        periodic_weights(7, "division")  # type: ignore[arg-type]
