r"""Boolean functions of ``n`` bits: all inputs, target functions, tasks.

.. math:: f: \{0, 1\}^n \to \{0, 1\}, \qquad \text{table } f(0 \dots 0),\ f(0 \dots 1),\ \dots,\ f(1 \dots 1)

A function IS its truth table: ``(2^n,)`` integers 0 and 1, in counting order of the
inputs, whose first entry is the most significant bit. Read as one binary number, first
row first, the table names the function: an integer from 0 to ``2^(2^n) - 1``.

Networks read bits as 0 and 1 (``"zero_one"``, the setting of Mingard et al. 2021,
section 3 and appendix) or as -1 and +1 (``"plus_minus"``), have one output, and label an
input 1 where the output is positive.
"""

import operator
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import jax
import numpy as np

from .likelihoods import bernoulli
from .model import Network
from .tasks import Task, task_from_arrays

type Key = jax.Array
type Table = np.ndarray  # (2^n,) integers 0 and 1
type Encoding = Literal["zero_one", "plus_minus"]

MAX_BITS = 16


def boolean_inputs(num_bits: int, encoding: Encoding = "zero_one") -> np.ndarray:
    """All ``2^n`` inputs in counting order, ``(2^n, n)`` floats.

    Raises ``ValueError`` unless ``num_bits`` is from 1 to 16, or for an unknown encoding.

    >>> boolean_inputs(2).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    >>> boolean_inputs(1, "plus_minus").tolist()
    [[-1.0], [1.0]]
    """
    bits = _bits(num_bits)
    match encoding:
        case "zero_one":
            return bits.astype(np.float32)
        case "plus_minus":
            return (2 * bits - 1).astype(np.float32)
        case _:
            raise ValueError(f"encoding must be 'zero_one' or 'plus_minus', got {encoding!r}")


def input_rows(inputs: np.ndarray | jax.Array) -> np.ndarray:
    """Where inputs ``(m, n)`` of either encoding stand among all inputs, ``(m,)``.

    >>> input_rows(boolean_inputs(3)[[5, 2]]).tolist()
    [5, 2]
    """
    bits = np.asarray(inputs) > 0
    return bits @ (1 << np.arange(bits.shape[1])[::-1])


def single_bit(num_bits: int, bit: int = 0) -> Table:
    """The function that copies one bit, counted from the first (most significant).

    >>> single_bit(2).tolist(), single_bit(2, bit=1).tolist()
    ([0, 0, 1, 1], [0, 1, 0, 1])
    """
    bits = _bits(num_bits)
    if not 0 <= bit < num_bits:
        raise ValueError(f"bit must be from 0 to {num_bits - 1}, got {bit}: bits are counted from 0")
    return bits[:, bit]


def majority(num_bits: int) -> Table:
    """1 where more than half of the bits are 1; a tie gives 0.

    >>> majority(3).tolist()
    [0, 0, 0, 1, 0, 1, 1, 1]
    """
    return (2 * _bits(num_bits).sum(axis=1) > num_bits).astype(int)


def parity(num_bits: int) -> Table:
    """1 where the number of ones is odd.

    >>> parity(2).tolist()
    [0, 1, 1, 0]
    """
    return _bits(num_bits).sum(axis=1) % 2


def random_function(key: Key | int, num_bits: int, num_ones: int) -> Table:
    """Uniform among the functions with exactly ``num_ones`` ones.

    The complexity of a random table is confounded with its number of ones, so that is
    fixed. ``key`` is a key or a whole number used as a seed. Raises ``ValueError``
    unless ``num_ones`` is from 0 to ``2^n``.

    >>> int(random_function(0, 5, num_ones=10).sum())
    10
    """
    num_rows = len(_bits(num_bits))
    if not 0 <= num_ones <= num_rows:
        raise ValueError(f"num_ones must be from 0 to {num_rows}, the number of inputs, got {num_ones}")
    order = np.asarray(jax.random.permutation(_key(key), num_rows))
    return (order < num_ones).astype(int)


def function_from_bits(bits: str) -> Table:
    """The function whose truth table is written out, ``"0110"`` say.

    Raises ``ValueError`` for other characters or a length that is not ``2^n``.

    >>> function_from_bits("0110").tolist() == parity(2).tolist()
    True
    """
    if set(bits) - {"0", "1"}:
        raise ValueError(f"a truth table is written with 0 and 1 only, got {bits!r}")
    table = np.array([int(bit) for bit in bits], int)
    num_bits_of(table)
    return table


def function_from_integer(num_bits: int, number: int) -> Table:
    """The function whose truth table is ``number`` in binary, first row most significant.

    Raises ``ValueError`` unless ``number`` is from 0 to ``2^(2^n) - 1``.

    >>> function_from_integer(2, 6).tolist()
    [0, 1, 1, 0]
    """
    num_rows = len(_bits(num_bits))
    if not 0 <= number < 1 << num_rows:
        raise ValueError(f"number must be from 0 to 2^{num_rows} - 1 for {num_bits} bits, got {number}")
    return function_from_bits(f"{number:0{num_rows}b}")


def table_text(table: Table) -> str:
    """The truth table written out.

    >>> table_text(majority(3))
    '00010111'
    """
    return "".join("1" if value else "0" for value in np.asarray(table).tolist())


def num_bits_of(table: Table) -> int:
    """``n`` of a truth table of length ``2^n``; raises ``ValueError`` for anything else.

    >>> num_bits_of(parity(4))
    4
    """
    values = np.asarray(table)
    num_bits = max(len(values), 1).bit_length() - 1 if values.ndim == 1 else 0
    if not 1 <= num_bits <= MAX_BITS or len(values) != 1 << num_bits:
        raise ValueError(
            f"a truth table has one entry for each of the 2^n inputs, got shape {values.shape}: "
            f"give 2, 4, 8, ... 2^{MAX_BITS} zeros and ones"
        )
    if not np.isin(values, (0, 1)).all():
        raise ValueError(f"a truth table holds 0 and 1 only, got values {np.unique(values)[:5].tolist()}")
    return num_bits


def boolean_task(
    key: Key | int, table: Table, num_train: int, *, encoding: Encoding = "zero_one", name: str = ""
) -> Task:
    """Learn a function from ``num_train`` of its inputs; the probe is all the others.

    Training rows are drawn with the key; with one key a larger set contains the smaller.
    Probe rows are in counting order. ``boolean_inputs`` gives all inputs together.
    Raises ``ValueError`` unless ``num_train`` is from 1 to ``2^n - 1``.

    >>> task = boolean_task(0, majority(3), num_train=5)
    >>> task.train.inputs.shape, task.probe.inputs.shape, task.name
    ((5, 3), (3, 3), 'boolean_3')
    """
    num_bits = num_bits_of(table)
    num_rows = 1 << num_bits
    if not 1 <= num_train < num_rows:
        raise ValueError(
            f"num_train must be from 1 to {num_rows - 1}, got {num_train}: there are {num_rows} inputs "
            f"of {num_bits} bits, and at least one is kept as a probe"
        )
    inputs, labels = boolean_inputs(num_bits, encoding), np.asarray(table, int)
    order = np.asarray(jax.random.permutation(_key(key), num_rows))
    train, probe = order[:num_train], np.sort(order[num_train:])
    text = table_text(labels) if num_bits <= 5 else f"with {labels.sum()} ones"
    return task_from_arrays(
        name or f"boolean_{num_bits}",
        inputs[train],
        labels[train],
        inputs[probe],
        labels[probe],
        kind="classification",
        num_classes=2,
        description=f"the Boolean function {text} of {num_bits} bits, {num_train} of {num_rows} inputs given",
        source="generated; no licence needed",
    )


@cache
def boolean_labels(network: Network) -> Callable[[Any, jax.Array], jax.Array]:
    """A function of parameters and inputs ``(m, n)`` that gives labels ``(m,)``, booleans.

    Raises ``ValueError`` when called for a network with more than one output.

    >>> from models import mlp
    >>> network = mlp([3, 8, 1], "relu")
    >>> boolean_labels(network)(network.init(jax.random.key(0)), jax.numpy.asarray(boolean_inputs(3))).shape
    (8,)
    """

    def labels(params: Any, inputs: jax.Array) -> jax.Array:
        if network.apply_columns is None:
            outputs = jax.vmap(network.apply, (None, 0), out_axes=-1)(params, inputs)
        else:
            outputs = network.apply_columns(params, inputs.T)
        label = bernoulli().label
        assert label is not None
        return label(outputs) == 1

    return labels


def _bits(num_bits: int) -> Table:
    """All inputs as integers 0 and 1, ``(2^n, n)``."""
    if not 1 <= operator.index(num_bits) <= MAX_BITS:
        raise ValueError(
            f"num_bits must be from 1 to {MAX_BITS}, got {num_bits}: a function has 2^num_bits inputs"
        )
    return np.arange(1 << num_bits)[:, None] >> np.arange(num_bits)[::-1] & 1


def _key(key: Key | int) -> Key:
    return jax.random.key(key) if isinstance(key, int) else key
