r"""Likelihoods of a network's outputs, one example at a time.

Each wraps a numpyro distribution, so its log probability is theirs, not ours.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as dist

type Array = jax.Array


class Likelihood(NamedTuple):
    """The law of one target given one output vector.

    ``label`` maps outputs to the predicted class and is ``None`` for regression;
    ``predict`` maps outputs to class probabilities ``(num_classes,)``, or to the
    mean response ``(1,)`` for regression.
    """

    name: str
    distribution: Callable[[Array], dist.Distribution]  # (d_out,) -> law of a scalar
    log_prob: Callable[[Array, Array], Array]  # (d_out,), () -> () nats
    predict: Callable[[Array], Array]
    label: Callable[[Array], Array] | None


def categorical() -> Likelihood:
    """Softmax classification: ``y ~ Categorical(logits = f(x))``, ``d_out`` classes.

    >>> round(float(categorical().log_prob(jnp.zeros(4), jnp.array(2))), 4)
    -1.3863
    """
    return Likelihood(
        name="categorical",
        distribution=lambda outputs: dist.Categorical(logits=outputs),
        log_prob=lambda outputs, y: dist.Categorical(logits=outputs).log_prob(y),
        predict=jax.nn.softmax,
        label=lambda outputs: jnp.argmax(outputs, axis=-1),
    )


def bernoulli() -> Likelihood:
    """Binary classification with one output: ``y ~ Bernoulli(logits = f(x))``.

    An output of exactly zero is labelled 0.

    >>> [round(float(p), 3) for p in bernoulli().predict(jnp.zeros(1))]
    [0.5, 0.5]
    """

    def distribution(outputs: Array) -> dist.Distribution:
        return dist.Bernoulli(logits=outputs[0])

    def predict(outputs: Array) -> Array:
        return jnp.stack([jax.nn.sigmoid(-outputs[0]), jax.nn.sigmoid(outputs[0])])

    return Likelihood(
        name="bernoulli",
        distribution=distribution,
        log_prob=lambda outputs, y: distribution(outputs).log_prob(y),
        predict=predict,
        label=lambda outputs: (outputs[0] > 0).astype(int),
    )


def gaussian(noise_scale: float = 0.1) -> Likelihood:
    """Regression with known noise: ``y ~ Normal(f(x), noise_scale)``.

    Raises ``ValueError`` unless ``noise_scale`` is positive and finite.

    >>> round(float(gaussian(1.0).log_prob(jnp.zeros(1), jnp.array(0.0))), 4)
    -0.9189
    """
    if not (0 < noise_scale < float("inf")):
        raise ValueError(f"noise_scale must be positive and finite, got {noise_scale}")

    def distribution(outputs: Array) -> dist.Distribution:
        return dist.Normal(outputs[0], noise_scale)

    return Likelihood(
        name="gaussian",
        distribution=distribution,
        log_prob=lambda outputs, y: distribution(outputs).log_prob(y),
        predict=lambda outputs: outputs,
        label=None,
    )
