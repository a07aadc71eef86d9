r"""Underdamped Langevin dynamics and SGHMC, both by the splitting scheme BAOAB.

.. math::

    d\theta = p\,dt, \qquad dp = -\nabla U(\theta)\,dt - \gamma p\,dt + \sqrt{2\gamma}\,dW

One step of size ``h``, with ``c = exp(-gamma h)`` and the two half kicks that meet at the
same position merged into one, so that a step costs one gradient:

.. math::

    B:&\ p \leftarrow p - h\,\nabla U(\theta) \qquad
    A:\ \theta \leftarrow \theta + \tfrac h2 p \\
    O:&\ p \leftarrow c\,p + \sqrt{1 - c^2}\,\xi \qquad
    A:\ \theta \leftarrow \theta + \tfrac h2 p

Law of the positions, with all data: the posterior up to ``O(h^2)``, and *exactly* the
posterior for any stable ``h < 2 / sqrt(largest curvature)`` where ``U`` is quadratic.
Minibatch noise of covariance ``C`` heats by ``O(h C)``, which neither scheme corrects. On a
quadratic with Hessian ``H`` the state ``(theta, p)`` is linear with noise ``n`` of covariance
``C`` in the gradient, and its covariance ``S`` solves ``S = A S A' + Q`` with

.. math::

    A = \begin{pmatrix} I - h a H & a I \\ -c h H & c I \end{pmatrix}, \quad
    Q = h^2 \binom{a}{c} C\,(a\ \ c) + (1 - c^2) \binom{h/2}{1} I\,(h/2\ \ 1), \quad
    a = \tfrac h2 (1 + c)

In SGD's words: learning rate ``h^2``, momentum ``c``.

Sources: Leimkuhler and Matthews 2013, section 3 (BAOAB and its exactness); Chen, Fox and
Guestrin 2014, algorithm 2 (SGHMC, there an Euler scheme).
"""

import math
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from blackjax.util import generate_gaussian_noise

from .burn_in import burn_in
from .gradients import (
    Anchor,
    check_gradient_options,
    estimated_gradient,
    find_anchor,
    gradient_statistics,
)
from .kernel import Info, Kernel, Sampler
from .options import check_batch, check_count, check_positive
from .target import Key, Params, Target

type Array = jax.Array


class LangevinState(NamedTuple):
    position: Params
    momentum: Params  # just before the merged kick


@cache
def underdamped(
    step_size: float,
    friction: float = 1.0,
    batch_size: int | None = None,
    anchor_steps: int = 0,
    num_warmup: int = 1000,
    num_steps_per_draw: int = 1,
) -> Sampler:
    """Underdamped Langevin, its momentum kept from step to step.

    ``step_size`` is a time; ``friction`` a rate, so that momentum is forgotten over
    ``1 / friction``. ``batch_size=None`` uses all data; ``anchor_steps > 0`` asks for
    control variates (see ``gradients.py``). ``num_warmup`` steps are run and discarded.
    Raises ``ValueError`` for steps or rates that are not positive and finite.

    >>> underdamped(0.01, friction=2.0).name
    'underdamped'
    """
    check_positive(step_size=step_size, friction=friction)
    check_count(num_warmup=num_warmup, num_steps_per_draw=num_steps_per_draw)
    check_gradient_options(batch_size, anchor_steps)

    def kernel(target: Target, anchor: Anchor | None) -> Kernel:
        def step(key: Key, state: LangevinState) -> tuple[LangevinState, Info]:
            return baoab(key, target, state, step_size, friction, 1.0, batch_size, anchor)

        return Kernel(_with_momentum, step, lambda state: state.position)

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, Anchor | None]:
        check_batch(batch_size, target.data)
        anchor = find_anchor(target, position, anchor_steps)
        return burn_in(key, kernel(target, anchor), position, num_warmup).position, anchor

    law = "the posterior, biased by the step as h^2 (not at all on a quadratic) and by minibatch noise as h"
    return Sampler(
        "underdamped", law, "Leimkuhler and Matthews 2013, BAOAB", warmup, kernel, num_steps_per_draw
    )


@cache
def sghmc(
    step_size: float,
    friction: float = 1.0,
    num_integration_steps: int = 10,
    batch_size: int | None = 32,
    anchor_steps: int = 0,
    num_warmup: int = 100,
    num_steps_per_draw: int = 1,
) -> Sampler:
    """Stochastic-gradient HMC: trajectories with friction, each from a fresh momentum.

    A transition draws ``p ~ N(0, I)``, takes ``num_integration_steps`` steps, the first
    with half a kick, and drops the momentum: BAOAB at both ends. The redraw makes the
    law of the positions depend on ``h`` by ``O(h^2)`` even on a quadratic. Options and
    errors are those of :func:`underdamped`; statistics are taken where a trajectory starts.

    >>> sghmc(0.01, batch_size=None).name
    'sghmc'
    """
    check_positive(step_size=step_size, friction=friction)
    check_count(num_integration_steps=num_integration_steps)
    check_count(num_warmup=num_warmup, num_steps_per_draw=num_steps_per_draw)
    check_gradient_options(batch_size, anchor_steps)

    def kernel(target: Target, anchor: Anchor | None) -> Kernel:
        def step(key: Key, position: Params) -> tuple[Params, Info]:
            key_momentum, key_steps = jax.random.split(key)

            def advance(state: LangevinState, now: tuple[Key, Array]) -> tuple[LangevinState, Info]:
                key, kick = now
                return baoab(key, target, state, step_size, friction, kick, batch_size, anchor)

            keys = jax.random.split(key_steps, num_integration_steps)
            kicks = jnp.where(jnp.arange(num_integration_steps) == 0, 0.5, 1.0)
            state, stats = jax.lax.scan(advance, _with_momentum(key_momentum, position), (keys, kicks))
            return state.position, jax.tree.map(lambda values: values[0], stats)

        return Kernel(lambda key, position: position, step, lambda position: position)

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, Anchor | None]:
        check_batch(batch_size, target.data)
        anchor = find_anchor(target, position, anchor_steps)
        return burn_in(key, kernel(target, anchor), position, num_warmup), anchor

    law = "the posterior, biased by the step as h^2 and by minibatch noise as h"
    citation = "Chen, Fox and Guestrin 2014; Leimkuhler and Matthews 2013"
    return Sampler("sghmc", law, citation, warmup, kernel, num_steps_per_draw)


def baoab(
    key: Key,
    target: Target,
    state: LangevinState,
    step_size: float,
    friction: float,
    kick: float | Array,
    batch_size: int | None,
    anchor: Anchor | None,
) -> tuple[LangevinState, Info]:
    """One step: a kick of ``kick`` times ``step_size``, half a drift, friction and noise, half a drift."""
    key_batch, key_noise = jax.random.split(key)
    position, momentum = state
    gradient = estimated_gradient(key_batch, target, position, batch_size, anchor)
    noise = generate_gaussian_noise(key_noise, momentum)
    keep = math.exp(-friction * step_size)
    noise_scale = math.sqrt(-math.expm1(-2 * friction * step_size))
    kicked = optax.tree.add_scale(momentum, kick * step_size, gradient)
    middle = optax.tree.add_scale(position, step_size / 2, kicked)
    momentum = jax.tree.map(lambda p, xi: keep * p + noise_scale * xi, kicked, noise)
    end = optax.tree.add_scale(middle, step_size / 2, momentum)
    stats = gradient_statistics(position, gradient, step_size)
    return LangevinState(end, momentum), stats


def _with_momentum(key: Key, position: Params) -> LangevinState:
    return LangevinState(position, generate_gaussian_noise(key, position))
