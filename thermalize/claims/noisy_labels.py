"""Networks and posteriors on noisy labels: endpoints at matched training loss, chains with their gates.

A row is a data set, its size, a width and an inverse temperature. Endpoints are trained once for
all temperatures of a system and recorded at each posterior's mean training loss and at their
first fit.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

from compare import thinned
from models import (
    Model,
    Task,
    bayesian_model,
    categorical,
    digits,
    digits_binary,
    gaussian_prior,
    label_noise,
    mlp,
)
from samplers import (
    Draws,
    Stop,
    Target,
    optimise_through,
    posterior,
    prior_draws,
    sample,
)
from samplers.draws import Observe, Progress, silent
from samplers.named import optax_optimiser

from .claim import Check
from .confidence import measures
from .trusted_chains import Chains, checks_of, mean_over, sample_until_trusted

type Array = np.ndarray
TASKS = {"digits": digits, "digits_binary": digits_binary}
LEARNING_RATE, MAX_STEPS = 0.1, 20_000
FEWEST_MET = 0.9  # share of the endpoints that must meet their stopping rule
MATCHED = 0.05  # largest relative difference of the training losses
CITATIONS = ["Zhang et al. 2017", "Neal 2011", "Guo et al. 2017"]


class Setting(NamedTuple):
    """What learns from what."""

    task: str
    num_train: int
    width: int
    draw: int = 0  # of the random labels

    @property
    def name(self) -> str:
        again = f", labels drawn again {self.draw}" if self.draw else ""
        return f"{self.task}, N {self.num_train}, width {self.width}{again}"


class Sample(NamedTuple):
    """Independent networks, or draws worth as many, and what they are trusted by."""

    networks: Array  # (unit, probe, class) probabilities
    loss: float  # on the training set, nats per datum
    train_error: float  # share
    checks: list[Check]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def noisy_task(setting: Setting, noise: float, num_probe: int, seed: int) -> Task:
    """The task of a setting; images and the random labels belong to the seed, noise levels are nested."""
    key_split, key_noise = jax.random.split(jax.random.key(seed))
    task = TASKS[setting.task](key_split, setting.num_train, num_probe)
    return label_noise(jax.random.fold_in(key_noise, setting.draw), task, noise)


def model_of(task: Task, width: int) -> Model:
    """One hidden layer of tanh units, a softmax over all classes, the prior N(0, 1 / fan-in)."""
    assert task.num_classes is not None
    network = mlp([task.num_inputs, width, task.num_classes], "tanh")
    return bayesian_model(network, gaussian_prior(network), categorical())


@cache
def predictions(apply: Any) -> Observe:
    """Record the probabilities on the probe; cached, so that runs share compilations."""
    return lambda params, inputs: {
        "probabilities": jax.nn.softmax(jax.vmap(apply, (None, 0))(params, inputs), axis=-1)
    }


def target_of(model: Model, task: Task, beta: float) -> Target:
    return posterior(model, task.train, num_data=len(task.train.targets), beta=beta)


def posterior_sample(
    key: jax.Array, model: Model, task: Task, beta: float, chains: Chains, progress: Progress = silent
) -> Sample:
    """Thinned draws of the posterior by HMC from the prior, with every gate of a reference."""
    targets = np.asarray(task.probe.targets)

    def behaviours(piece: Draws) -> Array:
        probabilities = piece.observed["probabilities"]
        flat = probabilities.reshape(*probabilities.shape[:2], -1)
        return np.concatenate([flat, np.stack(list(measures(probabilities, targets).values()), -1)], axis=-1)

    pieces, trust = sample_until_trusted(
        key,
        target_of(model, task, beta),
        predictions(model.apply),
        task.probe.inputs,
        chains,
        behaviours,
        progress,
    )
    probabilities = np.concatenate([piece.observed["probabilities"] for piece in pieces], axis=1)
    known = trust.bulk_ess[np.isfinite(trust.bulk_ess)]
    num_chains, num_draws = probabilities.shape[:2]
    keep = thinned(num_chains, num_draws, float(known.min()) if len(known) else 1.0)
    networks = probabilities[:, keep].reshape(-1, *probabilities.shape[2:])
    return _sample(
        {name: mean_over(pieces, name) for name in ("loss", "train_error")}, networks, checks_of(trust)
    )


def prior_sample(key: jax.Array, model: Model, task: Task, num: int) -> Array:
    """Predictions of independent networks of the prior, ``(unit, probe, class)``."""
    draws = sample(
        key,
        prior_draws(),
        target_of(model, task, 0.0),
        predictions(model.apply),
        task.probe.inputs,
        num_chains=8,
        num_draws=-(-num // 8),
    )
    found = draws.observed["probabilities"]
    return found.reshape(-1, *found.shape[2:])


def endpoints(
    key: jax.Array,
    model: Model,
    task: Task,
    levels: Sequence[float],
    num: int,
    progress: Progress = silent,
) -> list[Sample]:
    """Networks trained from the prior by minibatch SGD: at each training loss, then at their first fit."""
    stops = [Stop("loss", threshold=level, max_steps=MAX_STEPS) for level in levels]
    num_train = len(task.train.targets)
    found = optimise_through(
        key,
        optax_optimiser("sgd", LEARNING_RATE, batch_size=num_train // 2),
        target_of(model, task, 1.0),
        predictions(model.apply),
        task.probe.inputs,
        num_endpoints=num,
        stops=[*stops, Stop("first_fit", max_steps=MAX_STEPS)],
        progress=progress,
    )
    return [_endpoints(draws, level) for draws, level in zip(found, [*levels, None], strict=True)]


def _endpoints(draws: Draws, level: float | None) -> Sample:
    met = np.array([status == "ok" for status in draws.status])
    share = float(met.mean())
    checks = [Check("endpoints that met their rule", share >= FEWEST_MET, f"{met.sum()} of {len(met)}")]
    if not met.any():
        return Sample(draws.observed["probabilities"][:0, 0], float("nan"), float("nan"), checks)
    means = {name: float(np.mean(draws.stats[name][met])) for name in ("loss", "train_error")}
    found = _sample(means, draws.observed["probabilities"][met, 0], checks)
    if level is None:
        return found
    gap = abs(found.loss / level - 1)
    words = f"endpoints {found.loss:.4g}, posterior {level:.4g} nats per datum"
    return found._replace(checks=[*checks, Check("matched training loss", gap <= MATCHED, words)])


def _sample(means: dict[str, float], networks: Array, checks: list[Check]) -> Sample:
    return Sample(np.asarray(networks), means["loss"], means["train_error"], checks)
