"""Approximations that are fitted once and then drawn from independently.

Warm-up is the fit, so that every chain has a fit of its own, from its own start: several
chains of an approximation at one mode are a mixture over modes. Draws of a chain are
independent given its fit; between chains even the fits are.
"""

from collections.abc import Callable
from typing import Any

from .kernel import Info, Kernel, Sampler
from .target import Key, Params, Target

type Fitted = Any  # a pytree


def independent_draws(
    name: str,
    law: str,
    citation: str,
    fit: Callable[[Key, Target, Params], tuple[Params, Fitted]],
    draw: Callable[[Key, Fitted], Params],
) -> Sampler:
    """A sampler from a fit, ``(key, target, start) -> (centre, fitted)``, and a way to draw from it."""

    def kernel(target: Target, fitted: Fitted) -> Kernel:
        def step(key: Key, state: Params) -> tuple[Params, Info]:
            return draw(key, fitted), {}

        return Kernel(lambda key, position: position, step, lambda state: state)

    return Sampler(name, law, citation, fit, kernel)
