"""Checks of options and arrays that several files of this package make."""

import numpy as np

type Array = np.ndarray


def check_level(level: float) -> None:
    """Raises ``ValueError`` for a confidence level that is not between 0 and 1.

    >>> check_level(95)
    Traceback (most recent call last):
    ValueError: level must lie between 0 and 1, got 95: 0.95 for 95 %
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}: 0.95 for 95 %")


def check_count(**counts: int) -> None:
    """Raises ``ValueError`` for a count that is below one or not a whole number.

    >>> check_count(num_resamples=0)
    Traceback (most recent call last):
    ValueError: num_resamples must be a whole number of at least 1, got 0
    """
    for name, count in counts.items():
        if not (count >= 1 and count == np.floor(count) < np.inf):
            raise ValueError(f"{name} must be a whole number of at least 1, got {count}")


def check_probabilities(probabilities: Array) -> None:
    """Raises ``ValueError`` for predictions outside 0 to 1, or without axes of probes and classes.

    Values that are not finite, those of networks that failed, pass, and so does what rounding adds.

    >>> check_probabilities(np.array([[2.0, -1.0]]))
    Traceback (most recent call last):
    ValueError: probabilities lie between 0 and 1, got -1.0 to 2.0: logits? take their softmax first
    """
    shape = np.shape(probabilities)
    if len(shape) < 2 or 0 in shape:
        raise ValueError(
            f"probabilities must be (..., probe, class) with one of each at least, got shape {shape}: "
            "one probe is a row, and two classes are two columns"
        )
    low, high = np.min(probabilities), np.max(probabilities)
    if low < -1e-3 or high > 1 + 1e-3:
        raise ValueError(
            f"probabilities lie between 0 and 1, got {low} to {high}: logits? take their softmax first"
        )


def check_classes(probabilities: Array, targets: Array) -> None:
    """Raises ``ValueError`` unless there is one class a probe, each among those of the probabilities.

    >>> check_classes(np.full((3, 2), 0.5), np.array([0, 1, 0]))
    """
    num_probes, num_classes = np.shape(probabilities)[-2:]
    if np.shape(targets) != (num_probes,):
        raise ValueError(
            f"one target a probe is needed, ({num_probes},), got shape {np.shape(targets)}: "
            "take argmax(-1) of one-hot rows, ravel() of a column"
        )
    if np.any(np.asarray(targets) < 0) or np.any(np.asarray(targets) >= num_classes):
        raise ValueError(
            f"targets are classes 0 to {num_classes - 1}, as many as the probabilities have, got "
            f"{np.min(targets)} to {np.max(targets)}: number the label set from 0"
        )


def check_law(law: Array) -> None:
    """Raises ``ValueError`` for what is not one probability a function, ``(function,)``, that sum to one.

    >>> check_law(np.array([0.2, 0.2]))
    Traceback (most recent call last):
    ValueError: probabilities of a law sum to one, got 0.4: divide by the sum, or add what was left out
    """
    p = np.asarray(law, float)
    if p.ndim != 1 or not p.size:
        raise ValueError(f"a law has one probability a function, (function,), got shape {p.shape}")
    if not np.all((p >= 0) & (p <= 1 + 1e-6)):
        found = f"{p.min()} to {p.max()}"
        raise ValueError(f"probabilities lie between 0 and 1, got {found}: divide counts by their sum")
    if abs(p.sum() - 1) > 1e-3:
        raise ValueError(
            f"probabilities of a law sum to one, got {p.sum()}: divide by the sum, or add what was left out"
        )


def check_laws(left: Array, right: Array) -> None:
    """Raises ``ValueError`` for what is not two laws over the same functions.

    >>> check_laws(np.array([1.0]), np.array([0.5, 0.5]))
    Traceback (most recent call last):
    ValueError: laws over the same functions have one shape, got (1,) and (2,)
    """
    if np.shape(left) != np.shape(right):
        raise ValueError(
            f"laws over the same functions have one shape, got {np.shape(left)} and {np.shape(right)}"
        )
    check_law(left)
    check_law(right)
