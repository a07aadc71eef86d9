r"""Lempel-Ziv complexity of Boolean functions, and functions of a given complexity.

A string is cut from left to right into the shortest words that have not occurred
before (overlap allowed); ``N_w`` is their number. The complexity is symmetrised and
scaled so that a random string of length ``L`` has about ``L`` bits:

.. math::

    K(x) = \frac{\log_2 L}{2} \bigl(N_w(x) + N_w(\overleftarrow x)\bigr), \qquad
    K(0^L) = K(1^L) = \log_2 L.

Sources: Lempel and Ziv 1976 (words); Kaspar and Schuster 1987 (their number); Dingle,
Camargo and Louis 2018, methods, equation 4 (symmetrised and scaled).
"""

import math

import jax
import numpy as np

from .boolean import Key, Table, _key, num_bits_of, random_function, table_text

TEMPERATURE = 0.5  # of the search, in words
RESTART = 250  # steps after which the search begins again


def lempel_ziv_words(text: str) -> int:
    """The number of words of the Lempel-Ziv 1976 parsing; an unfinished last word counts.

    >>> lempel_ziv_words("0001101001000101")  # 0 001 10 100 1000 101, Kaspar and Schuster's example
    6
    """
    words, start, end = 0, 0, 1
    while end <= len(text):
        # The word text[start:end] is new if it does not occur in what precedes its last character.
        if end == len(text) or text.find(text[start:end], 0, end - 1) < 0:
            words, start = words + 1, end
        end += 1
    return words


def lempel_ziv_complexity(table: Table) -> float:
    """The complexity ``K`` of a truth table or any string of zeros and ones, bits.

    >>> lempel_ziv_complexity(np.array([0, 1, 0, 1, 0, 1, 0, 1]))
    9.0
    """
    text = table_text(table)
    scale = math.log2(len(text))
    if len(set(text)) == 1:
        return scale
    return scale * (lempel_ziv_words(text) + lempel_ziv_words(text[::-1])) / 2


def function_of_complexity(
    key: Key | int,
    num_bits: int,
    complexity: float,
    *,
    num_ones: int | None = None,
    tolerance: float | None = None,
    max_steps: int = 10_000,
) -> Table:
    """A function whose Lempel-Ziv complexity is within ``tolerance`` of ``complexity``, bits.

    A seeded Metropolis walk over truth tables, from the simplest one (zeros, then
    ``num_ones`` ones), at a low temperature on the distance to the goal and restarted now
    and then: it inverts an aligned block of 1, 2, 4, ... entries, or exchanges two where
    ``num_ones`` is fixed, so that classes can be compared at equal numbers of ones. The
    function found is one of its class, not a uniform draw. ``tolerance`` is one word of one
    of the two parsings, ``n / 2`` bits, unless given. Raises ``ValueError`` if
    ``max_steps`` do not reach the goal.

    >>> round(lempel_ziv_complexity(function_of_complexity(0, 5, 40.0, num_ones=16)) / 40, 1)
    0.9
    """
    rng = np.random.default_rng(np.asarray(jax.random.key_data(_key(key))))
    simplest = np.sort(random_function(0, num_bits, num_ones or 0))
    near = num_bits / 2 if tolerance is None else tolerance
    best = lempel_ziv_complexity(simplest)
    for step in range(max_steps):
        if step % RESTART == 0:
            table, found = simplest, lempel_ziv_complexity(simplest)
        if abs(found - complexity) <= near:
            return table
        proposal = _moved(rng, table, exchange=num_ones is not None)
        value = lempel_ziv_complexity(proposal)
        if abs(value - complexity) < abs(best - complexity):
            best = value
        worse = abs(value - complexity) - abs(found - complexity)
        if worse <= 0 or rng.random() < math.exp(-worse / (TEMPERATURE * num_bits)):
            table, found = proposal, value
    held = "" if num_ones is None else f" with {num_ones} ones"
    raise ValueError(
        f"no function of {num_bits} bits{held} within {near} bits of complexity {complexity} was found in "
        f"{max_steps} steps, the nearest has {best}: ask for a complexity from about {num_bits} to "
        f"{_typical(num_bits)}, widen tolerance, or raise max_steps"
    )


def _moved(rng: np.random.Generator, table: Table, *, exchange: bool) -> Table:
    """One aligned block of 1, 2, 4, ... entries inverted, or two of them exchanged."""
    length = 1 << rng.integers(num_bits_of(table))
    blocks = table.reshape(-1, length).copy()
    if exchange:
        pair = rng.choice(len(blocks), 2, replace=False)
        blocks[pair] = blocks[pair[::-1]]
    else:
        blocks[rng.integers(len(blocks))] ^= 1
    return blocks.reshape(-1)


def _typical(num_bits: int) -> float:
    """The complexity of random functions with as many ones as zeros, the upper end in practice."""
    tables = [random_function(seed, num_bits, 1 << (num_bits - 1)) for seed in range(5)]
    return float(np.median([lempel_ziv_complexity(table) for table in tables]))
