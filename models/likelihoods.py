r"""Likelihoods of a network's outputs.

.. math:: y \sim p(\,\cdot \mid f(x)), \qquad \log p(y \mid f(x))\ \text{in nats}

Every function takes outputs with the output axis FIRST: ``(d_out,)`` for one example,
``(d_out, ...)`` for many, whose axes follow. With examples last, the sums over the few
classes run along long contiguous rows, which halves the time of a gradient on a CPU.
Each law is a numpyro distribution; the softmax one is evaluated in this layout by hand.

Sources: McCullagh and Nelder 1989, chapters 2, 4 and 5; Bishop 2006, section 4.3.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as dist

type Array = jax.Array


class Likelihood(NamedTuple):
    """The law of a target given an output vector; ``...`` stands for axes of examples.

    ``label`` maps outputs to the predicted class and is ``None`` for regression;
    ``predict`` maps outputs to class probabilities ``(num_classes, ...)``, or to the
    mean response ``(1, ...)`` for regression.
    """

    name: str
    distribution: Callable[[Array], dist.Distribution]  # (d_out, ...) -> law of shape (...)
    log_prob: Callable[[Array, Array], Array]  # (d_out, ...), (...) -> (...) nats
    predict: Callable[[Array], Array]
    label: Callable[[Array], Array] | None  # (d_out, ...) -> (...) int


@cache
def categorical() -> Likelihood:
    r"""Softmax classification, one output a class.

    .. math:: \log p(y \mid f) = f_y - \log \sum_k e^{f_k}

    Targets are integers ``0 .. d_out - 1``; a larger one gives NaN. Equal outputs are
    labelled with the first of them.

    >>> round(float(categorical().log_prob(jnp.zeros(4), jnp.array(2))), 4)
    -1.3863
    """

    def log_prob(outputs: Array, y: Array) -> Array:
        return jnp.take_along_axis(jax.nn.log_softmax(outputs, axis=0), y[None], axis=0)[0]

    return Likelihood(
        name="categorical",
        distribution=lambda outputs: dist.Categorical(logits=jnp.moveaxis(outputs, 0, -1)),
        log_prob=log_prob,
        predict=lambda outputs: jax.nn.softmax(outputs, axis=0),
        label=lambda outputs: jnp.argmax(outputs, axis=0),
    )


@cache
def bernoulli() -> Likelihood:
    r"""Binary classification with one output, the log odds of class 1.

    .. math:: \log p(y \mid f) = y f - \log(1 + e^f), \qquad y \in \{0, 1\}

    ``predict`` gives the probabilities of classes 0 and 1, each to full relative
    precision. An output of exactly zero is labelled 0. Raises ``ValueError`` for a
    network with more than one output.

    >>> [round(float(p), 3) for p in bernoulli().predict(jnp.zeros(1))]
    [0.5, 0.5]
    """

    def distribution(outputs: Array) -> dist.Distribution:
        return dist.Bernoulli(logits=_only(outputs, "bernoulli"))

    def predict(outputs: Array) -> Array:
        log_odds = _only(outputs, "bernoulli")
        return jnp.stack([jax.nn.sigmoid(-log_odds), jax.nn.sigmoid(log_odds)])

    return Likelihood(
        name="bernoulli",
        distribution=distribution,
        log_prob=lambda outputs, y: distribution(outputs).log_prob(y),
        predict=predict,
        label=lambda outputs: (_only(outputs, "bernoulli") > 0).astype(int),
    )


@cache
def one_hot_gaussian() -> Likelihood:
    r"""Classes by least squares: the one-hot vector of the class, each entry with unit Gaussian noise.

    .. math:: \log p(y \mid f) = -\tfrac12 \|f - e_y\|^2 - \tfrac{d_{out}}{2} \log 2 \pi

    Training by it is training by half the squared error, under which quadratic units grok
    (Gromov 2023). ``distribution`` and ``predict`` are those of the class among vectors that are
    one-hot, ``softmax(f)``, so that ``log_prob``, a density of vectors, is not the logarithm of
    theirs. Targets are integers ``0 .. d_out - 1``; a larger one gives NaN.

    >>> round(float(one_hot_gaussian().log_prob(jnp.array([0.0, 1.0]), jnp.array(1))), 4)
    -1.8379
    """

    def log_prob(outputs: Array, y: Array) -> Array:
        exact = jax.nn.one_hot(y, outputs.shape[0], axis=0, dtype=outputs.dtype)
        density = dist.Normal(exact, 1.0).log_prob(outputs).sum(axis=0)
        return jnp.where(y < outputs.shape[0], density, jnp.nan)

    return categorical()._replace(name="one-hot gaussian", log_prob=log_prob)


def gaussian(noise_scale: float = 0.1) -> Likelihood:
    r"""Regression with known noise, one output.

    .. math:: \log p(y \mid f) = -\frac{(y - f)^2}{2 s^2} - \log s - \tfrac12 \log 2 \pi

    ``noise_scale`` is the standard deviation ``s`` in the units of the targets. Raises
    ``ValueError`` unless it is positive and finite, or for a network with more than
    one output.

    >>> round(float(gaussian(1.0).log_prob(jnp.zeros(1), jnp.array(0.0))), 4)
    -0.9189
    """
    if not (0 < noise_scale < float("inf")):
        raise ValueError(
            f"noise_scale must be positive and finite, got {noise_scale}: it is the standard deviation "
            "of the targets about the network's output; give it in the units of the targets"
        )
    return _gaussian(float(noise_scale))


@cache
def _gaussian(noise_scale: float) -> Likelihood:
    def distribution(outputs: Array) -> dist.Distribution:
        return dist.Normal(_only(outputs, "gaussian"), noise_scale)

    return Likelihood(
        name="gaussian",
        distribution=distribution,
        log_prob=lambda outputs, y: distribution(outputs).log_prob(y),
        predict=lambda outputs: _only(outputs, "gaussian")[None],
        label=None,
    )


def _only(outputs: Array, name: str) -> Array:
    """The single output ``(...)``; a second one would be ignored in silence."""
    if outputs.shape[0] != 1:
        raise ValueError(
            f"the {name} likelihood reads one network output, got {outputs.shape[0]}: "
            "the last width of the network must be 1"
        )
    return outputs[0]
