"""Lempel-Ziv complexity against an independent algorithm, hand parsings and published facts."""

import itertools
import math

import numpy as np
import pytest

from models import function_of_complexity, lempel_ziv_complexity, majority, parity, single_bit
from models.lempel_ziv import lempel_ziv_words


def kaspar_schuster(text: str) -> int:
    """The counting algorithm of Kaspar and Schuster 1987, figure 2: pointers, no substring search."""
    n, i, words, start, length, longest = len(text), 0, 1, 1, 1, 1
    while start + length <= n:
        if text[i + length - 1] == text[start + length - 1]:
            length += 1
            continue
        longest, i = max(longest, length), i + 1
        if i == start:
            words, start, i, longest = words + 1, start + longest, 0, 1
        length = 1
    return words + (length > 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0001101001000101", 6),  # 0 001 10 100 1000 101: Kaspar and Schuster 1987
        ("0000000000", 2),  # 0 000000000
        ("0101010101", 3),  # 0 1 01010101
        ("0110100110010110", 7),  # Thue-Morse: 0 1 10 100 1100 1011 0
        ("1", 1),
        ("10", 2),
        ("0001", 2),  # 0 001
        ("00010111", 4),  # 0 001 011 1
    ],
)
def test_words_counted_by_hand(text: str, words: int) -> None:
    assert lempel_ziv_words(text) == words
    assert kaspar_schuster(text) == words


def test_words_equal_an_independent_algorithm() -> None:
    for bits in itertools.product("01", repeat=8):
        text = "".join(bits)
        assert lempel_ziv_words(text) == kaspar_schuster(text)
    for row in np.random.default_rng(0).integers(0, 2, (50, 128)):
        text = "".join(map(str, row))
        assert lempel_ziv_words(text) == kaspar_schuster(text)


def test_complexity_of_known_functions() -> None:
    """By hand: majority(3) = 0 001 011 1, reversed 1 110 100 0; first bit = 0 0001 111, 1 1110 000."""
    assert lempel_ziv_complexity(majority(3)) == 3 * (4 + 4) / 2
    assert lempel_ziv_complexity(single_bit(3)) == 3 * (3 + 3) / 2
    assert lempel_ziv_complexity(single_bit(7, bit=6)) == 7 * (3 + 3) / 2  # 0 1 0101...
    assert lempel_ziv_complexity(np.zeros(128, int)) == lempel_ziv_complexity(np.ones(128, int)) == 7


def test_complexity_is_symmetric_and_blind_to_names() -> None:
    for row in np.random.default_rng(1).integers(0, 2, (30, 32)):
        value = lempel_ziv_complexity(row)
        assert value == lempel_ziv_complexity(row[::-1]) == lempel_ziv_complexity(1 - row)


def test_random_strings_come_near_their_length_and_parity_is_far_below() -> None:
    """Dingle et al. 2018: random strings of length L scatter about L, here 128 within a quarter."""
    random = [lempel_ziv_complexity(row) for row in np.random.default_rng(2).integers(0, 2, (50, 128))]
    assert 128 < np.mean(random) < 160
    assert lempel_ziv_complexity(parity(7)) < min(random)


@pytest.mark.parametrize(
    ("num_bits", "complexity", "num_ones"), [(5, 20.0, 16), (5, 40.0, 16), (7, 35.0, 64), (7, 105.0, None)]
)
def test_functions_of_a_class(num_bits: int, complexity: float, num_ones: int | None) -> None:
    table = function_of_complexity(1, num_bits, complexity, num_ones=num_ones)
    assert abs(lempel_ziv_complexity(table) - complexity) <= num_bits / 2
    assert len(table) == 1 << num_bits
    assert num_ones is None or table.sum() == num_ones
    np.testing.assert_array_equal(table, function_of_complexity(1, num_bits, complexity, num_ones=num_ones))


def test_classes_hold_different_functions() -> None:
    tables = {tuple(function_of_complexity(seed, 5, 40.0, num_ones=16)) for seed in range(5)}
    assert len(tables) == 5


def test_the_constant_is_the_simplest_and_simple_ones_are_found() -> None:
    assert math.isclose(lempel_ziv_complexity(function_of_complexity(0, 5, 5.0)), 5.0)


def test_a_class_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"within 1\.5 bits of complexity 80.* the nearest has 15"):
        function_of_complexity(0, 3, 80, max_steps=500)
    with pytest.raises(ValueError, match="with 4 ones"):
        function_of_complexity(0, 3, 3, num_ones=4, max_steps=500)
