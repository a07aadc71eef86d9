r"""Networks on images whose posterior is sampled: task, network, the family of posteriors, behaviours.

Every arm holds probabilities on the probes and four named behaviours: accuracy, log score, confidence
and entropy. A posterior of the family is named by its inverse temperature and by its prior scale, a factor
on the standard deviations of all weights and biases. Samplers see the weights in units of their prior's
standard deviations,

.. math:: \theta = s\, z, \qquad z \sim \pi_1, \qquad \log p(y \mid x, z) = \log p(y \mid x, \theta = s z),

so that the scale ``s`` is data: the whole family is one program. Where images are fewer than pixels samplers
see them from their span, which leaves every law over functions as it is (``input_span.py``); training sees
the pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import Arm, scalars
from models import (
    Batch,
    Model,
    Network,
    Task,
    bayesian_model,
    bernoulli,
    categorical,
    digits,
    digits_binary,
    gaussian_prior,
    mlp,
    mnist_binary,
)
from samplers import Draws, Target, posterior
from samplers.target import Params

from ..predictions import predictive
from ..prepare import observer
from .input_span import coordinates, span_of

type Array = np.ndarray

NAMED = ("accuracy", "log score", "confidence", "entropy")  # behaviours whose equality can be shown
LOADERS = {"digits": digits, "digits-binary": digits_binary, "mnist-binary": mnist_binary}


class Setting(NamedTuple):
    """One system at one size."""

    name: str
    num_train: int
    num_probe: int
    hidden: int
    optimisers: tuple[str, ...] = ("sgd",)


class Scaled(NamedTuple):
    """What chains and passes see: examples, and the scale of the prior."""

    seen: Any  # a batch, or inputs
    scale: jax.Array  # ()


class Whitened(NamedTuple):
    """The model in units of its prior's scale, for samplers: the data of its functions are ``Scaled``."""

    log_prior: Callable[[Params], jax.Array]
    log_likelihood: Callable[[Params, Scaled], jax.Array]
    errors: Callable[[Params, Scaled], jax.Array] | None
    sample_prior: Callable[[jax.Array], Params]
    prior_scale: Params | None
    observe: Callable[[Params, Scaled], dict[str, jax.Array]]


class Member(NamedTuple):
    """A posterior of the family."""

    scale: float
    beta: float


@dataclass(frozen=True)
class NetworkSystem:
    """One tanh network with one hidden layer on one task."""

    setting: Setting
    task: Task
    network: Network
    model: Model  # with a prior of scale 1, for training
    whitened: Whitened  # the model of every prior scale, for samplers
    seen: Batch  # training images as samplers see them
    probed: jax.Array  # probe images as samplers see them

    @property
    def widths(self) -> str:
        """The widths of all layers in words."""
        num_outputs = 1 if self.task.num_classes == 2 else self.task.num_classes
        return f"{self.task.num_inputs}-{self.setting.hidden}-{num_outputs}"

    def target(self, member: Member) -> Target:
        """A posterior of the family, of parameters in units of the prior's scale."""
        return posterior(
            self.whitened,
            self.scaled(self.seen, member.scale),
            num_data=len(self.task.train.targets),
            beta=member.beta,
        )

    def scaled(self, seen: Batch | jax.Array, scale: float) -> Scaled:
        """Examples or inputs with a prior scale."""
        return Scaled(jax.tree.map(jnp.asarray, seen), jnp.asarray(scale))

    def probes(self, scale: float) -> Scaled:
        """The probe inputs with a prior scale."""
        return self.scaled(self.probed, scale)

    def as_arm(self, draws: Draws, *, independent: bool = False) -> Arm:
        """What is compared of some draws."""
        name = "bernoulli" if self.task.num_classes == 2 else "categorical"
        predict = predictive({"name": name}, np.asarray(self.task.train.targets))
        probs = predict(np.asarray(draws.observed["logits"], np.float32))
        with np.errstate(invalid="ignore"):  # failed networks, which are counted and left out
            named = scalars(probs, np.asarray(self.task.probe.targets))
        diverging = draws.stats.get("diverging")
        return Arm(probs, independent, named, draws.status, None if independent else diverging)


def load_system(key: jax.Array, setting: Setting) -> NetworkSystem:
    """The system; raises :class:`models.datasets.MissingExtra` where its images are not installed."""
    task = LOADERS[setting.name](key, setting.num_train, setting.num_probe)
    images = jnp.concatenate([jnp.asarray(seen.inputs) for seen in (task.train, task.probe)])
    seen = coordinates(images, span_of(images))
    network, model = _model(task, setting, task.num_inputs)
    _, reduced = _model(task, setting, seen.shape[1])
    train = Batch(seen[: setting.num_train], task.train.targets)
    return NetworkSystem(setting, task, network, model, whiten(reduced), train, seen[setting.num_train :])


def _model(task: Task, setting: Setting, num_inputs: int) -> tuple[Network, Model]:
    """A network of this many inputs, with as many outputs as the likelihood asks, and its model."""
    classes = int(task.num_classes or 0)
    network = mlp([num_inputs, setting.hidden, 1 if classes == 2 else classes], "tanh")
    likelihood = bernoulli() if classes == 2 else categorical()
    return network, bayesian_model(network, gaussian_prior(network, 1.0, 1.0), likelihood)


def whiten(model: Model) -> Whitened:
    """The model of every prior scale, from that of scale 1."""
    outputs, errors = observer(model.apply), model.errors
    assert errors is not None  # tasks of this claim have labels
    return Whitened(
        model.log_prior,
        lambda z, data: model.log_likelihood(times(data.scale, z), data.seen),
        lambda z, data: errors(times(data.scale, z), data.seen),
        model.sample_prior,
        model.prior_scale,
        lambda z, data: outputs(times(data.scale, z), data.seen),
    )


def times(scale: jax.Array, params: Params) -> Params:
    """All parameters times the scale."""
    return jax.tree.map(lambda leaf: scale * leaf, params)
