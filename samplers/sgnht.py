r"""The stochastic gradient Nose-Hoover thermostat, by the splitting scheme BADODAB.

.. math::

    d\theta = p\,dt, \qquad
    dp = -\hat\nabla U(\theta)\,dt - \xi p\,dt + \sqrt{2A}\,dW, \qquad
    d\xi = \frac1\mu \Bigl(\frac{|p|^2}{d} - 1\Bigr) dt

The friction ``xi`` is a variable: it grows while the momenta are too hot, so that minibatch
noise of unknown size is absorbed. One step of size ``h``, half kicks merged:

.. math::

    B:&\ p \leftarrow p - h\,\hat\nabla U(\theta) \qquad
    A:\ \theta \leftarrow \theta + \tfrac h2 p \qquad
    D:\ \xi \leftarrow \xi + \tfrac{h}{2\mu} \bigl(\tfrac{|p|^2}{d} - 1\bigr) \\
    O:&\ p \leftarrow e^{-\xi h} p + \sqrt{A\,(1 - e^{-2 \xi h}) / \xi}\;\eta
    \qquad \text{then D and A again}

Law: the posterior, ``N(0, I)`` in ``p`` and ``N(A + h s^2 / 2, 1 / (mu d))`` in ``xi``, up to
``O(h^2)``, if the gradient noise has the covariance ``s^2 I``, the same everywhere. Noise
that differs between directions is absorbed on average only: directions with more of it
stay too hot, others too cold. At any step size the momenta at D have on average exactly
``|p|^2 = d``, since ``xi`` is stationary. As ``mu`` grows ``xi`` freezes and the law tends to
that of BAOAB with this friction (``langevin.py``).

Sources: Ding et al. 2014, algorithm 1 (there an Euler scheme); Leimkuhler and Shang 2016,
section 3 (BADODAB).
"""

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


class ThermostatState(NamedTuple):
    position: Params
    momentum: Params  # just before the merged kick
    friction: Array  # xi, ()


class ThermostatTuning(NamedTuple):
    anchor: Anchor | None
    friction: Array  # where warm-up left xi


@cache
def sgnht(
    step_size: float,
    friction: float = 1.0,
    thermostat_mass: float = 1.0,
    batch_size: int | None = 32,
    anchor_steps: int = 0,
    num_warmup: int = 1000,
    num_steps_per_draw: int = 1,
) -> Sampler:
    """Langevin dynamics whose friction adapts to the gradient noise.

    ``step_size`` is a time ``h``; ``friction`` the rate ``A`` of the noise added, at
    which ``xi`` starts; ``thermostat_mass`` is ``mu``. ``batch_size=None`` uses all
    data, ``anchor_steps > 0`` control variates. Info adds ``thermostat_friction`` and
    ``kinetic_temperature``, ``|p|^2 / d`` as the thermostat saw it. Raises
    ``ValueError`` for numbers that are not positive and finite.

    >>> sgnht(0.01).name
    'sgnht'
    """
    check_positive(step_size=step_size, friction=friction, thermostat_mass=thermostat_mass)
    check_count(num_warmup=num_warmup, num_steps_per_draw=num_steps_per_draw)
    check_gradient_options(batch_size, anchor_steps)

    def kernel(target: Target, tuning: ThermostatTuning) -> Kernel:
        def init(key: Key, position: Params) -> ThermostatState:
            return ThermostatState(position, generate_gaussian_noise(key, position), tuning.friction)

        def step(key: Key, state: ThermostatState) -> tuple[ThermostatState, Info]:
            key_batch, key_noise = jax.random.split(key)
            gradient = estimated_gradient(key_batch, target, state.position, batch_size, tuning.anchor)
            p = optax.tree.add_scale(state.momentum, step_size, gradient)
            middle = optax.tree.add_scale(state.position, step_size / 2, p)
            first = _kinetic_temperature(p)
            xi = state.friction + step_size / (2 * thermostat_mass) * (first - 1)
            keep, spread = jnp.exp(-xi * step_size), _noise_scale(xi, friction, step_size)
            noise = generate_gaussian_noise(key_noise, p)
            p = jax.tree.map(lambda leaf, eta: keep * leaf + spread * eta, p, noise)
            second = _kinetic_temperature(p)
            xi = xi + step_size / (2 * thermostat_mass) * (second - 1)
            info = gradient_statistics(state.position, gradient, step_size)
            info |= {"thermostat_friction": xi, "kinetic_temperature": (first + second) / 2}
            return ThermostatState(optax.tree.add_scale(middle, step_size / 2, p), p, xi), info

        return Kernel(init, step, lambda state: state.position)

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, ThermostatTuning]:
        check_batch(batch_size, target.data)
        tuning = ThermostatTuning(find_anchor(target, position, anchor_steps), jnp.asarray(float(friction)))
        state = burn_in(key, kernel(target, tuning), position, num_warmup)
        return state.position, tuning._replace(friction=state.friction)

    law = "the posterior, biased by the step as h^2 and by minibatch noise that differs between directions"
    citation = "Ding et al. 2014; Leimkuhler and Shang 2016"
    return Sampler("sgnht", law, citation, warmup, kernel, num_steps_per_draw)


def _kinetic_temperature(momentum: Params) -> Array:
    return optax.tree.norm(momentum, squared=True) / optax.tree.size(momentum)


def _noise_scale(xi: Array, friction: float, step_size: float) -> Array:
    """``sqrt(A (1 - exp(-2 xi h)) / xi)``, with its limit ``sqrt(2 A h)`` at ``xi = 0``."""
    exponent = 2 * step_size * xi
    safe = jnp.where(jnp.abs(exponent) < 1e-4, 1.0, exponent)
    ratio = jnp.where(jnp.abs(exponent) < 1e-4, 1 - exponent / 2, -jnp.expm1(-safe) / safe)
    return jnp.sqrt(2 * friction * step_size * ratio)
