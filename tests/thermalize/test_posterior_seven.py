"""Seven bits: behaviours that are equal or not by plan, and references that must not be trusted."""

import numpy as np

from compare import FunctionCounts, count_functions
from models import single_bit
from thermalize.claims.boolean import system
from thermalize.claims.posterior_behaviours import behaviours_of, differences
from thermalize.claims.posterior_family import Thinned
from thermalize.claims.seven_reference import coldest, gates_of

type Array = np.ndarray

SEVEN = system(7)
TABLE = single_bit(7)
ROWS = np.arange(0, 128, 4)


def noisy(share: float, num: int, seed: int) -> FunctionCounts:
    """Functions that are the target but for a share of labels flipped outside the training inputs."""
    flips = np.random.default_rng(seed).random((num, 128)) < share
    flips[:, ROWS] = False
    return count_functions(np.packbits(flips ^ TABLE.astype(bool), axis=-1))


def test_behaviours_by_hand() -> None:
    packed = np.packbits(np.stack([TABLE, 1 - TABLE]), axis=-1)
    found = behaviours_of(packed, SEVEN, TABLE, ROWS)
    assert found["accuracy on the other inputs"].tolist() == [1.0, 0.0]
    assert found["share of ones"].tolist() == [0.5, 0.5]
    assert np.allclose(found["sensitivity"], 1 / 7)


def test_equal_behaviours_are_equal_and_others_are_not() -> None:
    """False alarms of the four differences: 5 % each, seed fixed; a shift of one sd is 30 errors."""
    reference = noisy(0.1, 4000, 0)
    same = {n.name: n for n in differences(noisy(0.1, 4000, 1), reference, SEVEN, TABLE, ROWS)}
    assert all("EQUIVALENT" in number.unit for number in same.values())
    more = {n.name: n for n in differences(noisy(0.13, 4000, 2), reference, SEVEN, TABLE, ROWS)}
    accuracy = more["accuracy on the other inputs, difference"]
    truth = -0.03 / np.sqrt(0.1 * 0.9 / 96)
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert accuracy.low < truth < accuracy.high
    assert "DIFFERENT" in accuracy.unit
    assert "DIFFERENT" in more["Lempel-Ziv complexity, difference"].unit


def test_methods_that_disagree_or_do_not_mix_are_not_trusted() -> None:
    def thinned(share: float, seed: int, rhat: float = 1.0, failed: tuple[str, ...] = ()) -> Thinned:
        flips = np.random.default_rng(seed).random((4, 500, 128)) < share
        return Thinned(np.packbits(flips, axis=-1), rhat, 2000.0, list(failed))

    def passed(down: Thinned, along: Thinned) -> list[bool]:
        return [gate.passed for gate in gates_of(down, along, 128)]

    good = thinned(0.2, 0)
    assert passed(good, thinned(0.2, 1)) == [True, True, True]
    assert passed(good, thinned(0.3, 1)) == [True, True, False]
    assert passed(thinned(0.2, 2, rhat=1.02), thinned(0.2, 1)) == [False, True, True]
    assert passed(good, thinned(0.2, 1, failed=("never fitted",))) == [True, False, True]
    assert passed(good, good._replace(ess=300.0)) == [True, False, True]


def test_a_zero_one_member_must_be_trusted() -> None:
    flips = np.random.default_rng(0).random((2, 500, 128)) < 0.2
    good = Thinned(np.packbits(flips, axis=-1), 1.0, 1000.0, [])
    (member,) = coldest(good, 2.0)
    assert (member.scale, member.counts.total) == (2.0, good.counts().total)
    few = good._replace(functions=good.functions[:, :10])
    for bad in (good._replace(rhat=1.5), few, good._replace(failed=["collapsed"])):
        assert coldest(bad, 2.0) == []
