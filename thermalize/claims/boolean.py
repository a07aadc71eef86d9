"""Boolean systems: small ReLU networks whose functions can be counted.

A network with a single output labels each of the ``2^n`` inputs 0 or 1: that table is its
function. Draws of the prior are counted by the million; those whose function has no
training error are exact, independent draws of the zero-one posterior.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import unpack_labels
from models import (
    Model,
    Network,
    bayesian_model,
    bernoulli,
    boolean_inputs,
    boolean_labels,
    gaussian_prior,
    lempel_ziv_complexity,
    mlp,
)
from samplers import prior_functions
from samplers.draws import Progress

type Array = np.ndarray
WIDTHS = {3: (3, 16, 1), 4: (4, 16, 16, 1), 5: (5, 16, 16, 1), 7: (7, 40, 40, 1)}
CITATIONS = ["Valle-Perez, Camargo and Louis 2019", "Lempel and Ziv 1976"]


class System(NamedTuple):
    """A network on all inputs of some bits; the prior is N(0, 1 / fan-in) for weights, N(0, 1) for biases."""

    num_bits: int
    network: Network
    model: Model

    @property
    def name(self) -> str:
        return f"boolean-{self.num_bits}"

    @property
    def widths(self) -> str:
        return "-".join(map(str, WIDTHS[self.num_bits]))

    @property
    def num_inputs(self) -> int:
        return 1 << self.num_bits


@cache
def system(num_bits: int) -> System:
    """The system of so many bits."""
    network = mlp(WIDTHS[num_bits], "relu")
    return System(num_bits, network, bayesian_model(network, gaussian_prior(network), bernoulli()))


def functions_of_prior(key: jax.Array, system: System, num: int, progress: Progress) -> Array:
    """The functions of ``num`` networks of the prior, ``(num, num_bytes)`` packed bits."""
    inputs = jnp.asarray(boolean_inputs(system.num_bits))
    return prior_functions(key, system.model, boolean_labels(system.network), inputs, num, progress=progress)


def complexities(packed: Array, num_inputs: int) -> Array:
    """Lempel-Ziv complexity of each function, bits, ``(function,)``.

    >>> complexities(np.array([[0b01010101], [0b00000000]], np.uint8), 8).tolist()
    [9.0, 3.0]
    """
    return np.array([_complexity(row.tobytes(), num_inputs) for row in np.asarray(packed, np.uint8)])


@lru_cache(maxsize=1 << 20)
def _complexity(packed: bytes, num_inputs: int) -> float:
    return lempel_ziv_complexity(unpack_labels(np.frombuffer(packed, np.uint8), num_inputs))


def completions(rows: Array, labels: Array, num_inputs: int) -> Array:
    """All functions that give ``labels`` to the inputs ``rows``, packed.

    >>> completions(np.array([0, 1, 2, 3, 4, 5, 6]), np.zeros(7, int), 8).tolist()
    [[0], [1]]
    """
    free = np.setdiff1d(np.arange(num_inputs), rows)
    tables = np.zeros((1 << len(free), num_inputs), np.uint8)
    tables[:, rows] = labels
    tables[:, free] = np.arange(len(tables))[:, None] >> np.arange(len(free))[::-1] & 1
    return np.packbits(tables, axis=-1)
