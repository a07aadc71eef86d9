r"""The posterior of ``grokking_is_search``: one program for every share of the pairs and temperature.

The network is two embeddings added, squared and read out, fitted by least squares. Its weight decay is the
prior at every inverse temperature (``basins.prior_scale``), so that descent and posterior share
their minima. Parameters are weights in units of the prior's standard deviation, and pairs that
are not given count nothing: share, temperature and decay are data.

Source: Gromov 2023 (the network).
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from models import (
    Batch,
    Model,
    Network,
    Task,
    bayesian_model,
    gaussian_prior,
    modular_task,
    one_hot_gaussian,
    quadratic_pairs,
)
from samplers import Target, posterior

from ..basins import prior_scale
from ..pairs import pairs_of


class Setting(NamedTuple):
    """What all cases of a system share."""

    modulus: int
    width: int
    decay: float
    init_scale: float  # of training's starts, in standard deviations of 1 / sqrt(fan-in)


def network_of(setting: Setting) -> Network:
    """The network of a system, wide enough to hold the rule; raises ``ValueError`` if it is not.

    >>> network_of(Setting(5, 8, 1e-3, 1.0))
    Traceback (most recent call last):
    ValueError: width must be at least 12 for modulus 5, got 8: the written rule takes 3 (p - 1) units
    """
    needed = 3 * (setting.modulus - 1)
    if setting.width < needed:
        raise ValueError(
            f"width must be at least {needed} for modulus {setting.modulus}, got {setting.width}: the "
            "written rule takes 3 (p - 1) units"
        )
    return quadratic_pairs(setting.modulus, setting.width)


def task_of(setting: Setting, share: float, seed: int) -> Task:
    """The pairs that training and the posterior are given, and those that they are asked."""
    return modular_task(seed, setting.modulus, train_share=share)


class Weights(NamedTuple):
    """All pairs, how much each counts, and the unit of the parameters, repeated for every row."""

    inputs: jax.Array  # (p^2, 2p)
    targets: jax.Array  # (p^2,)
    counts: jax.Array  # (p^2,) one on average: means over all rows are means over those that count
    unit: jax.Array  # (p^2,)


class Posed(NamedTuple):
    """The posterior of one share and temperature, and what its networks are asked."""

    model: Model
    target: Target
    batches: tuple[Weights, Weights]  # given and asked


def posed(setting: Setting, task: Task, beta: float) -> Posed:
    """The posterior at ``beta`` whose prior is the weight decay."""
    pairs, num_data = pairs_of(task), len(task.train.targets)
    unit = jnp.full(len(pairs.targets), prior_scale(setting.decay, beta, num_data))
    given, asked = (
        Weights(pairs.inputs, pairs.targets, rows / jnp.mean(rows), unit)
        for rows in (pairs.given, pairs.asked)
    )
    model = model_of(network_of(setting))
    return Posed(model, posterior(model, given, num_data=num_data, beta=beta), (given, asked))


@cache
def model_of(network: Network) -> Model:
    """The network on :class:`Weights`, its parameters standard normal; ``errors`` are counts where wrong."""
    base = bayesian_model(network, gaussian_prior(network, fan_in=False), one_hot_gaussian())
    wrong = errors_of(base)

    def log_likelihood(params: Any, data: Any) -> jax.Array:
        return data.counts * base.log_likelihood(in_units(params, data.unit[0]), _batch(data))

    def errors(params: Any, data: Any) -> jax.Array:
        return data.counts * wrong(in_units(params, data.unit[0]), _batch(data))

    return base._replace(log_likelihood=log_likelihood, errors=errors)


def _batch(data: Weights) -> Batch:
    return Batch(data.inputs, data.targets)


def in_units(params: Any, unit: jax.Array) -> Any:
    """Parameters times a unit."""
    return jax.tree.map(lambda leaf: unit * leaf, params)


def unit_of(target: Target) -> jax.Array:
    """The prior's standard deviation, in which the parameters of this target are."""
    return target.data.unit[0]


def errors_of(model: Model) -> Callable[[Any, Any], jax.Array]:
    """The errors of a model. Raises ``ValueError`` if it has no classes."""
    if model.errors is None:
        raise ValueError(f"basins need classes to be right about, got the model {model}")
    return model.errors
