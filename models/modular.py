r"""Arithmetic modulo p: every pair of symbols, some to learn from and all the others to be asked.

.. math:: (a, b) \mapsto a \circ b \bmod p, \qquad
    \circ \in \{+, -, \times, /\}, \qquad a / b = a\, b^{-1},\ b \ne 0

A network that memorises its pairs knows nothing of the others; one that has found the
rule knows them all. Between the two can lie thousands of steps without a training error:
grokking. A pair is read as two one-hot vectors in a row, ``(2p,)``, which no order of the
symbols enters.

Source: Power et al. 2022.
"""

import operator
from typing import Literal

import jax
import numpy as np

from .tasks import Task, task_from_arrays

type Key = jax.Array
type Operation = Literal["addition", "subtraction", "multiplication", "division"]

SYMBOLS = {"addition": "+", "subtraction": "-", "multiplication": "*", "division": "/"}
LEAST, MOST = 3, 257


def modular_task(
    key: Key | int, modulus: int, operation: Operation = "addition", train_share: float = 0.5
) -> Task:
    """Learn an operation modulo ``modulus`` from a share of all pairs; the probe is all the others.

    The ``round(train_share * pairs)`` training pairs are drawn by ``key``, a key or a
    whole number used as a seed; ties round to even. There are ``p^2`` pairs, for division
    ``p (p - 1)``. Inputs are ``(n, 2p)``, see :func:`one_hot_pairs`; targets are the
    results, ``0 .. p - 1``. Raises ``ValueError`` for a modulus that is not a whole number
    from 3 to 257, an unknown operation, a modulus that is not prime where the operation is
    division, and a share that leaves no pair to train on or none to ask.

    >>> task = modular_task(0, 7, "division", train_share=0.5)
    >>> task.train.inputs.shape, task.probe.inputs.shape, task.num_classes
    ((21, 14), (21, 14), 7)
    """
    pairs, results = modular_table(modulus, operation)
    if not 0 < train_share < 1:
        raise ValueError(
            f"train_share must lie between 0 and 1, got {train_share}: it is the share of all "
            f"{len(pairs)} pairs to train on, and the others are the test pairs; 0.5 takes half"
        )
    num_train = round(train_share * len(pairs))
    if not 0 < num_train < len(pairs):
        missing = "test" if num_train else "training"
        raise ValueError(
            f"train_share {train_share} of {len(pairs)} pairs leaves no {missing} pair: choose a share "
            f"from {1 / len(pairs):.3g} to {1 - 1 / len(pairs):.3g}"
        )
    order = np.asarray(
        jax.random.permutation(jax.random.key(key) if isinstance(key, int) else key, len(pairs))
    )
    train, probe = np.sort(order[:num_train]), np.sort(order[num_train:])
    inputs = one_hot_pairs(pairs, modulus)
    return task_from_arrays(
        "modular",
        inputs[train],
        results[train],
        inputs[probe],
        results[probe],
        kind="classification",
        num_classes=modulus,
        description=f"a {SYMBOLS[operation]} b modulo {modulus}, {num_train} of {len(pairs)} pairs given",
        source="generated; no licence needed",
    )


def modular_table(modulus: int, operation: Operation) -> tuple[np.ndarray, np.ndarray]:
    """All pairs ``(pair, 2)`` in counting order, and their results ``(pair,)``.

    Raises ``ValueError`` as :func:`modular_task` does.

    >>> pairs, results = modular_table(5, "division")
    >>> [(*pair, result) for pair, result in zip(pairs.tolist(), results.tolist())][5:8]
    [(1, 2, 3), (1, 3, 2), (1, 4, 4)]
    """
    p = _modulus(modulus)
    a, b = np.divmod(np.arange(p * p), p)
    match operation:
        case "addition":
            results = a + b
        case "subtraction":
            results = a - b
        case "multiplication":
            results = a * b
        case "division":
            if any(p % factor == 0 for factor in range(2, p)):
                raise ValueError(
                    f"division needs a prime modulus, got {p}: some symbols have no inverse modulo {p}; "
                    "take 7, 11, 13, 17, 23 or another prime, or another operation"
                )
            a, b = a[b > 0], b[b > 0]
            inverse = np.array([0, *(pow(symbol, -1, p) for symbol in range(1, p))])
            results = a * inverse[b]
        case _:
            raise ValueError(f"operation must be one of {', '.join(SYMBOLS)}, got {operation!r}")
    return np.stack([a, b], axis=1), results % p


def one_hot_pairs(pairs: np.ndarray, modulus: int) -> np.ndarray:
    """Pairs of symbols ``(n, 2)`` as floats ``(n, 2p)``: a 1 for the first and a 1 for the second.

    >>> one_hot_pairs(np.array([[0, 2]]), 3).tolist()
    [[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]]
    """
    return np.eye(modulus, dtype=np.float32)[pairs].reshape(len(pairs), 2 * modulus)


def _modulus(modulus: int) -> int:
    try:
        p = operator.index(modulus)
    except TypeError:
        raise ValueError(f"modulus must be a whole number, got {modulus!r}: 7, 11 or 97, say") from None
    if not LEAST <= p <= MOST:
        raise ValueError(
            f"modulus must be from {LEAST} to {MOST}, got {p}: fewer symbols leave nothing to learn, and "
            f"with more all {p * p} pairs no longer make a small task"
        )
    return p
