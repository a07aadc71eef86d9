r"""Effects of a two-level factorial design: what each factor does, and what two do together.

With a response ``y`` in every cell of a full ``2^k`` design and levels coded -1 and +1,

.. math::

    e_A &= \frac{1}{2^{k-1}} \sum_{cells} x_A\, y = \bar y_{A+} - \bar y_{A-} \\
    e_{AB} &= \frac{1}{2^{k-1}} \sum_{cells} x_A x_B\, y
        = \tfrac12 \bigl[ (\text{effect of } A \text{ at } B+) - (\text{effect of } A \text{ at } B-) \bigr]

The same contrasts of resampled responses say how uncertain an effect is: its interval is
normal, with the standard deviation over resamples, and so is its p-value, for an effect is a mean
over many cells that were measured independently. Holm's correction holds over all effects that are
read together.

A cell may have no response. Every effect needs every cell; so effects are then those of the
largest complete part of the design in which some factors are held at one level, and those that
involve a factor which is held are not available.

Sources: Yates 1937; Box, Hunter and Hunter 2005, chapter 5; Holm 1979.
"""

from collections.abc import Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from .equivalence import holm

type Array = np.ndarray


class Effect(NamedTuple):
    """What one factor does, or two together; ``None`` throughout where cells are missing."""

    factors: tuple[int, ...]  # their places
    value: float | None
    low: float | None
    high: float | None
    p_value: float | None
    adjusted: float | None  # p-value by Holm's correction over all effects


class Effects(NamedTuple):
    """Main effects and two-way interactions."""

    effects: list[Effect]
    held: dict[int, int]  # factors that had to be held, at which level


def factorial_effects(response: Array, resampled: Array, *, level: float = 0.95) -> Effects:
    """Effects of a response ``(2, ..., 2)``, nan where missing, and its resamples ``(resample, 2, ..., 2)``.

    Raises ``ValueError`` for other shapes, fewer than 20 resamples, or resamples that are not
    finite in a cell that has a response.

    >>> y = np.array([[0.0, 1.0], [2.0, 3.0]])
    >>> found = factorial_effects(y, y + np.random.default_rng(0).normal(size=(100, 2, 2)))
    >>> [(effect.factors, effect.value) for effect in found.effects]
    [((0,), 2.0), ((1,), 1.0), ((0, 1), 0.0)]
    """
    response, resampled = np.asarray(response, float), np.asarray(resampled, float)
    _check(response, resampled)
    num_factors = response.ndim
    held = factors_to_hold(np.isfinite(response))
    every = [(place,) for place in range(num_factors)] + list(combinations(range(num_factors), 2))
    if held is None:
        return Effects([Effect(factors, *[None] * 5) for factors in every], {})
    part = tuple(held.get(place, slice(None)) for place in range(num_factors))
    left = [place for place in range(num_factors) if place not in held]
    y, drawn = response[part], resampled[(slice(None), *part)]
    found: dict[tuple[int, ...], tuple[float, float]] = {}
    for factors in every:
        if not set(factors) & set(held):
            axes = [left.index(place) for place in factors]
            spread = float(np.std([contrast(one, axes) for one in drawn], ddof=1))
            found[factors] = contrast(y, axes), spread
    p_values = [_p_value(*pair) for pair in found.values()]
    adjusted = dict(zip(found, zip(p_values, holm(p_values), strict=True), strict=True))
    reach = float(norm.ppf((1 + level) / 2))
    effects = []
    for factors in every:
        if factors in found:
            value, spread = found[factors]
            ends = value - reach * spread, value + reach * spread
            effects.append(Effect(factors, value, *ends, *adjusted[factors]))
        else:
            effects.append(Effect(factors, *[None] * 5))
    return Effects(effects, held)


def contrast(response: Array, axes: Sequence[int]) -> float:
    """The effect of the factors on these axes, of a complete response.

    >>> contrast(np.array([[0.0, 1.0], [2.0, 7.0]]), [0, 1])
    2.0
    """
    signed = response
    for axis in axes:
        shape = [1] * response.ndim
        shape[axis] = 2
        signed = signed * np.array([-1.0, 1.0]).reshape(shape)
    return float(2 * signed.mean())


def factors_to_hold(known: Array) -> dict[int, int] | None:
    """The fewest factors to hold, and where, so that all remaining cells are known; ``None``: impossible.

    Possible means that one factor at least is left. Of several ways the first is taken, in the
    factors' order, the second level before the first.

    >>> factors_to_hold(np.array([[True, True], [True, False]])), factors_to_hold(np.ones((2, 2), bool))
    ({0: 0}, {})
    """
    num_factors = known.ndim
    for num_held in range(num_factors):
        for places in combinations(range(num_factors), num_held):
            for levels in product((1, 0), repeat=num_held):
                held = dict(zip(places, levels, strict=True))
                if known[tuple(held.get(place, slice(None)) for place in range(num_factors))].all():
                    return held
    return None


def _p_value(value: float, spread: float) -> float:
    """Two-sided; an effect without any spread is certain, or nothing."""
    if spread == 0:
        return float(value == 0)
    return float(2 * norm.sf(abs(value) / spread))


def _check(response: Array, resampled: Array) -> None:
    if response.ndim < 1 or set(response.shape) != {2}:
        raise ValueError(
            f"a two-level design has one axis of length 2 for each factor, got shape {response.shape}"
        )
    if resampled.shape[1:] != response.shape or len(resampled) < 20:
        raise ValueError(
            f"resamples must be (resample, {', '.join(map(str, response.shape))}), at least 20 of them, got "
            f"shape {resampled.shape}: their spread is the error of the effects"
        )
    if not np.isfinite(resampled[:, np.isfinite(response)]).all():
        raise ValueError("resamples must be finite where there is a response: resample the same endpoints")
