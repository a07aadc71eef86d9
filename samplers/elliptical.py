r"""Elliptical slice sampling: centred Gaussian prior, any likelihood, no step size.

From :math:`\theta` draw :math:`\nu \sim \pi`, a height :math:`\log h = \log g(\theta) - e`,
``e`` standard exponential, and an angle on the ellipse

.. math:: \theta(\phi) = \theta \cos\phi + \nu \sin\phi;

while :math:`\log g(\theta(\phi)) < \log h`, shrink the bracket of angles towards zero,
where :math:`\theta(0) = \theta` is inside, and draw again.

Law: ``pi(theta) g(theta)``, exactly invariant; here ``log g = -beta N L``. No gradient
is used, so the likelihood may be flat or zero. A transition stops after
``MOST_SHRINKAGES`` angles and stays put, which keeps it reversible: forward and backward
paths of the bracket have equal length. From a point of zero likelihood every angle is
accepted until one is not.

blackjax has this kernel and its law is right, but it accepts a proposal whose log
likelihood is NaN, and never returns where no angle is *strictly* above the height: from
zero likelihood, or at the top of a likelihood so large that rounding levels it.

Source: Murray, Adams and MacKay 2010, figure 2.
"""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from .kernel import Info, Kernel, Sampler
from .moves import LogFactor
from .options import check_count
from .target import Key, Params, Target, loss

type Array = jax.Array

MOST_SHRINKAGES = 100
CITATION = "Murray, Adams and MacKay 2010"


class EllipticalState(NamedTuple):
    """A position and the log factor there, nats."""

    position: Params
    value: Array


@cache
def elliptical_slice(num_warmup: int = 1000, num_steps_per_draw: int = 10) -> Sampler:
    """Elliptical slice sampling of the posterior, after ``num_warmup`` discarded steps.

    Info: ``n_steps``, the number of likelihood evaluations. Raises ``ValueError`` for
    counts below one and, when a kernel is built, for a prior that is not a centred
    Gaussian.

    >>> elliptical_slice().name
    'elliptical_slice'
    """
    check_count(num_warmup=num_warmup, num_steps_per_draw=num_steps_per_draw)

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, Any]:
        one = kernel(target, ())
        key_init, key_steps = jax.random.split(key)

        def step(t: int, state: EllipticalState) -> EllipticalState:
            return one.step(jax.random.fold_in(key_steps, t), state)[0]

        state = jax.lax.fori_loop(0, num_warmup, step, one.init(key_init, position))
        return one.position(state), ()

    def kernel(target: Target, tuning: Any) -> Kernel:
        return elliptical_kernel(target, lambda params: -target.beta * target.num_data * loss(target, params))

    law = "the posterior, exactly invariant"
    return Sampler("elliptical_slice", law, CITATION, warmup, kernel, num_steps_per_draw)


def elliptical_kernel(target: Target, log_factor: LogFactor) -> Kernel:
    """One transition that leaves ``pi(theta) exp(log_factor(theta))`` invariant.

    Info: ``n_steps`` evaluations of ``log_factor``, and ``acceptance_rate``, the share
    of them that were accepted.
    """
    check_gaussian_prior(target)

    def init(key: Key, position: Params) -> EllipticalState:
        return EllipticalState(position, log_factor(position))

    def step(key: Key, state: EllipticalState) -> tuple[EllipticalState, Info]:
        key_ellipse, key_height, key_angles = jax.random.split(key, 3)
        momentum = gaussian_like(key_ellipse, target.prior_scale)
        height = state.value - jax.random.exponential(key_height)
        first = jax.random.uniform(jax.random.fold_in(key_angles, 0), maxval=2 * jnp.pi)

        def unfinished(search: _Search) -> Array:
            return ~search.found & (search.tried < MOST_SHRINKAGES)

        def attempt(search: _Search) -> _Search:
            position = jax.tree.map(
                lambda here, there: here * jnp.cos(search.angle) + there * jnp.sin(search.angle),
                state.position,
                momentum,
            )
            value = log_factor(position)
            low, high = shrunk(search.angle, search.low, search.high)
            tried = search.tried + 1
            angle = jax.random.uniform(jax.random.fold_in(key_angles, tried), minval=low, maxval=high)
            # NaN is never above a height; equality is, or a likelihood levelled by rounding traps us
            return _Search(EllipticalState(position, value), value >= height, tried, angle, low, high)

        start = _Search(state, jnp.asarray(False), jnp.asarray(0), first, first - 2 * jnp.pi, first)
        search = jax.lax.while_loop(unfinished, attempt, start)
        new = jax.tree.map(lambda there, here: jnp.where(search.found, there, here), search.state, state)
        rate = jnp.where(search.found, 1 / search.tried, 0.0)
        return new, {"n_steps": search.tried, "acceptance_rate": rate}

    return Kernel(init, step, lambda state: state.position)


def shrunk(angle: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """The bracket cut at a refused angle, on the side away from zero.

    >>> [float(end) for end in shrunk(jnp.asarray(-1.0), jnp.asarray(-3.0), jnp.asarray(2.0))]
    [-1.0, 2.0]
    """
    return jnp.where(angle < 0, angle, low), jnp.where(angle < 0, high, angle)


def gaussian_like(key: Key, scale: Params) -> Params:
    """A draw from the centred Gaussian with these standard deviations, leaf by leaf."""
    flat, unravel = ravel_pytree(scale)
    return unravel(flat * jax.random.normal(key, flat.shape, flat.dtype))


def check_gaussian_prior(target: Target) -> None:
    """Raises ``ValueError`` unless the prior is a centred Gaussian of known scale."""
    if target.prior_scale is None:
        raise ValueError(
            "this sampler needs a centred Gaussian prior, and this target has prior_scale None: another "
            "prior is not invariant under rotations of two draws; use hmc, or hmc_moves for a population"
        )


class _Search(NamedTuple):
    """One search for an angle: the bracket always holds zero."""

    state: EllipticalState
    found: Array
    tried: Array
    angle: Array
    low: Array
    high: Array
