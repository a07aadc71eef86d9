r"""A learning task: what networks are trained on, and where their functions are compared.

.. math:: S = \{(x_i, y_i)\}_{i=1}^n \quad \text{(train)}, \qquad
    X^* = \{x^*_j\}_{j=1}^m,\ y^* \quad \text{(probe)}, \qquad X^* \cap X = \emptyset

Behaviour is compared on the probe only. A probe input that was trained on would show
what was memorised, so exact repeats are refused. Probe targets are always the true
ones: transforms corrupt training targets alone.
"""

from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
from numpy.typing import ArrayLike

from .model import Batch
from .validation import checked_inputs, checked_labels, checked_responses, refuse_overlap

type Kind = Literal["classification", "regression"]


@dataclass(frozen=True, eq=False)
class Task:
    """Training data and probe data with their true targets.

    ``inputs`` are ``(n, d_in)`` floats, ``targets`` ``(n,)``: integers below
    ``num_classes``, or floats for regression, where ``num_classes`` is ``None``.
    ``image_shape`` is ``(height, width)`` if inputs are images row by row, else ``None``.
    """

    name: str
    kind: Kind
    train: Batch
    probe: Batch
    num_classes: int | None
    description: str  # one sentence
    source: str  # where the data come from and under which licence
    image_shape: tuple[int, int] | None = None

    @property
    def num_inputs(self) -> int:
        """Length of one input, the first width of a network."""
        return int(self.train.inputs.shape[1])


def task_from_arrays(
    name: str,
    train_inputs: ArrayLike,
    train_targets: ArrayLike,
    probe_inputs: ArrayLike,
    probe_targets: ArrayLike,
    *,
    kind: Kind,
    num_classes: int | None = None,
    description: str = "",
    source: str = "",
    image_shape: tuple[int, int] | None = None,
) -> Task:
    """A task from your own arrays, checked; values are used as they are, not standardised.

    Inputs are ``(n, d_in)`` numbers, targets ``(n,)``: whole numbers ``0 ..
    num_classes - 1`` for classification, real numbers for regression. ``num_classes``
    is one more than the largest label unless given. Raises ``ValueError`` for missing
    or infinite values, wrong shapes or types, labels outside the classes, empty sets,
    and probe inputs that are training inputs too.

    >>> import numpy as np
    >>> rows = np.arange(12.0).reshape(6, 2)
    >>> task = task_from_arrays("mine", rows[:4], [0, 1, 1, 0], rows[4:], [1, 0], kind="classification")
    >>> task.train.inputs.shape, task.num_classes
    ((4, 2), 2)
    """
    if kind not in ("classification", "regression"):
        raise ValueError(f"kind must be 'classification' or 'regression', got {kind!r}")
    if kind == "regression" and num_classes is not None:
        raise ValueError(
            f"num_classes is for classification, got {num_classes} with kind='regression': "
            "leave it out, or set kind='classification'"
        )
    inputs = checked_inputs("train_inputs", train_inputs)
    probes = checked_inputs("probe_inputs", probe_inputs)
    if inputs.shape[1] != probes.shape[1]:
        raise ValueError(
            f"train_inputs have {inputs.shape[1]} columns but probe_inputs {probes.shape[1]}: "
            "both need the same features in the same order"
        )
    if image_shape is not None and image_shape[0] * image_shape[1] != inputs.shape[1]:
        raise ValueError(
            f"image_shape {image_shape} has {image_shape[0] * image_shape[1]} pixels but inputs have "
            f"{inputs.shape[1]} columns: give (height, width) of one image, or None"
        )
    refuse_overlap(inputs, probes)
    if kind == "classification":
        labels, probe_labels, num_classes = checked_labels(
            train_targets, probe_targets, len(inputs), len(probes), num_classes
        )
        train = Batch(jnp.asarray(inputs, float), jnp.asarray(labels, int))
        probe = Batch(jnp.asarray(probes, float), jnp.asarray(probe_labels, int))
    else:
        responses = checked_responses("train_targets", train_targets, len(inputs))
        probe_responses = checked_responses("probe_targets", probe_targets, len(probes))
        train = Batch(jnp.asarray(inputs, float), jnp.asarray(responses, float))
        probe = Batch(jnp.asarray(probes, float), jnp.asarray(probe_responses, float))
    return Task(name, kind, train, probe, num_classes, description, source, image_shape)
