r"""Elliptical slice sampling of a whole population, none waiting for the slowest.

Angles on an ellipse are tried one after another until one is accepted, so transitions take
unequal numbers of likelihood evaluations. Mapped over particles, each transition would wait
for the longest search among all. Here a turn of the loop evaluates the likelihood once for
every particle of a block: whoever accepts begins its next transition in the same turn, and
whoever has made all its transitions rests. Only the sums over transitions are waited for.

Law: every particle makes exactly ``num_moves`` transitions of ``elliptical.py``, whatever
their cost, so ``pi(theta) g(theta)`` stays exactly invariant.

Source: Murray, Adams and MacKay 2010, figure 2.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from .elliptical import (
    CITATION,
    MOST_SHRINKAGES,
    check_gaussian_prior,
    elliptical_kernel,
    gaussian_like,
    shrunk,
)
from .kernel import Kernel
from .moves import LogFactor, Moves, Tuning
from .options import check_count
from .target import Key, Params, Target

type Array = jax.Array

BLOCK = 64  # particles: their ellipses and activations together fit a core's cache
LONGEST = 16  # transitions whose ellipses are drawn at once


@cache
def elliptical_moves(num_steps: int = 10) -> Moves:
    """Elliptical slice moves of a population: no gradient, nothing to tune.

    >>> elliptical_moves().name
    'elliptical_slice'
    """
    check_count(num_steps=num_steps)

    def kernel(target: Target, log_factor: LogFactor, tuning: Tuning) -> Kernel:
        return elliptical_kernel(target, log_factor)

    return Moves(
        "elliptical_slice",
        CITATION,
        kernel,
        num_steps,
        lambda num_parameters: 1.0,
        check=check_gaussian_prior,
        sweep=elliptical_sweep,
    )


def elliptical_sweep(
    key: Key, target: Target, log_factor: LogFactor, particles: Params, num_moves: int
) -> tuple[Params, Array]:
    """``num_moves`` transitions of every particle ``(particle, ...)``; and the mean acceptance rate.

    The prior must be a centred Gaussian. A transition's acceptance rate is the share of its angles that
    were accepted: one over their number, or zero.

    >>> from models import Batch, bayesian_model, gaussian, gaussian_prior, mlp
    >>> from samplers import posterior
    >>> network = mlp([1, 1])
    >>> model = bayesian_model(network, gaussian_prior(network), gaussian(1.0))
    >>> target = posterior(model, Batch(jnp.ones((4, 1)), jnp.ones(4)), num_data=4)
    >>> start = jax.vmap(target.sample_prior)(jax.random.split(jax.random.key(0), 100))
    >>> _, rate = elliptical_sweep(jax.random.key(1), target, lambda params: jnp.zeros(()), start, 5)
    >>> float(rate)  # the prior itself: no angle is refused
    1.0
    """
    num_sweeps = -(-num_moves // LONGEST)
    sizes = [num_moves * (i + 1) // num_sweeps - num_moves * i // num_sweeps for i in range(num_sweeps)]
    rates = jnp.zeros(())
    for size, key_sweep in zip(sizes, jax.random.split(key, num_sweeps), strict=True):
        particles, rate = _sweep(key_sweep, target, log_factor, particles, size)
        rates += size / num_moves * rate
    return particles, rates


class _Lane(NamedTuple):
    """One particle in the middle of a search for an angle: the bracket always holds zero."""

    position: Array  # (d,)
    value: Array  # log factor there
    height: Array
    angle: Array
    low: Array
    high: Array
    tried: Array
    done: Array  # transitions made
    turn: Array  # evaluations in all
    rates: Array  # sum over transitions


def _sweep(
    key: Key, target: Target, log_factor: LogFactor, particles: Params, num_moves: int
) -> tuple[Params, Array]:
    num_particles = jax.tree.leaves(particles)[0].shape[0]
    num_blocks = -(-num_particles // BLOCK)
    size = -(-num_particles // num_blocks)
    unravel = ravel_pytree(jax.tree.map(lambda leaf: leaf[0], particles))[1]
    flat = jax.vmap(lambda one: ravel_pytree(one)[0])(particles)
    # the last block is filled up with copies of the first particles, later forgotten
    filled = flat[jnp.arange(num_blocks * size) % num_particles].reshape(num_blocks, size, -1)
    keys = jax.random.split(key, (num_blocks, size))

    def ellipses(key: Key) -> Array:
        draw = jax.vmap(lambda key: ravel_pytree(gaussian_like(key, target.prior_scale))[0])
        return draw(jax.random.split(key, num_moves))

    def begin(key: Key, lane: _Lane) -> _Lane:
        """The next transition, from where the lane stands."""
        key_height, key_angle = jax.random.split(key)
        angle = jax.random.uniform(key_angle, maxval=2 * jnp.pi)
        height = lane.value - jax.random.exponential(key_height)
        return lane._replace(
            height=height, angle=angle, low=angle - 2 * jnp.pi, high=angle, tried=lane.tried * 0
        )

    def turn(key: Key, momenta: Array, lane: _Lane) -> _Lane:
        key_next, key_angle = jax.random.split(jax.random.fold_in(key, lane.turn))
        momentum = momenta[jnp.minimum(lane.done, num_moves - 1)]
        position = lane.position * jnp.cos(lane.angle) + momentum * jnp.sin(lane.angle)
        value = log_factor(unravel(position))
        tried = lane.tried + 1
        found = value >= lane.height  # never for NaN
        ended = found | (tried >= MOST_SHRINKAGES)
        low, high = shrunk(lane.angle, lane.low, lane.high)
        angle = jax.random.uniform(key_angle, minval=low, maxval=high)
        onwards = lane._replace(angle=angle, low=low, high=high, tried=tried)
        there = lane._replace(
            position=jnp.where(found, position, lane.position),
            value=jnp.where(found, value, lane.value),
            done=lane.done + 1,
            rates=lane.rates + jnp.where(found, 1 / tried, 0.0),
        )
        new = jax.tree.map(lambda a, b: jnp.where(ended, a, b), begin(key_next, there), onwards)
        moved = jax.tree.map(lambda a, b: jnp.where(lane.done < num_moves, a, b), new, lane)
        return moved._replace(turn=lane.turn + 1)

    def block(args: tuple[Array, Key]) -> tuple[Array, Array]:
        positions, keys = args
        key_momenta, key_begin, key_turns = jnp.moveaxis(
            jax.vmap(lambda key: jax.random.split(key, 3))(keys), 1, 0
        )
        momenta = jax.vmap(ellipses)(key_momenta)

        def first(key: Key, position: Array) -> _Lane:
            zero, count = jnp.zeros(()), jnp.zeros((), int)
            value = log_factor(unravel(position))
            return begin(key, _Lane(position, value, zero, zero, zero, zero, count, count, count, zero))

        lanes = jax.lax.while_loop(
            lambda lanes: jnp.any(lanes.done < num_moves),
            lambda lanes: jax.vmap(turn)(key_turns, momenta, lanes),
            jax.vmap(first)(key_begin, positions),
        )
        return lanes.position, lanes.rates / num_moves

    positions, rates = jax.lax.map(block, (filled, keys))
    moved = positions.reshape(num_blocks * size, -1)[:num_particles]
    return jax.vmap(unravel)(moved), jnp.mean(rates.reshape(-1)[:num_particles])
