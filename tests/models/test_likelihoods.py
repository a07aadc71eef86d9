"""Likelihoods against scipy and numpyro, their layout, and their labels and predictions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from models import Likelihood, bernoulli, categorical, gaussian

RNG = np.random.default_rng(0)
OUTPUTS = {"categorical": RNG.normal(size=(4, 6)), "bernoulli": RNG.normal(size=(1, 6)) * 3}
OUTPUTS["gaussian"] = OUTPUTS["bernoulli"]
TARGETS = {
    "categorical": np.array([0, 3, 2, 1, 1, 0]),
    "bernoulli": np.array([0, 1, 1, 0, 1, 0]),
    "gaussian": RNG.normal(size=6),
}
ALL = [categorical(), bernoulli(), gaussian(0.3)]
BY_NAME = pytest.mark.parametrize("likelihood", ALL, ids=lambda likelihood: likelihood.name)


@BY_NAME
def test_log_probability_equals_scipys_and_numpyros(likelihood: Likelihood) -> None:
    outputs, targets = OUTPUTS[likelihood.name], TARGETS[likelihood.name]
    expected: np.ndarray
    match likelihood.name:
        case "categorical":
            expected = special.log_softmax(outputs, axis=0)[targets, np.arange(6)]
        case "bernoulli":
            expected = stats.bernoulli(special.expit(outputs[0])).logpmf(targets)
        case _:
            expected = stats.norm(outputs[0], 0.3).logpdf(targets)

    @jax.jit
    def both(outputs: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
        return likelihood.log_prob(outputs, targets), likelihood.distribution(outputs).log_prob(targets)

    ours, theirs = both(outputs, targets)
    np.testing.assert_allclose(ours, expected, rtol=1e-5)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@BY_NAME
def test_examples_together_equal_examples_alone(likelihood: Likelihood) -> None:
    """(d_out, n) and (d_out, 2, n / 2) give what vmap over examples gives, in each function."""

    @jax.jit
    def found(outputs: jax.Array, targets: jax.Array) -> tuple[Any, ...]:
        blocks, log_prob = outputs.reshape(len(outputs), 2, 3), likelihood.log_prob
        densities = [log_prob(outputs, targets), log_prob(blocks, targets.reshape(2, 3)).ravel()]
        label = likelihood.label
        labels = (label(outputs), jax.vmap(label, 1)(outputs)) if label else (None, None)
        alone = jax.vmap(log_prob, (1, 0))(outputs, targets), jax.vmap(likelihood.predict, 1, 1)(outputs)
        return densities, likelihood.predict(outputs), labels, alone

    densities, together, labels, (alone, predicted) = found(
        OUTPUTS[likelihood.name], TARGETS[likelihood.name]
    )
    for density in densities:
        np.testing.assert_allclose(density, alone, rtol=1e-6)
    assert predicted.shape == ({"categorical": 4, "bernoulli": 2, "gaussian": 1}[likelihood.name], 6)
    np.testing.assert_allclose(together, predicted, rtol=1e-6)
    np.testing.assert_array_equal(*labels)


@BY_NAME
def test_predictions_follow_the_law(likelihood: Likelihood) -> None:
    """Class probabilities are exp(log_prob) and add up to 1; a regression predicts its mean."""
    outputs = jnp.asarray(OUTPUTS[likelihood.name])
    predicted = likelihood.predict(outputs)
    if likelihood.label is None:
        np.testing.assert_allclose(predicted[0], likelihood.distribution(outputs).mean, rtol=1e-6)
        return
    for label, row in enumerate(predicted):
        of_label = likelihood.log_prob(outputs, jnp.full(6, label))
        np.testing.assert_allclose(row, np.exp(of_label), rtol=1e-5)
    np.testing.assert_allclose(predicted.sum(0), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(likelihood.label(outputs), predicted.argmax(0))


def test_small_binary_probabilities_keep_their_precision() -> None:
    """Both tails in single precision: 1 - p would round 1e-13 to zero."""
    rare = bernoulli().predict(jnp.array([30.0]))[0], bernoulli().predict(jnp.array([-30.0]))[1]
    np.testing.assert_allclose(rare, special.expit(-30.0), rtol=1e-5)


def test_ties_are_labelled_with_the_lower_class() -> None:
    binary, many = bernoulli().label, categorical().label
    assert binary is not None
    assert many is not None
    assert (int(binary(jnp.zeros(1))), int(many(jnp.zeros(3)))) == (0, 0)


def test_a_label_beyond_the_outputs_is_not_silent() -> None:
    assert np.isnan(float(categorical().log_prob(jnp.zeros(3), jnp.array(3))))


def test_equal_arguments_give_the_same_likelihood() -> None:
    assert categorical() is categorical()
    assert bernoulli() is bernoulli()
    assert gaussian(1) is gaussian(1.0)
    assert gaussian(1.0) is not gaussian(0.5)


@pytest.mark.parametrize("scale", [0.0, -0.1, float("nan"), float("inf")])
def test_noise_must_be_positive_and_finite(scale: float) -> None:
    with pytest.raises(
        ValueError, match=f"noise_scale must be positive and finite, got {scale}.*units of the ta"
    ):
        gaussian(scale)


@pytest.mark.parametrize("likelihood", ALL[1:], ids=lambda likelihood: likelihood.name)
def test_a_second_output_is_refused(likelihood: Likelihood) -> None:
    message = f"the {likelihood.name} likelihood reads one network output, got 2: the last width"
    for function in (
        likelihood.predict,
        likelihood.distribution,
        lambda o: likelihood.log_prob(o, jnp.zeros(5)),
    ):
        with pytest.raises(ValueError, match=message):
            function(jnp.zeros((2, 5)))
