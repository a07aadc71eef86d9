"""Effects of two-level designs against brute force, planted effects, and the rate of false alarms."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from compare.factorial import contrast, factorial_effects, factors_to_hold

type Array = np.ndarray
K = 5


def cells() -> Array:
    """Levels -1 and +1 of every cell, ``(2, ..., 2, K)``."""
    return np.array(list(product([-1, 1], repeat=K))).reshape(*[2] * K, K)


def measured(law: Array, rng: np.random.Generator, num: int = 40) -> tuple[Array, Array]:
    """Means of ``num`` noisy measurements in every cell, and of their bootstrap resamples."""
    seen = law[..., None] + rng.normal(size=(*law.shape, num))
    rows = rng.integers(0, num, size=(100, *law.shape, num))
    return seen.mean(-1), np.take_along_axis(seen[None], rows, axis=-1).mean(-1)


def test_effects_are_differences_of_means() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(2,) * K)
    found = factorial_effects(y, y + rng.normal(size=(50, *y.shape)))
    x = cells()
    assert len(found.effects) == K + K * (K - 1) // 2
    for effect in found.effects:
        if len(effect.factors) == 1:
            (a,) = effect.factors
            by_hand = y[x[..., a] == 1].mean() - y[x[..., a] == -1].mean()
        else:
            a, b = effect.factors
            at = [
                y[(x[..., a] == 1) & (x[..., b] == level)].mean()
                - y[(x[..., a] == -1) & (x[..., b] == level)].mean()
                for level in (-1, 1)
            ]
            by_hand = (at[1] - at[0]) / 2
        assert effect.value == pytest.approx(by_hand, abs=1e-12)


def test_planted_effects_are_found_and_no_others() -> None:
    """The error of an effect is 2 / sqrt(32 * 40) = 0.056: one of 0.4 is missed with probability 1e-5."""
    x = cells()
    law = 0.2 * x[..., 1] - 0.2 * x[..., 3] + 0.25 * x[..., 1] * x[..., 4]
    y, drawn = measured(law, np.random.default_rng(1))
    found = factorial_effects(y, drawn)
    wanted = {(1,): 0.4, (3,): -0.4, (1, 4): 0.5}
    for effect in found.effects:
        assert effect.value is not None
        assert effect.low is not None
        assert effect.high is not None
        assert effect.adjusted is not None
        assert (effect.adjusted < 0.01) == (effect.factors in wanted)
        reach = (effect.high - effect.low) / 2
        assert reach == pytest.approx(1.96 * 2 / np.sqrt(32 * 40), rel=0.3)
        assert abs(effect.value - wanted.get(effect.factors, 0.0)) < 2.5 * reach


def test_false_alarms_of_a_family_are_five_in_a_hundred() -> None:
    """300 designs without any effect: the share with an alarm anywhere is 0.05.

    Three in ten thousand runs would show more than the bound; a family without Holm's correction, an
    alarm in half of the designs, is always above it.
    """
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(300):
        found = factorial_effects(*measured(np.zeros((2,) * 4), rng, 20))
        alarms += min(effect.adjusted or 0.0 for effect in found.effects) <= 0.05
    # 20 measurements and 100 resamples make a level of 0.05 one of about 0.07
    assert alarms <= binom.ppf(1 - 3e-4, 300, 0.07)


def test_missing_cells_hold_a_factor() -> None:
    rng = np.random.default_rng(3)
    y, drawn = measured(cells()[..., 0] * 0.5, rng)
    y[:, :, 1, :, :] = np.nan
    y[0, 0, 1, 0, 0] = 0.0  # one cell of that level is known, to no avail
    found = factorial_effects(y, drawn)
    assert found.held == {2: 0}
    for effect in found.effects:
        assert (effect.value is None) == (2 in effect.factors)
    known = found.effects[0].value
    assert known == pytest.approx(y[1, :, 0].mean() - y[0, :, 0].mean())
    y[:] = np.nan
    nothing = factorial_effects(y, drawn)
    assert all(effect.value is None for effect in nothing.effects)


def test_factors_to_hold_are_the_fewest() -> None:
    known = np.ones((2, 2, 2), bool)
    known[1, 0, 1] = False
    assert factors_to_hold(known) == {0: 0}
    known[0, 1, 0] = False
    assert factors_to_hold(known) == {0: 1, 1: 1}
    assert factors_to_hold(np.array([[False, True], [True, False]])) is None
    assert factors_to_hold(np.zeros(2, bool)) is None


def test_a_response_without_spread_is_certain() -> None:
    y = np.array([[0.0, 1.0], [0.0, 1.0]])
    found = factorial_effects(y, np.repeat(y[None], 20, axis=0))
    assert [effect.p_value for effect in found.effects] == [1.0, 0.0, 1.0]
    assert contrast(y, [1]) == 1.0


def test_refusals() -> None:
    y = np.zeros((2, 2))
    for response, resampled, says in (
        (np.zeros((2, 3)), np.zeros((20, 2, 3)), "one axis of length 2"),
        (y, np.zeros((20, 2)), "resamples must be"),
        (y, np.zeros((19, 2, 2)), "at least 20"),
        (y, np.full((20, 2, 2), np.nan), "finite where there is a response"),
    ):
        with pytest.raises(ValueError, match=says):
            factorial_effects(response, resampled)
