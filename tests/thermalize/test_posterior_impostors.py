"""Impostors of a posterior over functions: their distance is known exactly, near ones are not used."""

import numpy as np
import pytest

from compare import FunctionCounts, fitting_functions, total_variation
from thermalize.claims.boolean import system
from thermalize.claims.posterior_impostors import (
    FAR,
    HOT,
    MARGIN,
    PRIOR,
    TURNED,
    Functions,
    functions_of,
    impostors_of,
)

type Array = np.ndarray

ROWS, LABELS = np.arange(4), np.array([0, 0, 1, 1])
EVERY = np.arange(256, dtype=np.uint8)[:, None]  # of three bits
FITS = np.arange(256) >> 4 == 0b0011
MOST_MARGIN = np.array([0, 0, 1, 1, 0, 0, 1, 1])


def counted(p: Array, num: int = 200_000) -> FunctionCounts:
    counts = np.random.default_rng(0).multinomial(num, p)
    return FunctionCounts(EVERY[counts > 0], counts[counts > 0])


def law(beta: float) -> Array:
    """Gibbs, from a prior that is not even: an error costs ``beta``, a label unlike the last a half."""
    labels = np.unpackbits(EVERY, axis=1)
    energy = beta * (labels[:, ROWS] != LABELS).sum(axis=1) + 0.5 * (labels[:, 1:] != labels[:, :-1]).sum(
        axis=1
    )
    return np.asarray(np.exp(-energy) / np.exp(-energy).sum())


def among(prior: Array, hot: Array) -> Functions:
    return Functions(ROWS, LABELS, MOST_MARGIN, {PRIOR: counted(prior), HOT: counted(hot)})


def test_known_distances_are_the_true_ones() -> None:
    """Beside the zero-one posterior the prior's is exact; another law's is a lower bound."""
    prior, hot = law(0.0), law(1.0)
    zero_one = np.where(FITS, prior, 0.0) / prior[FITS].sum()
    reference = fitting_functions(counted(prior), ROWS, LABELS)
    used, enough = impostors_of(reference, among(prior, hot))
    assert enough.passed
    assert set(used) == {PRIOR, HOT, MARGIN}
    assert used[PRIOR].value == pytest.approx(total_variation(prior, zero_one), abs=0.005)
    point = np.zeros(256)
    point[0b00110011] = 1.0
    high = used[MARGIN].high
    assert high is not None
    assert used[MARGIN].low < total_variation(point, zero_one) < high
    assert FAR < used[HOT].low < total_variation(hot, zero_one)


def test_a_posterior_that_is_the_max_margin_function_meets_its_opposite() -> None:
    cold = np.full(256, 1e-6)
    cold[0b00110011] = 1.0
    used, enough = impostors_of(counted(cold / cold.sum()), among(law(0.0), law(1.0)))
    assert set(used) == {PRIOR, HOT, TURNED}
    assert used[TURNED].value > 0.99
    assert used[TURNED].counts.packed.tolist() == [[0b00111100]]
    assert "not used" in enough.detail
    assert MARGIN in enough.detail


def test_impostors_that_may_be_near_are_not_used_and_too_few_are_a_failed_gate() -> None:
    hot = law(0.5)
    used, enough = impostors_of(counted(hot), among(hot, hot))
    assert PRIOR not in used
    assert HOT not in used
    assert not enough.passed
    point = np.zeros(256)
    point[[0b00110011, 0b00111100]] = 0.5  # even the two functions, each half of the posterior
    used, enough = impostors_of(counted(point), among(point, point))
    assert set(used) == {MARGIN}
    assert not enough.passed


def test_the_max_margin_function_is_of_the_network_asked_for() -> None:
    table = functions_of(system(3), ROWS, LABELS, {}).margin
    assert table[ROWS].tolist() == LABELS.tolist()
