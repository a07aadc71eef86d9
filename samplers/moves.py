r"""How a population of particles moves within one stage of a bridge.

A population walks from the prior to the posterior over laws

.. math:: \pi_t(\theta) \propto \pi(\theta)\, g_t(\theta),

``g_t`` being a tempered likelihood or the indicator of a set. After each resampling the
particles are moved by a Markov kernel that leaves ``pi_t`` invariant. Step sizes are
tuned after every step to the mean acceptance over all particles: a particle's own past
then enters its tuning with weight ``1 / num_particles``, a bias of that order that
vanishes as populations grow.

Sources: Del Moral, Doucet and Jasra 2006, section 3.3; Buchholz, Chopin and Jacob 2021,
section 3 (tuning on the population); Neal 2011, section 5.4.2 (jittered step sizes).
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import blackjax
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from .kernel import Info, Kernel, State
from .options import check_count, check_share
from .target import Key, Params, Target

type Array = jax.Array
type LogFactor = Callable[[Params], Array]  # log g_t, () nats; -inf outside the set
# key, target, log factor, particles, steps of each -> particles, mean acceptance rate
type Sweep = Callable[[Key, Target, LogFactor, Params, int], tuple[Params, Array]]

LARGEST_STEP = 4.0  # in units of the particles' spread: nothing is gained beyond


class Tuning(NamedTuple):
    """What moves adapt: a step size in units of ``scale``, the spread of the particles."""

    step_size: Array  # ()
    scale: Params  # standard deviations, leaf by leaf


class Moves(NamedTuple):
    """A Markov kernel for every particle at every stage.

    ``kernel`` maps ``(target, log_factor, tuning)`` to a kernel that leaves
    ``pi(theta) g(theta)`` invariant and reports ``acceptance_rate``. ``check`` raises
    ``ValueError`` for a target whose prior the moves cannot serve. ``block`` particles take a step
    together. ``sweep`` makes the steps of all particles together where that is cheaper than step by
    step: the same law, nothing tuned.
    """

    name: str
    citation: str
    kernel: Callable[[Target, LogFactor, Tuning], Kernel]
    num_steps: int  # after each resampling
    first_step_size: Callable[[int], float]  # of the number of parameters
    target_acceptance_rate: float | None = None  # None: nothing to tune
    needs_gradient: bool = False
    block: int | None = None  # all
    check: Callable[[Target], None] = lambda target: None
    sweep: Sweep | None = None


def first_tuning(moves: Moves, particles: Params) -> Tuning:
    """The tuning before the first stage, from particles ``(particle, ...)`` of the prior."""
    num_parameters = sum(leaf[0].size for leaf in jax.tree.leaves(particles))
    return Tuning(jnp.asarray(moves.first_step_size(num_parameters)), spread(particles))


def spread(particles: Params) -> Params:
    """Standard deviation of every parameter over the particles, never zero."""
    return jax.tree.map(lambda leaf: jnp.maximum(jnp.std(leaf, axis=0), 1e-6), particles)


def move_particles(
    key: Key, moves: Moves, target: Target, log_factor: LogFactor, tuning: Tuning, particles: Params
) -> tuple[Params, Tuning, Array]:
    """``num_steps`` steps of every particle; new particles, tuning and mean acceptance."""
    if moves.sweep is not None:
        moved, rate = moves.sweep(key, target, log_factor, particles, moves.num_steps)
        return moved, tuning, rate
    num_particles = jax.tree.leaves(particles)[0].shape[0]
    tuning = tuning._replace(scale=spread(particles))
    key_init, key_steps = jax.random.split(key)

    def begin(key: Key, position: Params) -> State:
        return moves.kernel(target, log_factor, tuning).init(key, position)

    def step(carry: tuple[State, Array], key: Key) -> tuple[tuple[State, Array], Array]:
        states, step_size = carry
        kernel = moves.kernel(target, log_factor, tuning._replace(step_size=step_size))
        states, info = _each(kernel.step, moves.block, jax.random.split(key, num_particles), states)
        rate = jnp.mean(info["acceptance_rate"])
        if moves.target_acceptance_rate is not None:
            step_size = step_size * jnp.exp(rate - moves.target_acceptance_rate)
        return (states, jnp.minimum(step_size, LARGEST_STEP)), rate

    states = jax.vmap(begin)(jax.random.split(key_init, num_particles), particles)
    keys = jax.random.split(key_steps, moves.num_steps)
    (states, step_size), rates = jax.lax.scan(step, (states, tuning.step_size), keys)
    kernel = moves.kernel(target, log_factor, tuning)
    return jax.vmap(kernel.position)(states), tuning._replace(step_size=step_size), jnp.mean(rates)


def _each(
    step: Callable[[Key, State], tuple[State, Info]], block: int | None, keys: Key, states: State
) -> tuple[State, Info]:
    """A step of every particle, a block at a time."""
    if block is None or block >= keys.shape[0]:
        return jax.vmap(step)(keys, states)
    found: tuple[State, Info] = jax.lax.map(lambda one: step(*one), (keys, states), batch_size=block)
    return found


@cache
def hmc_moves(
    num_steps: int = 5,
    num_integration_steps: int = 10,
    target_acceptance_rate: float = 0.8,
    block: int | None = None,
) -> Moves:
    """Hamiltonian moves: diagonal mass from the particles' spread, jittered step size.

    ``block`` particles advance together, all of them unless given: a divisor of their number whose
    activations fit a core's cache saves a fifth of the time on images, and costs some on the tiniest
    networks. Needs a log factor with a useful gradient. Raises ``ValueError`` for counts below one and
    for a rate outside 0 to 1.

    >>> hmc_moves().needs_gradient
    True
    """
    check_count(num_steps=num_steps, num_integration_steps=num_integration_steps)
    if block is not None:
        check_count(block=block)
    check_share(target_acceptance_rate=target_acceptance_rate)

    def kernel(target: Target, log_factor: LogFactor, tuning: Tuning) -> Kernel:
        def logp(position: Params) -> Array:
            return target.log_prior(position) + log_factor(position)

        transition = blackjax.hmc.build_kernel()
        inverse_mass = ravel_pytree(jax.tree.map(jnp.square, tuning.scale))[0]

        def step(key: Key, state: State) -> tuple[State, Info]:
            key_jitter, key_step = jax.random.split(key)
            step_size = tuning.step_size * jax.random.uniform(key_jitter, minval=0.8, maxval=1.2)
            state, info = transition(key_step, state, logp, step_size, inverse_mass, num_integration_steps)
            return state, {"acceptance_rate": info.acceptance_rate}

        return Kernel(lambda key, position: blackjax.hmc.init(position, logp), step, lambda s: s.position)

    return Moves(
        "hmc",
        "Duane et al. 1987; Buchholz, Chopin and Jacob 2021",
        kernel,
        num_steps,
        first_step_size=lambda num_parameters: 0.5 * num_parameters**-0.25,
        target_acceptance_rate=target_acceptance_rate,
        needs_gradient=True,
        block=block,
    )
