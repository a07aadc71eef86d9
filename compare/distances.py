r"""Distances between two sets of networks, in function space.

Each is a functional of *weights* over one pooled table of networks, so that every
resample of every null costs one row of a matrix product:

.. math::

    E(a, b) &= \frac{2 a'Db - a'Da/(1 - |a|^2) - b'Db/(1 - |b|^2)}{2 a'Db}
        && \text{normalised energy distance} \\
    V(a, b) &= \tfrac1m \textstyle\sum_x \tfrac12 \sum_c |\bar p_a - \bar p_b|
        && \text{total variation of averaged predictions} \\
    G(a, b) &= \tfrac1m \textstyle\sum_x [\arg\max \bar p_a \ne \arg\max \bar p_b]
        && \text{disagreement of averaged predictions}

``D`` holds Euclidean distances between probability vectors. Pairs of a network with
itself are left out (``1 - |a|^2``), which makes the numerator of ``E`` unbiased: under
equal laws it scatters about zero and may be negative. ``E`` lies in ``[0, 1]`` in the
limit and is 0 only for equal laws (Szekely and Rizzo 2013, section 2).
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

type Array = jax.Array


class Distance(NamedTuple):
    """A distance and the margin that counts as equal.

    ``prepare`` sees the probabilities of all networks pooled, ``(unit, probe, class)``,
    once; ``between`` gets its result and two weight vectors ``(unit,)`` that sum to one.
    A ``relative`` margin is a share of the way from floor to ceiling. No interval reaches
    beyond ``largest``, the largest value that there is.
    """

    name: str
    description: str
    prepare: Callable[[Array], Any]
    between: Callable[[Any, Array, Array], Array]
    margin: float
    margin_kind: Literal["absolute", "relative"]
    largest: float = math.inf


@cache
def energy() -> Distance:
    """Normalised energy distance between laws of the probe probabilities.

    >>> p = jnp.array([[[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 0.0]], [[0.0, 1.0]]])
    >>> d = energy()
    >>> left, right = jnp.array([0.5, 0.0, 0.5, 0.0]), jnp.array([0.0, 0.5, 0.0, 0.5])
    >>> float(d.between(d.prepare(p), left, right))
    1.0
    """

    def between(pairs: Array, left: Array, right: Array) -> Array:
        from_left, from_right = left @ pairs, right @ pairs
        across = 2 * from_left @ right
        within = from_left @ left / (1 - left @ left) + from_right @ right / (1 - right @ right)
        return (across - within) / across

    return Distance(
        "energy distance",
        "how far apart the two laws of probe probabilities are, network by network",
        pairwise_distances,
        between,
        margin=0.05,
        margin_kind="relative",
        largest=1.0,
    )


@cache
def averaged_total_variation() -> Distance:
    """Total variation between averaged predictions, mean over probes, in [0, 1].

    >>> p = jnp.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> d = averaged_total_variation()
    >>> float(d.between(p, jnp.array([1.0, 0.0]), jnp.array([0.5, 0.5])))
    0.5
    """

    def between(probabilities: Array, left: Array, right: Array) -> Array:
        gap = jnp.tensordot(left - right, probabilities, 1)
        return jnp.mean(jnp.sum(jnp.abs(gap), axis=-1)) / 2

    return Distance(
        "total variation of averages",
        "how far apart the averaged predictions are, as probability mass to move per probe",
        lambda probabilities: probabilities,
        between,
        margin=0.02,
        margin_kind="absolute",
        largest=1.0,
    )


@cache
def averaged_disagreement() -> Distance:
    """Share of probes on which the averaged predictions choose different labels.

    >>> p = jnp.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> d = averaged_disagreement()
    >>> float(d.between(p, jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0])))
    1.0
    """

    def between(probabilities: Array, left: Array, right: Array) -> Array:
        chosen = [jnp.argmax(jnp.tensordot(w, probabilities, 1), axis=-1) for w in (left, right)]
        return jnp.mean(chosen[0] != chosen[1])

    return Distance(
        "disagreement of averages",
        "share of probes on which the two averaged predictions choose different labels",
        lambda probabilities: probabilities,
        between,
        margin=0.02,
        margin_kind="absolute",
        largest=1.0,
    )


def chance_agreement(accuracy_left: float, accuracy_right: float, num_classes: int) -> float:
    r"""Agreement that accuracy alone implies, :math:`ab + (1-a)(1-b)/(C-1)`.

    Two predictors that err independently and uniformly over the wrong labels.

    >>> round(chance_agreement(0.9, 0.9, 10), 4)
    0.8111
    """
    a, b = accuracy_left, accuracy_right
    return a * b + (1 - a) * (1 - b) / (num_classes - 1)


def pairwise_distances(probabilities: Array) -> Array:
    """Root mean square over probes of the Euclidean distance, ``(unit, unit)``."""
    num_units, num_probes = probabilities.shape[:2]
    flat = probabilities.reshape(num_units, -1) / jnp.sqrt(num_probes)
    flat = flat - jnp.mean(flat, axis=0, keepdims=True)  # centring spares the Gram trick cancellation
    square = jnp.sum(flat**2, axis=-1)
    gram = jnp.matmul(flat, flat.T, precision="highest")
    squared = square[:, None] + square[None, :] - 2 * gram
    return jnp.sqrt(jnp.maximum(squared, 0)) * (1 - jnp.eye(num_units))
