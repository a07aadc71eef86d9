"""Arithmetic modulo p against brute force, its refusals, and the split."""

import jax
import numpy as np
import pytest

from models import modular_table, modular_task, one_hot_pairs
from models.modular import SYMBOLS, Operation

PRIMES = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59]


@pytest.mark.parametrize("modulus", PRIMES)
def test_every_result_by_its_definition(modulus: int) -> None:
    p = modulus
    for operation, check in {
        "addition": lambda a, b, c: (a + b - c) % p == 0,
        "subtraction": lambda a, b, c: (c + b - a) % p == 0,
        "multiplication": lambda a, b, c: (a * b - c) % p == 0,
        "division": lambda a, b, c: (c * b - a) % p == 0,
    }.items():
        pairs, results = modular_table(p, operation)  # type: ignore[arg-type]
        known = {(a, b): c for (a, b), c in zip(pairs.tolist(), results.tolist(), strict=True)}
        expected = {(a, b) for a in range(p) for b in range(p) if operation != "division" or b}
        assert set(known) == expected
        assert len(pairs) == len(expected)
        assert all(0 <= c < p and check(a, b, c) for (a, b), c in known.items())


@pytest.mark.parametrize("operation", list(SYMBOLS))
def test_a_task_splits_all_pairs(operation: Operation) -> None:
    task = modular_task(3, 7, operation, train_share=0.6)
    pairs, results = modular_table(7, operation)
    inputs = np.concatenate([task.train.inputs, task.probe.inputs])
    targets = np.concatenate([task.train.targets, task.probe.targets])
    assert len(task.train.targets) == round(0.6 * len(pairs))
    read = inputs.reshape(-1, 2, 7).argmax(axis=-1)
    assert (inputs.sum(axis=1) == 2).all()
    assert sorted(map(tuple, read.tolist())) == sorted(map(tuple, pairs.tolist()))
    expected = dict(zip(map(tuple, pairs.tolist()), results.tolist(), strict=True))
    assert targets.tolist() == [expected[a, b] for a, b in read.tolist()]
    assert (task.num_inputs, task.num_classes) == (14, 7)


def test_the_key_draws_the_pairs() -> None:
    one, same, other = (modular_task(key, 11).train.inputs for key in (0, jax.random.key(0), 1))
    assert (one == same).all()
    assert not (one == other).all()


def test_where_no_prime_is_needed_any_modulus_is_taken() -> None:
    assert modular_table(4, "multiplication")[1].reshape(4, 4)[2].tolist() == [0, 2, 0, 2]
    assert one_hot_pairs(np.array([[1, 3]]), 4).tolist() == [[0, 1, 0, 0, 0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("modulus", "operation", "share", "words"),
    [
        (9, "division", 0.5, "division needs a prime modulus, got 9.*take 7"),
        (2, "addition", 0.5, "modulus must be from 3 to 257, got 2"),
        (7.0, "addition", 0.5, "modulus must be a whole number, got 7.0"),
        (7, "power", 0.5, "operation must be one of addition.*got 'power'"),
        (7, "addition", 1.0, "train_share must lie between 0 and 1, got 1.0"),
        (7, "addition", 0.995, "0.995 of 49 pairs leaves no test pair: choose a share from 0.0204 to 0.98"),
        (7, "addition", 0.001, "0.001 of 49 pairs leaves no training pair"),
    ],
)
def test_refusals(modulus: int, operation: Operation, share: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        modular_task(0, modulus, operation, share)
