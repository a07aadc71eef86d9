r"""Numbers of a network's label string: sensitivity, complexity, or any measure of functions.

.. math:: s(f) = \frac{1}{|E|} \textstyle\sum_{(x, x') \in E} [f(x) \ne f(x')]

is the share of given pairs of probes, neighbours in some sense, whose labels differ. With
all ``n 2^{n-1}`` pairs of bit strings that differ in one bit, ``n s`` is the average sensitivity of
a Boolean function (O'Donnell 2014, section 2.3). A measure of functions, say a complexity, is
computed once for each function that occurs: networks by the thousand realise a few hundred.

Numbers that need more than labels (the norm of the parameters, sharpness, the norm of the
gradient by the input) are made where parameters are; every distance of scalars takes them
as a column by any name.
"""

from collections.abc import Callable

import numpy as np

from .options import check_count

type Array = np.ndarray


def sensitivity(labels: Array, neighbours: Array) -> Array:
    """Share of neighbouring probes with different labels, of ``(..., probe)``: ``(...)``.

    ``neighbours`` are positions of pairs of probes, ``(pair, 2)``. Raises ``ValueError`` for others.

    >>> float(sensitivity(np.array([0, 1, 1, 1]), hypercube_neighbours(2)))
    0.5
    """
    pairs = np.asarray(neighbours)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs):
        raise ValueError(f"neighbours are pairs of positions of probes (pair, 2), got shape {pairs.shape}")
    num_probes = np.shape(labels)[-1]
    if pairs.min() < 0 or pairs.max() >= num_probes:
        raise ValueError(
            f"neighbours are positions of {num_probes} probes, 0 to {num_probes - 1}, got {pairs.min()} to "
            f"{pairs.max()}: were they made for other probes?"
        )
    return np.mean(labels[..., pairs[:, 0]] != labels[..., pairs[:, 1]], axis=-1)


def hypercube_neighbours(num_bits: int) -> Array:
    """All pairs of ``2^num_bits`` bit strings, counted as binary numbers, that differ in one bit.

    Raises ``ValueError`` for fewer than one bit.

    >>> hypercube_neighbours(2).tolist()
    [[0, 2], [1, 3], [0, 1], [2, 3]]
    """
    check_count(num_bits=num_bits)
    numbers = np.arange(1 << num_bits)
    bits = [1 << bit for bit in reversed(range(num_bits))]
    return np.concatenate(
        [np.stack([lower, lower | b], axis=1) for b in bits for lower in [numbers[numbers & b == 0]]]
    )


def of_functions(labels: Array, measure: Callable[[Array], float]) -> Array:
    """``measure`` of each label string ``(..., probe)``, computed once for each that occurs: ``(...)``.

    >>> of_functions(np.array([[0, 1], [1, 1], [0, 1]]), lambda string: float(string.sum())).tolist()
    [1.0, 2.0, 1.0]
    """
    flat = labels.reshape(-1, labels.shape[-1])
    strings, place = np.unique(flat, axis=0, return_inverse=True)
    values = np.array([measure(string) for string in strings], float)
    return values[place.reshape(-1)].reshape(labels.shape[:-1])
