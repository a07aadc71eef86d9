"""How a model joins its parts: shapes, errors, starting law, and no second compilation."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models import (
    Batch,
    Model,
    Network,
    bayesian_model,
    bernoulli,
    categorical,
    gaussian,
    gaussian_prior,
    he_init,
    laplace_prior,
    mlp,
)

NETWORK = mlp([3, 4, 3])
PRIOR = gaussian_prior(NETWORK)
RNG = np.random.default_rng(1)
BATCH = Batch(jnp.asarray(RNG.normal(size=(6, 3)), float), jnp.asarray([0, 1, 2, 2, 1, 0]))


def _model() -> Model:
    return bayesian_model(NETWORK, PRIOR, categorical())


def test_log_likelihood_is_one_number_an_example() -> None:
    """The batch equals each example alone, in order."""
    model = _model()
    params = model.init(jax.random.key(0))
    together = model.log_likelihood(params, BATCH)
    alone = [
        categorical().log_prob(model.apply(params, x), y)
        for x, y in zip(BATCH.inputs, BATCH.targets, strict=True)
    ]
    assert together.shape == (6,)
    np.testing.assert_allclose(together, jnp.stack(alone), rtol=1e-5)


def test_errors_are_the_wrong_labels() -> None:
    model = _model()
    params = model.init(jax.random.key(4))
    assert model.errors is not None
    labels = np.array([int(model.apply(params, x).argmax()) for x in BATCH.inputs])
    errors = model.errors(params, BATCH)
    assert (errors.shape, errors.dtype) == ((6,), jnp.bool_)
    np.testing.assert_array_equal(errors, labels != np.asarray(BATCH.targets))
    assert 0 < errors.sum() < 6  # not vacuous
    assert not model.errors(params, BATCH._replace(targets=jnp.asarray(labels))).any()


def test_binary_models_have_errors_and_regressions_none() -> None:
    network = mlp([3, 4, 1])
    binary = bayesian_model(network, gaussian_prior(network), bernoulli())
    params = binary.init(jax.random.key(0))
    assert binary.errors is not None
    signs = np.array([int(binary.apply(params, x)[0] > 0) for x in BATCH.inputs])
    np.testing.assert_array_equal(binary.errors(params, BATCH), signs != np.asarray(BATCH.targets))
    assert bayesian_model(network, gaussian_prior(network), gaussian()).errors is None


def test_a_network_without_columns_gives_the_same_numbers() -> None:
    """A user's network has ``init`` and ``apply`` only: vmap stands in for ``apply_columns``."""
    plain = Network(NETWORK.init, NETWORK.apply)
    slow, fast = bayesian_model(plain, PRIOR, categorical()), _model()
    params = fast.init(jax.random.key(0))
    assert plain.apply_columns is None
    np.testing.assert_allclose(
        slow.log_likelihood(params, BATCH), fast.log_likelihood(params, BATCH), rtol=1e-5
    )
    assert slow.errors is not None
    assert fast.errors is not None
    np.testing.assert_array_equal(slow.errors(params, BATCH), fast.errors(params, BATCH))


def test_training_starts_from_the_prior_unless_told_otherwise() -> None:
    key = jax.random.key(5)
    start = he_init(NETWORK)
    other = bayesian_model(NETWORK, PRIOR, categorical(), init=start)

    def same(left: Any, right: Any) -> bool:
        return all(bool((a == b).all()) for a, b in zip(*map(jax.tree.leaves, (left, right)), strict=True))

    assert same(_model().init(key), PRIOR.sample(key))
    assert same(other.init(key), start(key))
    assert same(other.sample_prior(key), PRIOR.sample(key))
    assert not same(other.init(key), PRIOR.sample(key))


def test_the_prior_scale_is_passed_on() -> None:
    assert _model().prior_scale is PRIOR.scale
    assert bayesian_model(NETWORK, laplace_prior(NETWORK), categorical()).prior_scale is None


def test_a_model_built_again_does_not_compile_again() -> None:
    """Functions of equal parts are the same objects, so they are one static argument of jit."""
    traces = []

    def value(params: Any, batch: Batch, log_likelihood: Any, log_prior: Any) -> jax.Array:
        traces.append(1)
        return log_prior(params) + log_likelihood(params, batch).sum()

    compiled = jax.jit(value, static_argnums=(2, 3))
    for _ in range(2):
        network = mlp([3, 4, 3])
        model = bayesian_model(network, gaussian_prior(network), categorical())
        compiled(model.init(jax.random.key(0)), BATCH, model.log_likelihood, model.log_prior)
    assert len(traces) == 1
    assert _model().errors is _model().errors


def test_a_wrong_number_of_outputs_is_refused() -> None:
    model = bayesian_model(NETWORK, PRIOR, bernoulli())
    with pytest.raises(ValueError, match="the bernoulli likelihood reads one network output, got 3"):
        model.log_likelihood(model.init(jax.random.key(0)), BATCH)


@pytest.mark.parametrize(("widths", "shape"), [([3, 5, 3], r"\(3, 5\)"), ([3, 4, 4, 3], r"\[2\]")])
def test_parts_of_another_network_are_refused(widths: list[int], shape: str) -> None:
    other = mlp(widths)
    with pytest.raises(ValueError, match=f"the network has the parameters .*prior is over .*{shape}"):
        bayesian_model(NETWORK, gaussian_prior(other), categorical())
    with pytest.raises(ValueError, match=f"init draws .*{shape}.*: make it from this network"):
        bayesian_model(NETWORK, PRIOR, categorical(), he_init(other))
