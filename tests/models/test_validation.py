"""A user's own arrays: what is accepted, and every refusal with its sentence."""

from typing import Any

import numpy as np
import pytest

from models import Task, task_from_arrays

RNG = np.random.default_rng(0)
GOOD: dict[str, Any] = {
    "train_inputs": RNG.normal(size=(5, 3)),
    "train_targets": np.array([0, 1, 2, 1, 0]),
    "probe_inputs": RNG.normal(size=(4, 3)),
    "probe_targets": np.array([2, 1, 0, 0]),
}


def _task(
    kind: Any = "classification", num_classes: Any = None, image_shape: Any = None, **change: Any
) -> Task:
    arrays = GOOD | change
    return task_from_arrays("mine", **arrays, kind=kind, num_classes=num_classes, image_shape=image_shape)


def _with(array: np.ndarray, index: Any, value: Any) -> np.ndarray:
    changed = np.array(array, float)
    changed[index] = value
    return changed


def test_good_arrays_are_kept_as_they_are() -> None:
    task = _task()
    np.testing.assert_allclose(task.train.inputs, GOOD["train_inputs"], rtol=1e-6)
    np.testing.assert_array_equal(task.probe.targets, GOOD["probe_targets"])
    assert (task.num_classes, task.kind, task.num_inputs) == (3, "classification", 3)


def test_lists_booleans_and_integer_inputs_are_fine() -> None:
    task = task_from_arrays("mine", [[1], [2]], [True, False], [[3]], [False], kind="classification")
    assert task.train.targets.tolist() == [1, 0]
    assert task.train.inputs.dtype == np.float32


def test_more_classes_than_seen_may_be_stated_and_two_are_the_least() -> None:
    assert _task(num_classes=7).num_classes == 7
    zeros = {"train_targets": np.zeros(5, int), "probe_targets": np.zeros(4, int)}
    assert _task(**zeros).num_classes == 2


def test_a_class_seen_only_in_the_probe_counts() -> None:
    assert _task(probe_targets=np.array([3, 0, 0, 0])).num_classes == 4


def test_regression_targets_may_be_any_finite_numbers() -> None:
    task = _task("regression", train_targets=np.arange(5), probe_targets=np.array([-1.5, 0, 2, 1e6]))
    assert task.num_classes is None
    assert task.train.targets.dtype == np.float32


NAN, INF = float("nan"), float("inf")
X, Y = GOOD["train_inputs"], GOOD["train_targets"]
REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "kind": ({"kind": "ranking"}, "kind must be 'classification' or 'regression', got 'ranking'"),
    "classes of a regression": (
        {"kind": "regression", "num_classes": 3},
        r"num_classes is for classification, got 3 with kind='regression': leave it out",
    ),
    "nan": (
        {"train_inputs": _with(X, (2, 1), NAN)},
        r"train_inputs hold 1 values that are not finite in float32, the first at \(2, 1\): nan; missing",
    ),
    "inf": (
        {"probe_inputs": _with(GOOD["probe_inputs"], 0, INF)},
        r"probe_inputs hold 3 values that are not finite.* \(0, 0\): inf; missing entries or overflow",
    ),
    "too large for the precision": (
        {"train_inputs": _with(X, (0, 0), 1e300)},
        r"train_inputs hold 1 values that are not finite in float32.*1e\+300.*rescale large numbers",
    ),
    "nan response": (
        {"kind": "regression", "train_targets": _with(Y, 4, NAN)},
        r"train_targets hold 1 values that are not finite.*at \(4,\): nan",
    ),
    "one-dimensional inputs": (
        {"train_inputs": np.arange(5.0)},
        r"train_inputs must have shape \(examples, features\), got \(5,\): .*reshape\(-1, 1\)",
    ),
    "image inputs": (
        {"probe_inputs": np.zeros((4, 8, 8))},
        r"probe_inputs must have shape \(examples, features\), got \(4, 8, 8\): flatten each example",
    ),
    "ragged inputs": (
        {"train_inputs": [[1.0, 2.0], [3.0]]},
        "train_inputs are ragged: rows differ in length",
    ),
    "text inputs": (
        {"train_inputs": np.full((5, 3), "red")},
        "train_inputs must be real numbers, got dtype <U3: text or mixed columns; encode",
    ),
    "empty training set": (
        {"train_inputs": np.zeros((0, 3)), "train_targets": np.zeros(0, int)},
        r"train_inputs are empty, got shape \(0, 3\): at least one example",
    ),
    "empty probe": (
        {"probe_inputs": np.zeros((0, 3)), "probe_targets": np.zeros(0, int)},
        r"probe_inputs are empty, got shape \(0, 3\).*filter that removed every row",
    ),
    "no features": ({"train_inputs": np.zeros((5, 0))}, r"train_inputs are empty, got shape \(5, 0\)"),
    "columns differ": (
        {"probe_inputs": np.zeros((4, 2))},
        "train_inputs have 3 columns but probe_inputs 2: both need the same features",
    ),
    "rows differ": (
        {"train_targets": np.array([0, 1])},
        "train_targets hold 2 values for 5 inputs: inputs and targets were cut or shuffled apart",
    ),
    "column vector of labels": (
        {"train_targets": Y[:, None]},
        r"train_targets must have shape \(examples,\), got \(5, 1\): use train_targets.ravel\(\)",
    ),
    "one-hot labels": (
        {"train_targets": np.eye(3, dtype=int)[Y]},
        r"train_targets must have shape \(examples,\), got \(5, 3\): use train_targets.argmax\(-1\)",
    ),
    "real labels": (
        {"train_targets": Y + 0.0},
        r"train_targets must be integers, got dtype float64: labels read as real.*astype\(int\)",
    ),
    "class names": (
        {"probe_targets": np.array(["cat", "dog", "cat", "cat"])},
        r"probe_targets must be integers, got dtype <U3: class names or mixed values; number them",
    ),
    "labels of -1 and 1": (
        {"train_targets": np.array([-1, 1, 1, -1, 1]), "num_classes": 2},
        r"train_targets hold 2 labels outside 0..1, the first at index 0, values \[-1\]: .*use \(labels",
    ),
    "labels from 1": (
        {"train_targets": Y + 1, "num_classes": 3},
        r"train_targets hold 1 labels outside 0..2, the first at index 2, values \[3\]: .*subtract 1",
    ),
    "label outside": (
        {"probe_targets": np.array([0, 1, 9, 8]), "num_classes": 3},
        r"probe_targets hold 2 labels outside 0..2, the first at index 2, values \[8, 9\]: a marker",
    ),
    "one class": ({"num_classes": 1}, "num_classes must be at least 2, got 1: one class leaves nothing"),
    "overlap": (
        {"probe_inputs": np.concatenate([X[[4]], GOOD["probe_inputs"][1:3], X[[1]]])},
        r"2 of 4 probe inputs are training .*\(probe 0 = train 4, probe 3 = train 1\): .*remove these",
    ),
    "image shape": (
        {"image_shape": (2, 2)},
        r"image_shape \(2, 2\) has 4 pixels but inputs have 3 columns: give \(height, width\)",
    ),
}


@pytest.mark.parametrize("case", list(REFUSALS))
def test_bad_arrays_are_refused_with_a_reason(case: str) -> None:
    change, message = REFUSALS[case]
    with pytest.raises(ValueError, match=message):
        _task(**change)


def test_overlap_is_found_in_the_precision_used() -> None:
    """Inputs that single precision cannot tell apart, and the two zeros, count as equal."""
    train, probe = np.array([[1.0], [0.0]]), np.array([[1.0 + 1e-12], [2.0]])
    targets = np.array([0, 1])
    with pytest.raises(ValueError, match="probe 0 = train 0"):
        task_from_arrays("mine", train, targets, probe, targets, kind="classification")
    negative = np.array([[3.0], [-0.0]])
    with pytest.raises(ValueError, match="probe 1 = train 1"):
        task_from_arrays("mine", train, targets, negative, targets, kind="classification")
    with pytest.raises(ValueError, match="probe 1 = train 1"):
        task_from_arrays("mine", negative, targets, train, targets, kind="classification")


def test_many_overlaps_are_counted_and_cut_short() -> None:
    rows = np.arange(20.0)[:, None]
    with pytest.raises(
        ValueError, match=r"20 of 20 probe inputs .*probe 4 = train 4, \.\.\.\): the split overlaps"
    ):
        task_from_arrays("mine", rows, np.zeros(20, int), rows, np.zeros(20, int), kind="classification")
