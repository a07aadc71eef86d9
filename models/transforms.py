r"""Seeded changes of a task: random labels, shuffled pixels, shifted probe inputs.

``label_noise`` and ``shuffle_pixels`` change what is learned, ``input_shift`` what is
asked. Probe targets always stay the true ones. Each returns a new task whose
description says what was done; the same key gives the same change.

Sources: Zhang et al. 2017, section 2 (random labels, shuffled pixels); Hendrycks and
Dietterich 2019 (graded corruptions); Ovadia et al. 2019 (rotated and translated images).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage

from .tasks import Task

type Key = jax.Array
type Array = jax.Array
type Shift = Literal["noise", "scale", "contrast", "translation", "rotation", "blur", "dropout"]


def label_noise(key: Key, task: Task, fraction: float) -> Task:
    r"""Exactly ``round(fraction * n)`` training targets made independent of their inputs.

    Classification: the chosen labels are replaced by uniform draws over ALL classes, so
    that ``fraction = 1`` leaves nothing to learn; a share ``1 / num_classes`` of the draws
    hits the old label. Regression: the chosen targets are permuted among themselves.
    With one key the chosen rows of a smaller fraction are among those of a larger one.
    Raises ``ValueError`` unless ``fraction`` is from 0 to 1.

    >>> from models import digits
    >>> noisy = label_noise(jax.random.key(1), digits(0, 100, 50), 0.2)
    >>> noisy.description
    'handwritten digits 0 to 9, 8x8 pixels; 20 of 100 training labels drawn at random'
    """
    if not (0 <= fraction <= 1):
        raise ValueError(
            f"fraction must be from 0 to 1, got {fraction}: it is the share of training targets replaced; "
            "for 30 % give 0.3"
        )
    targets = task.train.targets
    count = round(fraction * len(targets))
    if count == 0:
        return task
    key_rows, key_labels = jax.random.split(key)
    rows = jax.random.permutation(key_rows, len(targets))[:count]
    if task.num_classes is None:
        drawn, how = targets[jax.random.permutation(key_labels, rows)], "targets permuted"
    else:
        labels = jax.random.randint(key_labels, targets.shape, 0, task.num_classes, targets.dtype)
        drawn, how = labels[rows], "labels drawn at random"
    train = task.train._replace(targets=targets.at[rows].set(drawn))
    return _noted(replace(task, train=train), f"{count} of {len(targets)} training {how}")


def shuffle_pixels(key: Key, task: Task) -> Task:
    """One random order of the inputs' entries for all examples, probe included.

    A fully connected network under an exchangeable prior cannot tell the difference; one
    that uses neighbourhood can. ``image_shape`` becomes ``None``: no image is left.

    >>> from models import digits
    >>> shuffle_pixels(jax.random.key(1), digits(0, 100, 50)).image_shape is None
    True
    """
    order = jax.random.permutation(key, task.num_inputs)
    train = task.train._replace(inputs=task.train.inputs[:, order])
    probe = task.probe._replace(inputs=task.probe.inputs[:, order])
    return _noted(replace(task, train=train, probe=probe, image_shape=None), "input entries shuffled")


def input_shift(key: Key, task: Task, kind: Shift, strength: float) -> Task:
    r"""Probe inputs moved away from the training law; strength 0 returns the task itself.

    For any task, ``noise`` adds ``strength`` times a fixed standard normal draw and
    ``scale`` multiplies by ``1 + strength``. For images, ``contrast`` divides each
    image's deviations from its mean by ``1 + strength``; ``translation`` moves it by
    ``strength`` pixels in its own random direction; ``rotation`` turns it by ``strength``
    degrees to a random side; ``blur`` is a Gaussian filter of ``strength`` pixels;
    ``dropout`` blanks every pixel with probability ``strength``, and with one key those of
    a smaller strength are among those of a larger. Blank pixels and those from outside the
    image get the least value of the training inputs, the background of light strokes on
    dark. Raises ``ValueError`` for an unknown kind, a strength that is negative or not
    finite or, for dropout, above 1, or an image kind on a task without images.

    >>> from models import digits
    >>> task = digits(0, 100, 50)
    >>> input_shift(jax.random.key(1), task, "rotation", 0.0) is task
    True
    """
    if kind not in (*ANY_INPUT, *IMAGES):
        raise ValueError(f"kind must be one of {', '.join((*ANY_INPUT, *IMAGES))}, got {kind!r}")
    if not (0 <= strength < float("inf")):
        raise ValueError(
            f"strength must be finite and not negative, got {strength}: 0 leaves the probe as it is, "
            "and directions are drawn by the key"
        )
    if kind == "dropout" and strength > 1:
        raise ValueError(
            f"the strength of dropout must be at most 1, got {strength}: it is the probability that a pixel "
            "is blanked; for 30 % give 0.3"
        )
    if kind in IMAGES and task.image_shape is None:
        raise ValueError(
            f"{kind} needs images, but {task.name} has no image_shape: its inputs are a table, or their "
            f"pixels were shuffled; use {' or '.join(ANY_INPUT)}"
        )
    if strength == 0:
        return task
    inputs = task.probe.inputs
    if kind in ANY_INPUT:
        shifted = ANY_INPUT[kind](key, inputs, strength)
    else:
        images = np.asarray(inputs).reshape(len(inputs), *(task.image_shape or ()))
        shape = images.shape if kind == "dropout" else (len(inputs),)  # a chance a pixel, or an image
        chances = np.asarray(jax.random.uniform(key, shape))
        background = float(task.train.inputs.min())
        moved = [
            IMAGES[kind](image, strength, chance, background)
            for image, chance in zip(images, chances, strict=True)
        ]
        shifted = jnp.asarray(np.stack(moved).reshape(inputs.shape), inputs.dtype)
    probe = task.probe._replace(inputs=shifted)
    return _noted(replace(task, probe=probe), f"probe inputs shifted by {kind} of strength {strength:g}")


type Image = np.ndarray


def _contrast(image: Image, strength: float, chance: Image, background: float) -> Image:
    return image.mean() + (image - image.mean()) / (1 + strength)


# "grid-constant" interpolates between edge and background; "constant" would blank an edge row at
# the smallest shift and make strength 0 a jump.
def _translation(image: Image, strength: float, chance: Image, background: float) -> Image:
    angle = 2 * np.pi * chance
    offset = (strength * np.sin(angle), strength * np.cos(angle))
    return ndimage.shift(image, offset, order=1, mode="grid-constant", cval=background)


def _rotation(image: Image, strength: float, chance: Image, background: float) -> Image:
    degrees = strength if chance < 0.5 else -strength
    return ndimage.rotate(image, degrees, reshape=False, order=1, mode="grid-constant", cval=background)


def _blur(image: Image, strength: float, chance: Image, background: float) -> Image:
    return ndimage.gaussian_filter(image, strength, mode="constant", cval=background)


def _dropout(image: Image, strength: float, chance: Image, background: float) -> Image:
    return np.where(chance < strength, background, image)


ANY_INPUT: dict[str, Callable[[Key, Array, float], Array]] = {
    "noise": lambda key, inputs, strength: inputs + strength * jax.random.normal(key, inputs.shape),
    "scale": lambda key, inputs, strength: inputs * (1 + strength),
}
IMAGES: dict[str, Callable[[Image, float, Image, float], Image]] = {
    "contrast": _contrast,
    "translation": _translation,
    "rotation": _rotation,
    "blur": _blur,
    "dropout": _dropout,
}


def _noted(task: Task, change: str) -> Task:
    return replace(task, description=f"{task.description}; {change}" if task.description else change)
