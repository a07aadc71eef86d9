"""Boolean functions against brute force over all inputs; tasks that never probe what they train."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models import (
    boolean_inputs,
    boolean_labels,
    boolean_task,
    function_from_bits,
    function_from_integer,
    input_rows,
    majority,
    mlp,
    parity,
    random_function,
    single_bit,
    table_text,
)
from models.boolean import Encoding

BITS = pytest.mark.parametrize("num_bits", [1, 3, 4, 5, 7])


@BITS
def test_inputs_are_all_bit_strings_in_counting_order(num_bits: int) -> None:
    expected = np.array(list(itertools.product([0.0, 1.0], repeat=num_bits)))
    np.testing.assert_array_equal(boolean_inputs(num_bits), expected)
    np.testing.assert_array_equal(boolean_inputs(num_bits, "plus_minus"), 2 * expected - 1)
    assert boolean_inputs(num_bits).dtype == np.float32


@BITS
@pytest.mark.parametrize("encoding", ["zero_one", "plus_minus"])
def test_rows_are_found_again_from_inputs(num_bits: int, encoding: Encoding) -> None:
    order = np.random.default_rng(0).permutation(1 << num_bits)
    np.testing.assert_array_equal(input_rows(boolean_inputs(num_bits, encoding)[order]), order)


@BITS
def test_tables_equal_a_loop_over_inputs(num_bits: int) -> None:
    strings = list(itertools.product([0, 1], repeat=num_bits))
    assert parity(num_bits).tolist() == [sum(s) % 2 for s in strings]
    assert majority(num_bits).tolist() == [int(sum(s) > num_bits / 2) for s in strings]
    for bit in range(num_bits):
        assert single_bit(num_bits, bit).tolist() == [s[bit] for s in strings]


def test_known_numbers_of_functions() -> None:
    """Rule numbers of the elementary functions of three bits, first row most significant."""
    texts = {"00010111": majority(3), "01101001": parity(3), "00001111": single_bit(3)}
    for text, table in texts.items():
        assert table_text(table) == text
        np.testing.assert_array_equal(function_from_bits(text), table)
        np.testing.assert_array_equal(function_from_integer(3, int(text, 2)), table)


def test_integers_name_every_function_of_three_bits_once() -> None:
    tables = {table_text(function_from_integer(3, number)) for number in range(256)}
    assert tables == {"".join(bits) for bits in itertools.product("01", repeat=8)}


def test_random_functions_have_their_ones_and_are_uniform() -> None:
    """All 6 functions of two bits with two ones, 1,200 draws: each count within 5 sd of 200.

    False alarm below 6 * 6e-7. One function that is 60 % too frequent (9 standard
    deviations) is caught with power above 0.999.
    """
    draws = [table_text(random_function(jax.random.key(seed), 2, num_ones=2)) for seed in range(1200)]
    names, counts = np.unique(draws, return_counts=True)
    assert all(name.count("1") == 2 for name in names)
    assert len(names) == 6
    assert np.abs(counts - 200).max() < 5 * np.sqrt(1200 / 6 * 5 / 6)
    assert random_function(0, 7, 0).sum() == 0
    np.testing.assert_array_equal(random_function(3, 5, 7), random_function(jax.random.key(3), 5, 7))


@pytest.mark.parametrize("encoding", ["zero_one", "plus_minus"])
@pytest.mark.parametrize("num_train", [1, 5, 7])
def test_train_and_probe_part_all_inputs(num_train: int, encoding: Encoding) -> None:
    table = function_from_bits("01101011")
    task = boolean_task(2, table, num_train, encoding=encoding)
    train, probe = input_rows(task.train.inputs), input_rows(task.probe.inputs)
    assert sorted([*train, *probe]) == list(range(8))
    assert len(train) == num_train
    assert probe.tolist() == sorted(probe)
    np.testing.assert_array_equal(task.train.targets, table[train])
    np.testing.assert_array_equal(task.probe.targets, table[probe])
    assert (task.kind, task.num_classes, task.num_inputs) == ("classification", 2, 3)
    np.testing.assert_array_equal(task.train.inputs, boolean_inputs(3, encoding)[train])


def test_a_key_fixes_the_rows_and_smaller_sets_are_contained() -> None:
    rows = {n: input_rows(boolean_task(4, parity(5), n).train.inputs).tolist() for n in (8, 16)}
    assert rows[16][:8] == rows[8]
    same = boolean_task(jax.random.key(4), majority(5), 16)
    assert input_rows(same.train.inputs).tolist() == rows[16]
    assert input_rows(boolean_task(5, parity(5), 16).train.inputs).tolist() != rows[16]


def test_labels_are_the_sign_of_the_output() -> None:
    network = mlp([3, 8, 1], "relu")
    params = network.init(jax.random.key(1))
    params[1]["b"] += 1.5  # so that both labels occur
    inputs = jnp.asarray(boolean_inputs(3))
    outputs = np.array([float(network.apply(params, x)[0]) for x in inputs])
    assert 0 < (outputs > 0).sum() < 8
    for columns in (network, network._replace(apply_columns=None)):
        labels = boolean_labels(columns)
        assert boolean_labels(columns) is labels
        assert labels(params, inputs).dtype == bool
        np.testing.assert_array_equal(labels(params, inputs), outputs > 0)
    with pytest.raises(ValueError, match="last width of the network must be 1"):
        boolean_labels(mlp([3, 2]))(mlp([3, 2]).init(jax.random.key(0)), inputs)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: boolean_inputs(0), "num_bits must be from 1 to 16, got 0"),
        (lambda: boolean_inputs(40), "num_bits must be from 1 to 16, got 40"),
        (lambda: boolean_inputs(3, "one_hot"), "encoding must be 'zero_one' or 'plus_minus', got 'one_hot'"),  # type: ignore[arg-type]
        (lambda: single_bit(3, 3), "bit must be from 0 to 2, got 3"),
        (lambda: single_bit(3, -1), "bit must be from 0 to 2, got -1"),
        (lambda: random_function(0, 3, 9), "num_ones must be from 0 to 8"),
        (lambda: function_from_bits("012"), "written with 0 and 1 only, got '012'"),
        (lambda: function_from_bits("010"), r"got shape \(3,\)"),
        (lambda: function_from_bits(""), r"got shape \(0,\)"),
        (lambda: function_from_integer(3, 256), r"number must be from 0 to 2\^8 - 1 for 3 bits, got 256"),
        (lambda: boolean_task(0, np.array([0, 2, 1, 1]), 2), r"holds 0 and 1 only, got values \[0, 1, 2\]"),
        (lambda: boolean_task(0, parity(3), 8), "num_train must be from 1 to 7, got 8"),
        (lambda: boolean_task(0, parity(3), 0), "num_train must be from 1 to 7, got 0"),
    ],
)
def test_refusals(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()
