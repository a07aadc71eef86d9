"""What holds of any network, table and data, tried on random ones."""

from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models import (
    ACTIVATIONS,
    Task,
    bayesian_model,
    boolean_inputs,
    boolean_task,
    categorical,
    function_from_bits,
    function_from_integer,
    gaussian_prior,
    input_rows,
    label_noise,
    laplace_prior,
    lempel_ziv_complexity,
    mlp,
    student_t_prior,
    table_text,
    task_from_arrays,
)

type Array = np.ndarray
KEY = jax.random.key(0)
PRIORS = [gaussian_prior, laplace_prior, student_t_prior]
SEEDS = st.integers(0, 2**32 - 1)
WIDTHS = st.lists(st.integers(1, 4), min_size=2, max_size=3)
NUMBERS = st.floats() | st.integers(-3, 3)
KINDS = st.sampled_from(["<f2", "<f4", "<f8", "<i1", "<i8", "<u1", "?", "<c8", "<U3", "O", "<M8[s]"])
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
TABLES = st.integers(1, 4).flatmap(lambda bits: st.tuples(st.just(bits), st.integers(0, 2 ** (2**bits) - 1)))


@st.composite
def anything(draw: Any) -> Any:
    """An array of any kind and shape, or lists of lists that may be ragged."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.lists(st.lists(NUMBERS, max_size=3), max_size=3))
    kind = draw(KINDS)
    if kind == "O":
        return np.array(draw(st.lists(st.none() | st.text(max_size=2), max_size=3)), object)
    return draw(arrays.arrays(np.dtype(kind), draw(SHAPES)))


@st.composite
def plausible(draw: Any) -> dict[str, Any]:
    """Arrays for a task, of fitting shapes most of the time, with values of any kind."""
    num_train, num_probe, num_features = (draw(st.integers(1, 4)) for _ in range(3))
    shapes = {"train_inputs": (num_train, num_features), "train_targets": (num_train,)}
    shapes |= {"probe_inputs": (num_probe, num_features), "probe_targets": (num_probe,)}
    dtype = {"inputs": draw(KINDS.filter("O".__ne__)), "targets": draw(KINDS.filter("O".__ne__))}
    found = {
        name: draw(arrays.arrays(np.dtype(dtype[name.split("_")[1]]), shape))
        for name, shape in shapes.items()
    }
    if draw(st.booleans()):
        found[draw(st.sampled_from(sorted(found)))] = draw(anything())
    return found


def checked(task: Task) -> None:
    single = jnp.zeros(()).dtype
    for batch in (task.train, task.probe):
        assert batch.inputs.dtype == single
        assert batch.inputs.shape == (len(batch.targets), task.num_inputs)
        assert np.isfinite(batch.inputs).all()
        assert np.isfinite(batch.targets).all()
        if task.num_classes is not None:
            assert ((batch.targets >= 0) & (batch.targets < task.num_classes)).all()
    rows = [{row.tobytes() for row in np.asarray(batch.inputs) + 0.0} for batch in (task.train, task.probe)]
    assert not rows[0] & rows[1]


@given(plausible(), st.sampled_from(["classification", "regression"]), st.none() | st.integers(-1, 300))
def test_arrays_become_a_sound_task_or_are_refused(data: dict[str, Any], kind: Any, num_classes: Any) -> None:
    try:
        task = task_from_arrays("mine", **data, kind=kind, num_classes=num_classes)
    except ValueError as error:
        message = str(error)
    else:
        checked(task)
        message = ": nothing"
    assert ": " in message, message  # what is wrong, and why or what to do


@given(WIDTHS, st.sampled_from(sorted(ACTIVATIONS)), st.sampled_from(PRIORS))
def test_shapes_follow_the_widths(widths: list[int], activation: str, family: Any) -> None:
    network = mlp(widths, activation)
    assert mlp(tuple(widths), activation) is network
    prior = family(network)
    model = bayesian_model(network, prior, categorical())
    drawn, started = (jax.eval_shape(law, KEY) for law in (model.sample_prior, network.init))
    assert jax.tree.map(jnp.shape, drawn) == jax.tree.map(jnp.shape, started)
    assert jax.eval_shape(prior.log_prob, drawn).shape == ()
    assert sum(leaf.size for leaf in jax.tree.leaves(started)) == sum(
        (d_in + 1) * d_out for d_in, d_out in pairwise(widths)
    )
    assert jax.eval_shape(network.apply, started, jnp.zeros(widths[0])).shape == (widths[-1],)
    assert network.apply_columns is not None
    columns = jax.eval_shape(network.apply_columns, started, jnp.zeros((widths[0], 7)))
    assert columns.shape == (widths[-1], 7)


@given(st.lists(st.floats() | st.integers(-2, 3) | st.text(max_size=2), max_size=4))
def test_widths_are_widths_or_refused(widths: list[Any]) -> None:
    good = len(widths) > 1 and all(type(width) is int and width > 0 for width in widths)
    if not good:
        with pytest.raises(ValueError, match="widths must be"):
            mlp(widths)
        return
    assert mlp(widths).init is not None


@given(st.floats(), st.floats())
def test_scales_are_scales_or_refused(weight: float, bias: float) -> None:
    network = mlp([2, 1])
    single = np.finfo(np.float32)
    if not all(float(single.tiny) <= scale <= float(single.max) for scale in (weight, bias)):
        with pytest.raises(ValueError, match="scale must be positive and finite"):
            gaussian_prior(network, weight, bias)
        return
    scale = gaussian_prior(network, weight, bias).scale
    assert scale is not None
    (layer,) = scale
    np.testing.assert_allclose(layer["b"], np.float32(bias), rtol=1e-6)


@given(TABLES)
def test_tables_come_back_from_text_and_number(table: tuple[int, int]) -> None:
    num_bits, number = table
    function = function_from_integer(num_bits, number)
    np.testing.assert_array_equal(function_from_bits(table_text(function)), function)
    assert int(table_text(function), 2) == number
    complexity = lempel_ziv_complexity(function)
    assert complexity == lempel_ziv_complexity(function[::-1])
    assert num_bits <= complexity <= (2**num_bits) * num_bits


@given(TABLES, st.data(), st.sampled_from(["zero_one", "plus_minus"]))
def test_a_boolean_task_parts_all_inputs(table: tuple[int, int], data: Any, encoding: Any) -> None:
    num_bits, number = table
    num_train = data.draw(st.integers(1, 2**num_bits - 1))
    function = function_from_integer(num_bits, number)
    task = boolean_task(data.draw(SEEDS), function, num_train, encoding=encoding)
    rows = [input_rows(batch.inputs) for batch in (task.train, task.probe)]
    assert sorted(np.concatenate(rows)) == list(range(2**num_bits))
    assert len(rows[0]) == num_train
    for row, batch in zip(rows, (task.train, task.probe), strict=True):
        np.testing.assert_array_equal(function[row], batch.targets)
        np.testing.assert_array_equal(boolean_inputs(num_bits, encoding)[row], batch.inputs)


TASK = task_from_arrays(
    "ten",
    np.arange(10.0)[:, None],
    np.arange(10) % 3,
    np.array([[-1.0]]),
    np.array([0]),
    kind="classification",
)


@given(SEEDS, st.floats(0, 1), st.floats(0, 1))
def test_noise_is_as_much_as_asked_and_nested(seed: int, one: float, other: float) -> None:
    less, more = sorted((one, other))
    key = jax.random.key(seed)
    changed = [label_noise(key, TASK, f).train.targets != TASK.train.targets for f in (less, more)]
    assert changed[0].sum() <= round(less * 10)
    assert (changed[0] <= changed[1]).all()
