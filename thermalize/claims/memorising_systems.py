"""Small systems whose labels are made noisy, seen from the span of their training inputs.

Evidence and tethered loss are the same there (``input_span.py``). What the training inputs leave open, ``w``
across the span, is drawn from the prior where a network must answer elsewhere.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from models import (
    Batch,
    Model,
    Task,
    bayesian_model,
    bernoulli,
    boolean_5,
    boolean_7,
    categorical,
    digits,
    gaussian_prior,
    label_noise,
    mlp,
    mnist_binary,
)
from samplers import Target, posterior

from .input_span import Span, coordinates

type Array = jax.Array

SYSTEMS = {"boolean-5": boolean_5, "boolean-7": boolean_7, "digits": digits, "mnist-binary": mnist_binary}
# So many that the evidence of random labels stays in reach: about ln C nats a label, 12 to 25 in all.
NUM_TRAIN = {"boolean-5": 16, "boolean-7": 20, "digits": 8, "mnist-binary": 16}
NUM_PROBE = {"boolean-5": 16, "boolean-7": 64, "digits": 200, "mnist-binary": 200}


class System(NamedTuple):
    """A network with one hidden layer on a data set, whole and in the span of its training inputs."""

    name: str
    width: int
    whole: Model
    reduced: Model

    @property
    def label(self) -> str:
        return f"{self.name}, width {self.width}"


def system(name: str, width: int) -> System:
    """A tanh network of one hidden layer with unit prior scales, weights by fan-in."""
    task = SYSTEMS[name](0, NUM_TRAIN[name], 1)

    def of(num_inputs: int) -> Model:
        outputs = task.num_classes if (task.num_classes or 2) > 2 else 1
        network = mlp([num_inputs, width, outputs or 1])
        likelihood = categorical() if (task.num_classes or 2) > 2 else bernoulli()
        return bayesian_model(network, gaussian_prior(network), likelihood)

    return System(name, width, of(task.num_inputs), of(min(task.num_inputs, NUM_TRAIN[name])))


def num_parameters(system: System) -> int:
    """Of the network in the span, which is what sampling costs go by.

    >>> num_parameters(system("mnist-binary", 8))  # of 784 inputs 16 coordinates are left
    145
    """
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(system.reduced.init, jax.random.key(0))))


def noisy_tasks(name: str, key: jax.Array, noises: list[float]) -> list[Task]:
    """One draw of the data at every label noise; a smaller noise changes a part of what a larger one does."""
    key_data, key_noise = jax.random.split(key)
    task = SYSTEMS[name](key_data, NUM_TRAIN[name], NUM_PROBE[name])
    return [label_noise(key_noise, task, noise) for noise in noises]


def reduced_target(system: System, task: Task, span: Span | None) -> Target:
    """The posterior of the network on the coordinates of the training inputs."""
    data = Batch(coordinates(jnp.asarray(task.train.inputs), span), task.train.targets)
    return posterior(system.reduced, data, num_data=len(task.train.targets))


def whole_target(system: System, task: Task) -> Target:
    """The posterior of the network on the inputs as they are."""
    return posterior(system.whole, task.train, num_data=len(task.train.targets))


def restricted(params: Any, span: Span | None) -> Any:
    """Parameters on the inputs as parameters on the coordinates, with the same outputs on the span."""
    if span is None:
        return params
    first, *rest = params
    return [{**first, "w": jnp.swapaxes(span.basis, 0, 1) @ first["w"] / span.factor}, *rest]


def lifted(key: jax.Array, params: Any, span: Span | None) -> Any:
    """Parameters on the coordinates as parameters on the inputs; across the span drawn from the prior."""
    if span is None:
        return params
    first, *rest = params
    size = span.basis.shape[0]
    drawn = jax.random.normal(key, (*first["w"].shape[:-2], size, first["w"].shape[-1])) / np.sqrt(size)
    along = span.factor * first["w"] - jnp.swapaxes(span.basis, 0, 1) @ drawn
    return [{**first, "w": drawn + span.basis @ along}, *rest]
