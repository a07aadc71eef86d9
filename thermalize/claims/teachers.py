"""Teachers and students: who teaches, on which images, and how a student learns soft labels.

Teachers learn ``N`` labelled images, with true or with random labels. Students see the teacher's
probabilities, never a label, on transfer images: the training images, all further images of the
data set except the probe, and random mixtures of two of these, as many as are asked for.
"""

from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from models import (
    Batch,
    Likelihood,
    Model,
    Task,
    bayesian_model,
    categorical,
    gaussian_prior,
    label_noise,
    mlp,
)
from samplers import Draws, Stop, optimise, posterior
from samplers.draws import Observe, Progress, silent
from samplers.named import optax_optimiser

from .claim import Check
from .noisy_labels import LEARNING_RATE, MAX_STEPS, TASKS, predictions, target_of
from .trusted_chains import Chains, checks_of, mean_over, sample_until_trusted

type Array = np.ndarray
NUM_PROBE, NUM_IMAGES = 300, 1400  # of 1,797; the rest is left out so that every task has as many
TEACHER_LOSS = 0.03  # nats per datum: the training loss at which endpoints become teachers; few still err
MOST_ERRORS = 0.01  # share of the training images
BATCH_SIZE, STUDENT_RATE = 64, 0.003


class School(NamedTuple):
    """A task and the images on which students learn."""

    task: Task
    transfer: Array  # (image, pixel)

    @property
    def inputs(self) -> Array:
        """Probe first, then transfer."""
        return np.concatenate([np.asarray(self.task.probe.inputs), self.transfer])


class Teachers(NamedTuple):
    """What teachers of one kind say, ``(teacher, image, class)``, probe images first."""

    kind: str
    probabilities: Array
    train_loss: float  # nats per datum, of the networks behind them
    train_error: float  # share
    checks: list[Check]


def school(task_name: str, num_train: int, noise: float, num_mixtures: int, seed: int) -> School:
    """The same images whatever the noise; the seed draws images, labels and mixtures."""
    key_split, key_noise = jax.random.split(jax.random.key(seed))
    every = TASKS[task_name](key_split, NUM_IMAGES, NUM_PROBE)
    train = Batch(every.train.inputs[:num_train], every.train.targets[:num_train])
    task = label_noise(key_noise, replace(every, train=train), noise)
    images = np.asarray(every.train.inputs)
    rng = np.random.default_rng([seed, num_mixtures])
    first, second = rng.integers(len(images), size=(2, num_mixtures))
    share = rng.random((num_mixtures, 1)).astype(images.dtype)
    return School(task, np.concatenate([images, share * images[first] + (1 - share) * images[second]]))


def trained_teachers(
    key: jax.Array, model: Model, room: School, num: int, members: int, progress: Progress = silent
) -> tuple[Teachers, Teachers]:
    """Endpoints of SGD at one training loss: the first of each group, and the groups' averages."""
    num_train = len(room.task.train.targets)
    draws = optimise(
        key,
        optax_optimiser("sgd", LEARNING_RATE, batch_size=num_train // 2),
        target_of(model, room.task, 1.0),
        predictions(model.apply),
        jnp.asarray(room.inputs),
        num_endpoints=num * members,
        stop=Stop("loss", threshold=TEACHER_LOSS, max_steps=MAX_STEPS),
        progress=progress,
    )
    found = draws.observed["probabilities"][:, 0]
    groups = found.reshape(num, members, *found.shape[1:])
    loss, error = (float(draws.stats[name].mean()) for name in ("loss", "train_error"))
    met = sum(status == "ok" for status in draws.status)
    checks = [
        Check("teachers at their training loss", met == len(found), f"{met} of {len(found)}"),
        _fits(error),
    ]
    return (
        Teachers("endpoint", groups[:, 0], loss, error, checks),
        Teachers("endpoint ensemble", groups.mean(axis=1), loss, error, checks),
    )


def posterior_teachers(
    key: jax.Array, model: Model, room: School, beta: float, chains: Chains, progress: Progress = silent
) -> Teachers:
    """Two means of the posterior, of half the chains each; chains are judged on every probe probability."""

    def reduced(piece: Draws) -> Draws:
        """On the probe as they are, elsewhere their sum over draws: all of them would fill the memory."""
        found = piece.observed["probabilities"]
        return piece._replace(
            observed={"probe": found[:, :, :NUM_PROBE], "sum": found.sum(axis=1, dtype=np.float32)}
        )

    pieces, trust = sample_until_trusted(
        key,
        target_of(model, room.task, beta),
        predictions(model.apply),
        jnp.asarray(room.inputs),
        chains,
        lambda piece: piece.observed["probe"].reshape(*piece.observed["probe"].shape[:2], -1),
        progress,
        reduced,
    )
    error = mean_over(pieces, "train_error")
    checks = [*checks_of(trust), _fits(error)]
    num_draws = sum(piece.observed["probe"].shape[1] for piece in pieces)
    means = np.sum([piece.observed["sum"] for piece in pieces], axis=0, dtype=float) / num_draws
    halves = means.reshape(2, -1, *means.shape[1:]).mean(axis=1)
    return Teachers("posterior mean", halves, mean_over(pieces, "loss"), error, checks)


def _fits(error: float) -> Check:
    return Check("teachers' training error at most 1 %", error <= MOST_ERRORS, f"{error:.2%}")


def model_outputs(task: Task) -> int:
    assert task.num_classes is not None
    return task.num_classes


@cache
def soft_labels() -> Likelihood:
    r"""The law of a teacher's soft labels: ``log p(q | f) = sum_c q_c log softmax(f)_c``, up to a constant.

    Targets are probabilities ``(n, num_classes)``, outputs ``(num_classes, n)``.

    >>> round(float(soft_labels().log_prob(jnp.zeros((2, 1)), jnp.array([[0.5, 0.5]]))[0]), 4)
    -0.6931
    """
    return Likelihood(
        name="soft labels",
        distribution=categorical().distribution,
        log_prob=lambda outputs, q: jnp.sum(q.T * jax.nn.log_softmax(outputs, axis=0), axis=0),
        predict=categorical().predict,
        label=None,  # a soft label is met or missed by degrees: there are no training errors
    )


@cache
def labels_on_probe(apply: Any) -> Observe:
    return lambda params, inputs: {"label": jnp.argmax(jax.vmap(apply, (None, 0))(params, inputs), axis=-1)}


def num_params(room: School, width: int) -> int:
    """Weights and biases of a student with so many hidden units.

    >>> num_params(school("digits", 10, 0.0, 5, 0), 2)
    160
    """
    outputs = model_outputs(room.task)
    return (room.task.num_inputs + 1) * width + (width + 1) * outputs


def agreement(
    key: jax.Array, room: School, width: int, soft: Array, labels: Array, num_students: int, num_steps: int
) -> Array:
    """Whether students of one teacher label the probe as it does, ``(student, image)``.

    ``soft`` are the teacher's probabilities on the transfer images, ``labels`` its labels of the probe.
    """
    network = mlp([room.task.num_inputs, width, soft.shape[-1]], "tanh")
    model = bayesian_model(network, gaussian_prior(network), soft_labels())
    lesson = Batch(jnp.asarray(room.transfer), jnp.asarray(soft, jnp.float32))
    draws = optimise(
        key,
        optax_optimiser("adam", STUDENT_RATE, batch_size=BATCH_SIZE),
        posterior(model, lesson, num_data=len(room.transfer)),
        labels_on_probe(network.apply),
        room.task.probe.inputs,
        num_endpoints=num_students,
        stop=Stop("budget", max_steps=num_steps),
        record_every=num_steps,
    )
    found: Array = draws.observed["label"][:, 0] == labels
    return found
