r"""Step sizes that change with time, for samplers without a Metropolis test.

.. math::

    \text{polynomial:}\quad \epsilon_t &= \epsilon\,(1 + t/\tau)^{-\gamma} \\
    \text{cyclical:}\quad \epsilon_t &= \tfrac{\epsilon}{2}
        \bigl(\cos(\pi r_t) + 1\bigr), \qquad r_t = \frac{t \bmod C}{C}

The cyclical one begins every cycle with large steps, and without noise while ``r`` is below
``exploration``: SGD that looks for another basin; the rest of the cycle samples it.

Sources: Welling and Teh 2011, section 4.1; Zhang et al. 2020, equation 1 and algorithm 1.
"""

import jax
import jax.numpy as jnp

type Array = jax.Array


def polynomial(step: Array, step_size: float, decay_power: float, decay_steps: int) -> Array:
    """The step size after ``step`` steps, ``()``; constant for ``decay_power=0``.

    >>> float(polynomial(jnp.asarray(300), 0.1, 0.5, 100))
    0.05000000074505806
    """
    return step_size * (1 + step / decay_steps) ** -decay_power


def cyclical(step: Array, step_size: float, cycle_steps: int, exploration: float) -> tuple[Array, Array]:
    """The step size and the temperature of the noise, 0 or 1, after ``step`` steps.

    >>> epsilon, temperature = cyclical(jnp.asarray([0, 5, 10]), 0.2, 10, 0.25)
    >>> epsilon.round(3).tolist(), temperature.tolist()
    ([0.20000000298023224, 0.10000000149011612, 0.20000000298023224], [0.0, 1.0, 0.0])
    """
    position = (step % cycle_steps) / cycle_steps
    epsilon = 0.5 * step_size * (jnp.cos(jnp.pi * position) + 1)
    return epsilon, jnp.where(position < exploration, 0.0, 1.0)
