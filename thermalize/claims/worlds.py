r"""Worlds near the one that was trained in: images shifted in graded strength, and how networks fare there.

For each network ``i`` and world ``w`` (0: the clean probe) its answers ``[correct]``, for each
arm the averaged prediction. With ``d_x`` the difference of two arms' shares of right answers to
image ``x``, the error of a difference of accuracies has three sources: networks of either arm
and images,

.. math:: \sigma^2 = \frac{\operatorname{var}_i a_i}{n} + \frac{\operatorname{var}_j b_j}{n'}
    + \frac{\operatorname{var}_x d_x}{m},

``n`` endpoints, ``n'`` effective draws, ``m`` images: the interval holds for other networks and
other images of the same law.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from compare import bulk_ess, calibration_error, labels, log_score
from models import Network, Task, input_shift
from models.transforms import Shift
from samplers.draws import Observe

from .image_arms import Params, probabilities_of

type Array = np.ndarray
GRADES: dict[str, tuple[float, ...]] = {
    "noise": (0.25, 0.5, 0.75, 1.0),  # standard deviations of the training pixels
    "blur": (0.25, 0.5, 0.75, 1.0),  # pixels
    "translation": (0.25, 0.5, 0.75, 1.0),  # pixels
    "rotation": (7.5, 15.0, 22.5, 30.0),  # degrees
    "contrast": (0.25, 0.5, 0.75, 1.0),  # deviations divided by one more
    "dropout": (0.05, 0.1, 0.2, 0.3),  # share of pixels
}
NUM_COMPARED = 100  # images whose predictions are compared as a whole
RESAMPLES = 200


class World(NamedTuple):
    """One shift at one strength; grade 0 is the clean probe."""

    kind: str
    grade: int
    inputs: Array  # (image, pixel)

    @property
    def name(self) -> str:
        return "clean" if self.grade == 0 else f"{self.kind} {GRADES[self.kind][self.grade - 1]:g}"


class Seen(NamedTuple):
    """What the networks of one arm do in all worlds."""

    right: Array  # (world, network, image) bool
    right_of_average: Array  # (world, image) bool
    log_score: Array  # (world, network) nats per image
    calibration: Array  # (world, network)
    calibration_of_average: Array  # (world,)
    probabilities: Array  # (world, network, image, class) of the first images

    def clean(self) -> Array:
        """Right answers on the clean probe, ``(network, image)``."""
        return self.right[0]

    def shifted(self) -> Array:
        """Shares of the shifted worlds in which an image is answered rightly, ``(network, image)``."""
        return self.right[1:].mean(axis=0, dtype=np.float32)


def worlds(key: jax.Array, task: Task, kinds: tuple[str, ...], grades: tuple[int, ...]) -> list[World]:
    """The clean probe first; of each kind all grades use the same key, so that they nest."""
    found = [World("", 0, np.asarray(task.probe.inputs))]
    for kind, key_kind in zip(kinds, jax.random.split(key, len(kinds)), strict=True):
        for grade in grades:
            shifted = input_shift(key_kind, task, cast(Shift, kind), GRADES[kind][grade - 1])
            found.append(World(kind, grade, np.asarray(shifted.probe.inputs)))
    return found


def seen(network: Network, params: Params, all_worlds: list[World], targets: Array) -> Seen:
    """Evaluate networks ``(network, ...)`` in every world, one world at a time."""
    rows = []
    for world in all_worlds:
        p = probabilities_of(network, params, world.inputs)
        mean = p.mean(axis=0, dtype=float)
        rows.append(
            (
                labels(p) == targets,
                labels(mean) == targets,
                log_score(p, targets),
                calibration_error(p, targets),
                calibration_error(mean, targets),
                p[:, :NUM_COMPARED],
            )
        )
    return Seen(*(np.stack(column) for column in zip(*rows, strict=True)))


@cache
def accuracies_in_worlds(apply: Callable[[Any, jax.Array], jax.Array]) -> Observe:
    """Record one network's accuracy in every world, and its predictions for the first clean images.

    Inputs of the observation are ``(world, image, pixel)`` and the targets ``(image,)``.
    """

    def observe(params: Any, inputs: tuple[jax.Array, jax.Array]) -> dict[str, jax.Array]:
        images, targets = inputs
        logits = jax.vmap(jax.vmap(apply, (None, 0)), (None, 0))(params, images)
        right = jnp.argmax(logits, axis=-1) == targets[None]
        return {
            "accuracy": jnp.mean(right, axis=-1),
            "probabilities": jax.nn.softmax(logits[0, :NUM_COMPARED], axis=-1),
        }

    return observe


class Mean(NamedTuple):
    """Mean accuracy of an arm in every world, its variance, and shares of right answers by image."""

    accuracy: Array  # (world,)
    variance: Array  # (world,) of the mean, from the networks
    by_image: Array  # (world, image)


def mean_of_endpoints(found: Seen) -> Mean:
    values = found.right.mean(axis=-1)
    return Mean(values.mean(axis=-1), values.var(axis=-1, ddof=1) / values.shape[1], found.right.mean(axis=1))


def mean_of_chains(accuracy: Array, right: Array) -> Mean:
    """Of ``accuracy`` ``(chain, draw, world)`` of all draws, and ``right`` of thinned ones.

    The variance counts effective draws; with chains too short to say how many, chains.
    """
    variance = np.nan_to_num(accuracy.var((0, 1)) / bulk_ess(accuracy))
    return Mean(accuracy.mean((0, 1)), variance, right.mean(axis=1))


class Gap(NamedTuple):
    """A difference of mean accuracies in one world, and its standard error."""

    value: float
    error: float

    def interval(self, level: float) -> tuple[float, float]:
        reach = float(norm.ppf((1 + level) / 2)) * self.error
        return self.value - reach, self.value + reach


def gaps(left: Mean, right: Mean) -> list[Gap]:
    """Left less right, world by world.

    >>> one = Mean(np.array([0.9]), np.array([1e-4]), np.array([[1.0, 0.8]]))
    >>> two = Mean(np.array([0.8]), np.array([0.0]), np.array([[0.9, 0.7]]))
    >>> [round(float(number), 4) for number in gaps(one, two)[0]]
    [0.1, 0.01]
    """
    of_images = (left.by_image - right.by_image).var(axis=-1, ddof=1) / left.by_image.shape[-1]
    errors = np.sqrt(left.variance + right.variance + of_images)
    return [Gap(float(v), float(e)) for v, e in zip(left.accuracy - right.accuracy, errors, strict=True)]


def moved_from_clean(found: Seen, seed: int) -> list[tuple[float, float, float]]:
    """Total variation of averaged predictions from those on clean images, with 95 % intervals.

    Networks are resampled; the interval is that of the resamples about the value, for they
    have the bias of finite samples twice.
    """
    rng = np.random.default_rng(seed)
    p = found.probabilities
    num = p.shape[1]
    shares = rng.multinomial(num, np.full(num, 1 / num), RESAMPLES).astype(np.float32) / num
    averages = np.stack([np.tensordot(shares, world, axes=1) for world in p])
    drawn = np.abs(averages - averages[:1]).sum(axis=-1).mean(axis=-1) / 2
    means = p.mean(axis=1, dtype=float)
    values = np.abs(means - means[:1]).sum(axis=-1).mean(axis=-1) / 2
    low, high = np.quantile(drawn - drawn.mean(axis=1, keepdims=True), [0.025, 0.975], axis=1)
    return [
        (float(v), max(0.0, float(v + a)), float(v + b)) for v, a, b in zip(values, low, high, strict=True)
    ]
