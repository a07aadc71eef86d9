r"""The coin line: networks that saw ``n`` tosses come up heads, asked about one that differs.

.. math::

    x_p = (1, p, n),\ y_p = +1,\ p = 0, \dots, n - 1; \qquad x_* = (1, \lceil n / 2 \rceil, 0)

A two-layer ReLU network with unit Gaussian parameters and the factor ``1 / sqrt(width)`` on its
output learns the line by gradient descent on the logistic loss. Its zero-one posterior in the
limit of infinite width is known: a ratio of two orthant probabilities of the Gaussian process
with the arc-cosine kernel. So is what gradient descent does there: outputs ``f`` on all inputs
start as ``c^2`` times a draw of that process and move, step by step, by

.. math:: f \leftarrow f + \eta\, c^2\, \Theta(\cdot, X)\, \sigma(-f(X)) / n

with the tangent kernel ``Theta``; ``c`` is the factor on the initial parameters. It cannot change
the zero-one posterior, which sees signs only.

Learning rate, factor and ``n`` are data, so that one program serves them all. The network is
homogeneous of degree two: parameters ``c psi`` on inputs ``x`` are parameters ``psi`` on inputs
``c^2 x``, and to descend in them at the rate ``eta`` is to descend in ``psi`` at ``eta / c^2``. A
rate multiplies the gradient as a weight multiplies the loss, and rows of weight zero fill up
shorter lines.

Sources: Cho and Saul 2009; Jacot, Gabriel and Hongler 2018; Lee et al. 2019 (linearised training).
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit

from compare import unpack_labels
from models import (
    Batch,
    Model,
    Network,
    arc_cosine_kernel,
    bayesian_model,
    bernoulli,
    boolean_labels,
    gaussian_prior,
    tangent_kernel,
    two_layer_relu,
)
from samplers import Stop, optimise_through, posterior, prior_functions
from samplers.draws import Progress, silent
from samplers.named import optax_optimiser

type Array = np.ndarray
LONGEST = 16  # rows that every training set is filled up to
MAX_STEPS = 20_000


class Setting(NamedTuple):
    """How networks are trained. ``pace`` is the learning rate, in units of the largest stable one."""

    num_points: int
    width: int
    pace: float = 0.25
    scale: float = 1.0  # factor on the initial parameters

    @property
    def learning_rate(self) -> float:
        """The logistic loss curves by at most a quarter of the tangent kernel, so 8 / curvature is stable."""
        inputs = line(self.num_points)[:-1]
        largest = np.linalg.eigvalsh(tangent_kernel(inputs, inputs) / self.num_points)[-1]
        return float(self.pace * 8 / (self.scale**2 * largest))


class Answers(NamedTuple):
    """Of networks at one stop: whether each came to it, and whether it is positive at the probe."""

    met: Array  # (network,) booleans
    positive: Array  # (network,) booleans


class Weighted(NamedTuple):
    """Labelled examples, each with a factor on its loss."""

    inputs: jax.Array
    targets: jax.Array
    weight: jax.Array  # (n,)


def line(num_points: int) -> Array:
    """The training inputs and, last, the probe, ``(n + 1, 3)``.

    >>> line(3).tolist()
    [[1.0, 0.0, 3.0], [1.0, 1.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 0.0]]
    """
    points = [[1.0, p, num_points] for p in range(num_points)]
    return np.array([*points, [1.0, -(-num_points // 2), 0.0]])


def covariance(num_points: int) -> Array:
    """Of the outputs on the training inputs and the probe, at infinite width."""
    return arc_cosine_kernel(line(num_points), line(num_points))


@cache
def network_of(width: int) -> tuple[Network, Model]:
    """The network and its model, made once."""
    network = two_layer_relu(3, width)
    return network, bayesian_model(network, gaussian_prior(network, fan_in=False), bernoulli())


def trained(
    key: jax.Array, setting: Setting, extra_steps: tuple[int, ...], num: int, progress: Progress = silent
) -> list[Answers]:
    """Networks trained from independent starts: at their first fit and so many steps after it."""
    inputs = jnp.asarray(setting.scale**2 * line(setting.num_points), jnp.float32)
    found = optimise_through(
        key,
        optax_optimiser("sgd", 1.0, citation="full-batch gradient descent"),
        posterior(_weighted_model(setting.width), filled(setting), num_data=setting.num_points),
        _output(setting.width),
        inputs[-1],
        num_endpoints=num,
        stops=[Stop("first_fit", extra, max_steps=MAX_STEPS + extra) for extra in extra_steps],
        record_every=1000,
        progress=progress,
    )
    return [
        Answers(
            np.array([status == "ok" for status in draws.status]),
            np.asarray(draws.observed["output"])[:, 0] > 0,
        )
        for draws in found
    ]


def filled(setting: Setting) -> Weighted:
    """The training set, its weights the learning rate, filled up to ``LONGEST`` rows by weightless ones.

    >>> data = filled(Setting(4, 8))
    >>> data.inputs.shape, int((data.weight > 0).sum())
    ((16, 3), 4)
    """
    num = setting.num_points
    rows = np.arange(LONGEST) % num
    inputs = setting.scale**2 * line(num)[:-1][rows]
    rate = setting.learning_rate / setting.scale**2
    weight = np.where(np.arange(LONGEST) < num, rate * LONGEST / num, 0.0)  # the loss is a mean over all rows
    return Weighted(
        jnp.asarray(inputs, jnp.float32), jnp.ones(LONGEST, int), jnp.asarray(weight, jnp.float32)
    )


def random_networks(
    key: jax.Array, num_points: int, width: int, num: int, progress: Progress = silent
) -> tuple[Array, Array]:
    """Draws of the prior: whether each fits and whether it is positive at the probe.

    Those that fit are independent, exact draws of this width's zero-one posterior.
    """
    network, model = network_of(width)
    points = line(num_points)
    rows = [*(np.arange(LONGEST) % num_points), num_points]  # one program for all lines
    inputs = jnp.asarray(points[rows], jnp.float32)
    packed = prior_functions(key, model, boolean_labels(network), inputs, num, progress=progress)
    labels = unpack_labels(packed, LONGEST + 1) > 0
    return labels[:, :-1].all(axis=1), labels[:, -1]


def trained_at_infinite_width(
    setting: Setting, extra_steps: tuple[int, ...], num: int, seed: int
) -> list[Answers]:
    """What gradient descent does in the limit, in double precision; ``setting.width`` is not used."""
    inputs = line(setting.num_points)
    draws = np.random.default_rng(seed).standard_normal((num, len(inputs)))
    outputs = setting.scale**2 * draws @ np.linalg.cholesky(covariance(setting.num_points)).T
    rate = setting.scale**2 * setting.learning_rate / setting.num_points
    gains = rate * tangent_kernel(inputs, inputs)[:-1]
    fitted = np.full(num, -1)
    found = [Answers(np.zeros(num, bool), np.zeros(num, bool)) for _ in extra_steps]
    for step in range(MAX_STEPS + max(extra_steps) + 1):
        fitted[(fitted < 0) & (outputs[:, :-1] > 0).all(axis=1)] = step
        for extra, answers in zip(extra_steps, found, strict=True):
            now = (fitted >= 0) & (fitted + extra == step)
            answers.positive[now] = outputs[now, -1] > 0
            answers.met[now] = True
        if (fitted >= 0).all() and step >= fitted.max() + max(extra_steps):
            break
        outputs = outputs + expit(-outputs[:, :-1]) @ gains
    return found


@cache
def _weighted_model(width: int) -> Model:
    """The model whose log likelihood is multiplied by the weights of the data."""
    _, model = network_of(width)
    plain_likelihood, plain_errors = model.log_likelihood, model.errors
    assert plain_errors is not None

    def log_likelihood(params: Any, data: Any) -> jax.Array:
        return data.weight * plain_likelihood(params, Batch(data.inputs, data.targets))

    def errors(params: Any, data: Any) -> jax.Array:
        return plain_errors(params, Batch(data.inputs, data.targets))

    return model._replace(log_likelihood=log_likelihood, errors=errors)


@cache
def _output(width: int) -> Callable[[Any, jax.Array], dict[str, jax.Array]]:
    network, _ = network_of(width)
    return lambda params, probe: {"output": network.apply(params, probe)[0]}
