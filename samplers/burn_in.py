"""Warm-up without tuning: run the kernel itself and forget where it has been.

Unadjusted samplers have no acceptance rate to tune by; what they need before the first
recorded draw is time to reach their stationary law from an over-dispersed start.
"""

import jax

from .kernel import Kernel, State
from .target import Key, Params


def burn_in(key: Key, kernel: Kernel, position: Params, num_steps: int) -> State:
    """The state after ``num_steps`` transitions from ``position``; step ``t`` has key ``fold_in(key, t)``."""
    key_init, key_run = jax.random.split(key)

    def step(t: int, state: State) -> State:
        return kernel.step(jax.random.fold_in(key_run, t), state)[0]

    return jax.lax.fori_loop(0, num_steps, step, kernel.init(key_init, position))
