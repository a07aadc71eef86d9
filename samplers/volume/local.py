r"""The neighbourhood of a point as a target of its own.

.. math:: \theta = \theta^* + \rho\, S\, u, \qquad
    p(u) \propto e^{-|u|^2 / 2}\, e^{-\beta N (L(\theta) - L(\theta^*))}

The tether is a Gaussian about the point, of ``rho`` times the prior's standard deviations
``S``. In the coordinates ``u`` it is the unit Gaussian of any network, so the point is data:
another one never recompiles. The loss is counted from that of the point, datum by datum,
so that large sums do not cancel.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ..target import Data, Key, Params, Target

type Array = jax.Array
type Likelihood = Callable[[Params, Data], Array]


class Placed(NamedTuple):
    """Data and where they are seen from; every leaf of ``data`` and ``reference`` has rows first."""

    data: Data
    reference: Array  # (n,) log likelihoods at the point, nats
    point: Params
    scales: Params


def excess_target(target: Target, point: Params) -> Target:
    """The same posterior, with ``L(theta) - L(point)`` for its loss."""
    placed = Placed(target.data, reference_of(target, point), (), ())
    return _rebuilt(target, placed, _excess(target.log_likelihood), target.log_prior, target.sample_prior)


def tethered_target(target: Target, point: Params, tether: float) -> Target:
    """The neighbourhood of ``point``, in coordinates ``u``; ``loss`` is counted from the point's.

    ``tether`` is ``rho``, in units of the prior's standard deviations, or absolute where the
    prior is no centred Gaussian.
    """
    scales = scales_of(target, point, tether)
    placed = Placed(target.data, reference_of(target, point), point, scales)
    shapes = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), point)
    leaves, structure = jax.tree.flatten(shapes, is_leaf=lambda node: isinstance(node, tuple))
    log_prior, origin = _tether(tuple(leaves), structure)
    return _rebuilt(target, placed, _moved(target.log_likelihood), log_prior, origin)


def scales_of(target: Target, point: Params, factor: float = 1.0) -> Params:
    """``factor`` times the prior's standard deviations; ones where the prior is no centred Gaussian."""
    if target.prior_scale is None:
        return jax.tree.map(lambda leaf: jnp.full_like(leaf, factor), point)
    return jax.tree.map(lambda scale: factor * scale, target.prior_scale)


@jax.jit
def reference_of(target: Target, point: Params) -> Array:
    """Log likelihoods of all data at the point, ``(n,)`` nats."""
    return target.log_likelihood(point, target.data)


@cache
def _excess(log_likelihood: Likelihood) -> Likelihood:
    return lambda params, placed: log_likelihood(params, placed.data) - placed.reference


@cache
def _moved(log_likelihood: Likelihood) -> Likelihood:
    def moved(u: Params, placed: Placed) -> Array:
        params = jax.tree.map(lambda p, s, o: p + s * o, placed.point, placed.scales, u)
        return log_likelihood(params, placed.data) - placed.reference

    return moved


@cache
def _tether(
    leaves: tuple[Any, ...], structure: Any
) -> tuple[Callable[[Params], Array], Callable[[Key], Params]]:
    def log_prior(u: Params) -> Array:
        return -0.5 * sum((jnp.sum(leaf**2) for leaf in jax.tree.leaves(u)), jnp.zeros(()))

    def origin(key: Key) -> Params:
        return structure.unflatten([jnp.zeros(shape, dtype) for shape, dtype in leaves])

    return log_prior, origin


def _rebuilt(
    target: Target,
    placed: Placed,
    log_likelihood: Likelihood,
    log_prior: Callable[[Params], Array],
    start: Callable[[Key], Params],
) -> Target:
    return Target(
        log_prior=log_prior,
        log_likelihood=log_likelihood,
        errors=None,
        sample_prior=start,
        data=placed,
        num_data=target.num_data,
        beta=target.beta,
        prior_scale=None,
    )
