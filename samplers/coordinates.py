"""Other coordinates for the networks in training, exact where updates are sums of gradients.

Where an optimiser moves parameters only within a space that is known beforehand, it may as
well move their coordinates there, if those are fewer. The queue trains in them and goes
back to parameters before anything is observed or recorded.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import jax

from .target import Data, Params, Target

type Array = jax.Array
type Origin = Any  # a pytree of arrays: what of a network's start its coordinates are counted from
type Shared = Any  # a pytree of arrays: what the coordinates of all networks need of the data


class Coordinates(Protocol):
    """What a model must offer; ``models.Model.span`` does.

    ``log_likelihood`` and ``errors`` are those of the model in coordinates, of data that
    ``data`` gives for one network. A derivative by coordinates must be such that a step
    along it is the step along the derivative by parameters.
    """

    @property
    def log_likelihood(self) -> Callable[[Params, Any], Array]: ...
    @property
    def errors(self) -> Callable[[Params, Any], Array] | None: ...
    @property
    def gram(self) -> Callable[[Any], Shared]: ...
    @property
    def enter(self) -> Callable[[Any, Params], tuple[Params, Any]]: ...
    @property
    def leave(self) -> Callable[[Any, Params, Any], Params]: ...
    @property
    def data(self) -> Callable[[Any, Shared, Any], Data]: ...


def enter(coordinates: Coordinates | None, target: Target, params: Params) -> tuple[Params, Origin]:
    """The coordinates of parameters, and their origin."""
    return (params, ()) if coordinates is None else coordinates.enter(target.data, params)


def leave(coordinates: Coordinates | None, target: Target, params: Params, origin: Origin) -> Params:
    """The parameters of coordinates."""
    return params if coordinates is None else coordinates.leave(target.data, params, origin)


def target_in(coordinates: Coordinates | None, target: Target, shared: Shared, origin: Origin) -> Target:
    """The target as a function of coordinates, its prior left out of the account."""
    if coordinates is None:
        return target
    data = coordinates.data(target.data, shared, origin)
    return replace(target, log_likelihood=coordinates.log_likelihood, errors=coordinates.errors, data=data)
