"""Networks on images whose posterior is sampled: systems, chains, tempered passes, endpoints, priors.

Every arm holds probabilities on the probes and four named behaviours: accuracy, log score, confidence
and entropy. A posterior of the family is named by its inverse temperature and by its prior scale, a factor
on the standard deviations of all weights and biases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import Arm, scalars
from models import (
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
from samplers import Draws, Sampler, Stop, Target, hmc, optimise_through, posterior, prior_draws, sample
from samplers.draws import Progress, silent
from samplers.named import optax_optimiser

from ..family import Rung, Size, draw_pass
from ..predictions import predictive
from ..prepare import observer

type Array = np.ndarray

NAMED = ("accuracy", "log score", "confidence", "entropy")  # behaviours whose equality can be shown
LOADERS = {"digits": digits, "digits-binary": digits_binary, "mnist-binary": mnist_binary}
EXTRA_STEPS = 500
MARGIN_STEPS = 5000  # of Adam past the first fit: towards the largest margin
MAX_STEPS = 20_000
STOP_NAMES = ("first fit", "matched loss", f"{EXTRA_STEPS} steps past matched loss")


class Setting(NamedTuple):
    """One system at one size."""

    name: str
    num_train: int
    num_probe: int
    hidden: int


class Chains(NamedTuple):
    """How long the chains of a reference are."""

    chains: int
    draws: int
    warmup: int
    steps: int  # leapfrog steps of a trajectory
    thin: int  # trajectories between two draws


class Member(NamedTuple):
    """A posterior of the family."""

    scale: float
    beta: float


@dataclass(frozen=True)
class NetworkSystem:
    """One tanh network with one hidden layer on one task."""

    setting: Setting
    task: Task

    @cached_property
    def network(self) -> Network:
        """The network, with as many outputs as the likelihood asks."""
        num_outputs = 1 if self.task.num_classes == 2 else int(self.task.num_classes or 0)
        return mlp([self.task.num_inputs, self.setting.hidden, num_outputs], "tanh")

    @property
    def widths(self) -> str:
        """The widths of all layers in words."""
        num_outputs = 1 if self.task.num_classes == 2 else self.task.num_classes
        return f"{self.task.num_inputs}-{self.setting.hidden}-{num_outputs}"

    def model(self, scale: float) -> Model:
        """Network, prior of this scale and likelihood."""
        likelihood = bernoulli() if self.task.num_classes == 2 else categorical()
        return bayesian_model(self.network, gaussian_prior(self.network, scale, scale), likelihood)

    def target(self, member: Member) -> Target:
        """A posterior of the family."""
        return posterior(
            self.model(member.scale),
            self.task.train,
            num_data=len(self.task.train.targets),
            beta=member.beta,
        )

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
    return NetworkSystem(setting, LOADERS[setting.name](key, setting.num_train, setting.num_probe))


def draw_chains(
    key: jax.Array, system: NetworkSystem, member: Member, size: Chains, progress: Progress = silent
) -> tuple[Arm, float]:
    """HMC from draws of the prior, and its mean training loss, nats per datum."""
    draws = sample(
        key,
        hmc(size.steps, size.warmup, num_steps_per_draw=size.thin),
        system.target(member),
        observer(system.network.apply),
        jnp.asarray(system.task.probe.inputs),
        num_chains=size.chains,
        num_draws=size.draws,
        progress=progress,
    )
    return system.as_arm(draws), float(np.mean(draws.stats["loss"]))


def draw_prior(key: jax.Array, system: NetworkSystem, scale: float, num: int) -> Arm:
    """Independent draws of the prior."""
    draws = sample(
        key,
        prior_draws(),
        system.target(Member(scale, 1.0)),
        observer(system.network.apply),
        jnp.asarray(system.task.probe.inputs),
        num_chains=8,
        num_draws=-(-num // 8),
    )
    return system.as_arm(draws, independent=True)


def draw_tempered(
    key: jax.Array,
    system: NetworkSystem,
    scale: float,
    betas: Sequence[float],
    size: Size,
    progress: Progress = silent,
) -> list[Rung]:
    """One tempered pass through the posteriors of one prior scale."""
    return draw_pass(
        key,
        system.target(Member(scale, 1.0)),
        observer(system.network.apply),
        jnp.asarray(system.task.probe.inputs),
        system.as_arm,
        betas=betas,
        size=size,
        progress=progress,
    )


def trainer(name: str, num_train: int) -> Sampler:
    """The optimiser of an arm, in batches of a quarter of the training set."""
    batch_size = max(num_train // 4, 1)
    if name == "sgd":
        return optax_optimiser("sgd", 0.1, batch_size=batch_size)
    return optax_optimiser("adam", 0.01, batch_size=batch_size)


def train(
    key: jax.Array,
    system: NetworkSystem,
    name: str,
    stops: Sequence[Stop],
    num: int,
    progress: Progress = silent,
) -> list[Arm]:
    """Endpoints from draws of the prior of scale 1, trained once, at every stop."""
    found = optimise_through(
        key,
        trainer(name, len(system.task.train.targets)),
        system.target(Member(1.0, 1.0)),
        observer(system.network.apply),
        jnp.asarray(system.task.probe.inputs),
        num_endpoints=num,
        stops=list(stops),
        progress=progress,
    )
    return [system.as_arm(draws, independent=True) for draws in found]


def stops_at(loss: float) -> list[Stop]:
    """First fit; the posterior's own training loss; and some steps past it."""
    return [
        Stop("first_fit", max_steps=MAX_STEPS),
        Stop("loss", 0, loss, MAX_STEPS),
        Stop("loss", EXTRA_STEPS, loss, MAX_STEPS),
    ]


def max_margin(key: jax.Array, system: NetworkSystem, num: int, steps: int, progress: Progress) -> Arm:
    """Networks trained by Adam far past their first fit: nearly certain of every probe.

    Gradient descent on the logistic loss of separable data goes to the largest margin (Soudry et al.
    2018; Lyu and Li 2020); no posterior at beta 1 is like that.
    """
    (arm,) = train(
        key, system, "adam", [Stop("first_fit", steps, max_steps=MAX_STEPS + steps)], num, progress
    )
    return arm
