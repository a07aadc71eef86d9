"""Bounds on the true total variation: they cover, they are sharp where they can be, they refuse nonsense."""

import numpy as np
import pytest

from compare import FunctionCounts, variation_bounds
from compare.variation_bounds import WEIGHTS, _called_left

type Array = np.ndarray
REPEATS = 200  # a bound of level 97.5 % that covers fails more than 16 of 200 times with p < 1e-5


def counted(rng: np.random.Generator, law: Array, num: int) -> FunctionCounts:
    """Draws of a law over functions of 8 or 16 inputs, named by their number."""
    places, counts = np.unique(rng.choice(len(law), size=num, p=law), return_counts=True)
    wide = places.astype(">u2")[:, None].view(np.uint8)
    return FunctionCounts(wide[:, 1:] if len(law) <= 256 else wide, counts)


def laws() -> list[tuple[str, Array, Array]]:
    ramp = np.arange(1.0, 257) / np.arange(1.0, 257).sum()
    uniform = np.full(256, 1 / 256)
    point = np.eye(256)[3]
    return [
        ("equal", ramp, ramp),
        ("ramp against uniform", ramp, uniform),
        ("point against uniform", point, uniform),
        ("more functions than draws", np.full(1 << 16, 2.0**-16), np.full(1 << 16, 2.0**-16)),
    ]


@pytest.mark.parametrize(("name", "p", "q"), laws(), ids=[name for name, *_ in laws()])
def test_the_truth_lies_between_the_bounds(name: str, p: Array, q: Array) -> None:
    truth = np.abs(p - q).sum() / 2
    rng = np.random.default_rng(0)
    repeats = REPEATS if len(p) <= 256 else 10
    found = [
        variation_bounds(counted(rng, p, 600), counted(rng, q, 900), seed=seed) for seed in range(repeats)
    ]
    assert sum(bounds.low > truth + 1e-12 for bounds in found) <= 16
    assert sum(bounds.high < truth - 1e-12 for bounds in found) <= 16


def test_a_large_difference_is_found_whole() -> None:
    rng = np.random.default_rng(1)
    point, uniform = np.eye(256)[3], np.full(256, 1 / 256)
    bounds = variation_bounds(counted(rng, point, 4000), counted(rng, uniform, 4000), seed=0)
    assert 0.97 < bounds.low < 1 - 1 / 256 < bounds.high


def test_the_classifier_is_the_one_of_the_formula() -> None:
    rng = np.random.default_rng(5)
    ramp = np.arange(1.0, 257) / np.arange(1.0, 257).sum()
    left, right, tried = counted(rng, ramp, 100), counted(rng, ramp[::-1], 130), counted(rng, ramp, 200)

    def score(function: int, weight: float) -> float:
        total = 0.0
        for law, sign in ((left, 1), (right, -1)):
            for other, count in zip(law.packed[:, 0], law.counts, strict=True):
                total += sign * weight ** int(function ^ int(other)).bit_count() * count / law.total
        return total

    wanted = [
        sum(
            int(count)
            for function, count in zip(tried.packed[:, 0], tried.counts, strict=True)
            if score(int(function), weight) > 1e-12
        )
        for weight in WEIGHTS
    ]
    assert _called_left(left, right, tried, WEIGHTS).tolist() == wanted


def test_functions_never_seen_are_told_apart_by_their_neighbours() -> None:
    """65,536 functions, 400 draws each: hardly one is seen twice, so a histogram learns nothing."""
    few, many = (np.unpackbits(np.arange(1 << 16, dtype=">u2").view(np.uint8)).reshape(-1, 16) for _ in "ab")
    p = 0.3 ** few.sum(axis=1) * 0.7 ** (16 - few.sum(axis=1))
    q = 0.7 ** many.sum(axis=1) * 0.3 ** (16 - many.sum(axis=1))
    rng = np.random.default_rng(2)
    bounds = variation_bounds(counted(rng, p, 400), counted(rng, q, 400), seed=0)
    assert bounds.weight > 0
    assert 0.7 < bounds.low <= np.abs(p - q).sum() / 2


def test_millions_of_draws_are_bounded_by_a_part_of_them() -> None:
    """As many functions as a posterior never fits into a table of pairs; seen to hang before."""
    rng = np.random.default_rng(4)
    packed = np.arange(1 << 20, dtype=">u4").view(np.uint8).reshape(-1, 4)
    many = FunctionCounts(packed, np.full(1 << 20, 4))
    few = FunctionCounts(packed[:1000], rng.integers(1, 4, 1000))
    bounds = variation_bounds(many, few, seed=0)
    assert 0.9 < bounds.low < 1 - 1000 / (1 << 20) < bounds.high


def test_refused() -> None:
    rng = np.random.default_rng(3)
    uniform = np.full(256, 1 / 256)
    with pytest.raises(ValueError, match="at least 8 draws of each law, got 4 and 100"):
        variation_bounds(counted(rng, uniform, 4), counted(rng, uniform, 100), seed=0)
    with pytest.raises(ValueError, match="functions of one number of bytes"):
        variation_bounds(counted(rng, uniform, 100), counted(rng, np.full(1 << 16, 2.0**-16), 100), seed=0)
