"""One arm of a store as plain arrays, in the one form that all comparisons use.

Classification gives class probabilities. A regression's Gaussian predictive law is
cut into response bins, between the training targets' mean plus and minus four
standard deviations, and is a classification from there on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.special import expit, softmax

from compare import Arm, binned_predictive, scalars

type Array = np.ndarray

NUM_BINS = 40
AT_ONCE = 2**22  # probabilities that are made at a time


class ArmData(NamedTuple):
    """What an arm recorded. Endpoints of training have one draw a chain."""

    name: str
    attrs: Mapping[str, Any]
    probabilities: Array  # (chain, draw, probe, class)
    labels: Array  # (probe,) true class or response bin
    scalars: dict[str, Array]  # scalar behaviours, each (chain, draw)
    training_loss: Array  # (chain, draw) nats per datum
    training_error: Array | None  # (chain, draw) a share; None without labels
    diverging: Array | None  # (chain, draw); None for samplers without the notion
    steps_to_fit: Array | None = None  # (chain,) when the stopping rule was met, -1 never; of endpoints

    @property
    def usable(self) -> Array:
        """Indices of the chains whose status is ``"ok"``."""
        return self.compared().usable

    @property
    def independent(self) -> bool:
        """True for endpoints of training, which are independent by construction, and for the prior."""
        return self.probabilities.shape[1] == 1 or self.attrs["role"] == "ceiling"

    def behaviours(self) -> Array:
        """Everything that is compared, ``(chain, draw, behaviour)``: what the trust gates see."""
        return self.compared().behaviours()

    def compared(self) -> Arm:
        """What ``compare`` needs to know. A reference is judged by its chains, whatever their length."""
        return Arm(
            self.probabilities,
            independent=self.independent and self.attrs["role"] != "reference",
            scalars=self.scalars,
            status=list(self.attrs["status"]),
            diverging=self.diverging,
        )


def read_arm(name: str, arm: xr.DataTree, likelihood: Mapping[str, Any]) -> ArmData:
    """The arm's draws under its likelihood, ``{"name": ..., "noise_scale": ...}``.

    Outputs are read a piece at a time: what stays in memory are the probabilities.
    """
    logits = arm.children["predictions"].dataset["logits"]
    targets = _values(arm, "predictions_constant_data", "probe_targets")
    stats = arm.children["sample_stats"].dataset
    training = _values(arm, "observed_data", "targets")
    predict = predictive(likelihood, training)
    regression = likelihood["name"] == "gaussian"
    if regression:
        labels, num_classes = np.digitize(targets, _edges(training)), NUM_BINS
    else:
        labels, num_classes = targets.astype(int), max(logits.shape[-1], 2)

    def behave(outputs: Array) -> tuple[Array, dict[str, Array]]:
        probs = predict(outputs)
        found = scalars(probs, labels)
        if not regression:
            return probs, found
        with np.errstate(over="ignore"):  # diverged networks, which are counted and left out
            error = np.sqrt(np.mean((outputs[..., 0].astype(float) - targets) ** 2, axis=-1))
        return probs, {"root mean square error": error} | {k: found[k] for k in ("log score", "entropy")}

    probs = np.empty((*logits.shape[:3], num_classes), np.float32)
    found: dict[str, Array] = {}
    for piece in _pieces(probs.shape, logits.encoding.get("chunks")):
        probs[piece], some = behave(np.asarray(logits[piece].values, np.float32))
        for key, values in some.items():
            found.setdefault(key, np.empty(probs.shape[:2], values.dtype))[piece] = values
    return ArmData(
        name,
        {str(key): value for key, value in arm.attrs.items()},
        probs,
        labels,
        found,
        np.asarray(stats["loss"].values),
        np.asarray(stats["train_error"].values) if "train_error" in stats else None,
        np.asarray(stats["diverging"].values) if "diverging" in stats else None,
        np.asarray(stats["steps_to_fit"].values)[:, 0] if "steps_to_fit" in stats else None,
    )


def predictive(likelihood: Mapping[str, Any], training: Array) -> Callable[[Array], Array]:
    """From outputs ``(..., probe, output)`` to probabilities of classes, or of a regression's response bins.

    ``training`` are the training targets, which place the bins.

    >>> predictive({"name": "bernoulli"}, np.zeros(2))(np.zeros((1, 1))).tolist()
    [[0.5, 0.5]]
    """
    if likelihood["name"] != "gaussian":
        return lambda outputs: _class_probabilities(outputs, likelihood["name"])
    edges = _edges(training)
    return lambda outputs: binned_predictive(outputs[..., 0], likelihood["noise_scale"], edges).astype(
        np.float32
    )


def _edges(training: Array) -> Array:
    spread = 4 * training.std()
    return np.linspace(training.mean() - spread, training.mean() + spread, NUM_BINS - 1)


def _pieces(shape: tuple[int, ...], chunks: Sequence[int] | None) -> Iterator[tuple[slice, slice]]:
    """Chains and draws of one piece after the other, along the axis on which the store is chunked.

    >>> list(_pieces((3, 1, 2**21, 1), None))
    [(slice(0, 2, None), slice(None, None, None)), (slice(2, 4, None), slice(None, None, None))]
    """
    stored = chunks or shape
    axis = 0 if stored[0] < shape[0] or shape[1] == 1 else 1
    row = max(1, int(np.prod(shape)) // max(shape[axis], 1))  # probabilities of one chain, or one draw
    length = max(1, AT_ONCE // row)
    if stored[axis] < shape[axis]:
        length = -(-length // stored[axis]) * stored[axis]
    for first in range(0, shape[axis], length):
        some = slice(first, first + length)
        yield (some, slice(None)) if axis == 0 else (slice(None), some)


def _class_probabilities(outputs: Array, likelihood: str) -> Array:
    match likelihood:
        case "categorical":
            return np.asarray(softmax(outputs, axis=-1))
        case "bernoulli":
            return np.concatenate([expit(-outputs), expit(outputs)], axis=-1)
    raise ValueError(f"the store names an unknown likelihood {likelihood!r}")


def _values(arm: xr.DataTree, group: str, name: str) -> Array:
    return np.asarray(arm.children[group].dataset[name].values)
