"""Checks of a user's arrays. Every message says what, the value, the likely cause, what to do.

Values are checked in the precision they are used in: numbers too large for it count as
infinite, and inputs that differ by less than it can hold count as equal.
"""

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

type Numbers = np.ndarray


def checked_inputs(name: str, values: ArrayLike) -> Numbers:
    """Inputs as finite numbers ``(n, d_in)``, in jax's default precision."""
    array = _numbers(name, values)
    if array.ndim != 2:
        hint = (
            f"for one feature use {name}.reshape(-1, 1)"
            if array.ndim < 2
            else f"flatten each example with {name}.reshape(len({name}), -1)"
        )
        raise ValueError(f"{name} must have shape (examples, features), got {array.shape}: {hint}")
    if 0 in array.shape:
        raise ValueError(
            f"{name} are empty, got shape {array.shape}: at least one example and one feature are needed; "
            "look for a filter that removed every row"
        )
    return _finite(name, array)


def checked_responses(name: str, values: ArrayLike, num_examples: int) -> Numbers:
    """Regression targets as finite numbers ``(n,)``."""
    return _finite(name, _column(name, _numbers(name, values), num_examples))


def checked_labels(
    train: ArrayLike, probe: ArrayLike, num_train: int, num_probe: int, num_classes: int | None
) -> tuple[Numbers, Numbers, int]:
    """Labels as integers ``(n,)`` and the number of classes."""
    labels = _labels("train_targets", train, num_train)
    probes = _labels("probe_targets", probe, num_probe)
    if num_classes is None:
        num_classes = max(2, int(max(labels.max(), probes.max())) + 1)
    if num_classes < 2:
        raise ValueError(
            f"num_classes must be at least 2, got {num_classes}: one class leaves nothing to learn"
        )
    for name, array in {"train_targets": labels, "probe_targets": probes}.items():
        outside = np.flatnonzero((array < 0) | (array >= num_classes))
        if len(outside):
            found = sorted({int(label) for label in array[outside]})[:5]
            raise ValueError(
                f"{name} hold {len(outside)} labels outside 0..{num_classes - 1}, the first at index "
                f"{outside[0]}, values {found}: {_renumbering(labels, num_classes)}"
            )
    return labels, probes, num_classes


def refuse_overlap(train: Numbers, probe: Numbers) -> None:
    """Raise ``ValueError`` if a probe input equals a training input."""
    places = {row.tobytes(): index for index, row in reversed(list(enumerate(train + 0.0)))}
    both = [(i, places[row.tobytes()]) for i, row in enumerate(probe + 0.0) if row.tobytes() in places]
    if both:
        pairs = ", ".join(f"probe {i} = train {j}" for i, j in both[:5])
        raise ValueError(
            f"{len(both)} of {len(probe)} probe inputs are training inputs too ({pairs}"
            f"{', ...' if len(both) > 5 else ''}): the split overlaps, or the data hold repeated rows; "
            "remove these rows from the probe, for on them memorising would count as agreeing"
        )


def _array(name: str, values: ArrayLike) -> Numbers:
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{name} are ragged: rows differ in length; give every example the same number of entries"
        ) from None


def _numbers(name: str, values: ArrayLike) -> Numbers:
    array = _array(name, values)
    if array.dtype.kind not in "iufb":
        raise ValueError(
            f"{name} must be real numbers, got dtype {array.dtype}: text or mixed columns; "
            "encode categories as numbers first"
        )
    return array


def _finite(name: str, array: Numbers) -> Numbers:
    with np.errstate(over="ignore"):
        used = array.astype(jnp.zeros(()).dtype)
    bad = np.argwhere(~np.isfinite(used))
    if len(bad):
        place = tuple(int(i) for i in bad[0])
        raise ValueError(
            f"{name} hold {len(bad)} values that are not finite in {used.dtype}, the first at {place}: "
            f"{array[place]}; missing entries or overflow: drop or fill them, and rescale large numbers"
        )
    return used


def _column(name: str, array: Numbers, num_examples: int) -> Numbers:
    if array.ndim != 1:
        hint = f"use {name}.ravel()" if array.size == num_examples else f"use {name}.argmax(-1) if one-hot"
        raise ValueError(f"{name} must have shape (examples,), got {array.shape}: {hint}")
    if len(array) != num_examples:
        raise ValueError(
            f"{name} hold {len(array)} values for {num_examples} inputs: "
            "inputs and targets were cut or shuffled apart; they need one row each"
        )
    return array


def _labels(name: str, values: ArrayLike, num_examples: int) -> Numbers:
    array = _array(name, values)
    if array.dtype.kind == "f":
        raise ValueError(
            f"{name} must be integers, got dtype {array.dtype}: labels read as real numbers; "
            "check that they are whole, then use .astype(int)"
        )
    if array.dtype.kind not in "iub":
        raise ValueError(
            f"{name} must be integers, got dtype {array.dtype}: class names or mixed values; "
            "number them with np.unique(labels, return_inverse=True)[1]"
        )
    return _column(name, array, num_examples).astype(np.int64)


def _renumbering(labels: Numbers, num_classes: int) -> str:
    if set(labels.tolist()) == {-1, 1}:
        return "labels are -1 and 1; use (labels + 1) // 2"
    if labels.min() == 1 and labels.max() == num_classes:
        return "labels count from 1; subtract 1"
    return (
        "a marker for missing labels, or num_classes is too small; "
        "number classes with np.unique(labels, return_inverse=True)[1]"
    )
