"""The two workloads that every rival solves: numbers only, so that PyTorch gets the same ones.

Workload 1 trains small ReLU networks on part of a Boolean function, the parity of its
first three bits, by plain stochastic gradient descent until no training point is wrong.
Networks begin as draws of the prior, batches are drawn with replacement. Workload 2
samples the posterior of a tanh network on the breast cancer data. numpy only.
"""

from itertools import pairwise

import numpy as np

BATCH_SIZE = 32
LEARNING_RATE = 0.1
MAX_STEPS = 5_000  # none of 10^4 networks of 7-40-40-1 needed 1,500
CHECK_EVERY = 10  # steps between two looks of a peer at its training errors

CANCER_WIDTHS = [30, 16, 1]
NUM_CANCER = 400
LEAPFROG_STEPS = 25
STEP_SIZE = 0.05


def boolean_rows(num_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """All inputs of a function in counting order, ``(2^n, n)``, and its values, ``(2^n,)``.

    >>> boolean_rows(3)[1].tolist()
    [0, 1, 1, 0, 1, 0, 0, 1]
    """
    inputs = np.arange(1 << num_bits)[:, None] >> np.arange(num_bits)[::-1] & 1
    return inputs.astype(np.float32), inputs[:, :3].sum(axis=1) % 2


def training_rows(num_bits: int, num_train: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of :func:`boolean_rows` that are given, the same in every process."""
    inputs, values = boolean_rows(num_bits)
    rows = np.random.default_rng(0).permutation(len(inputs))[:num_train]
    return inputs[rows], values[rows]


def step_flops(widths: list[int], batch_size: int = BATCH_SIZE) -> int:
    """Floating-point operations of one gradient: products only, forward, to weights, to inputs.

    >>> step_flops([7, 40, 40, 1])
    350720
    """
    products = [a * b for a, b in pairwise(widths)]
    return 2 * batch_size * (2 * sum(products) + sum(products[1:]))
