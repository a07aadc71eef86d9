r"""The highest point of the logdensity that an optimiser reaches from a start.

.. math:: \hat\theta = \arg\max_\theta \log \pi(\theta) - \beta N L(\theta)

Used inside warm-ups: the anchor of control variates, the centre of Laplace, the start of
variational inference. Adam on all data, its learning rate falling to zero along a cosine.
In a network the mode found is one of many, and depends on the start.

Sources: Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2017, equation 5.
"""

import jax
import optax

from .target import Params, Target, logdensity


def find_mode(target: Target, start: Params, num_steps: int, learning_rate: float) -> Params:
    """The position after ``num_steps`` steps of Adam up the logdensity, all data at every step.

    >>> from samplers.target import Target
    >>> import jax.numpy as jnp
    >>> bowl = Target(lambda t: -0.5 * (t - 3.0) ** 2, lambda t, data: 0.0 * data, None,
    ...               lambda key: jnp.zeros(()), jnp.zeros(1), jnp.ones(()), jnp.ones(()), None)
    >>> round(float(find_mode(bowl, jnp.zeros(()), 500, 0.1)), 3)
    3.0
    """
    transform = optax.adam(optax.cosine_decay_schedule(learning_rate, num_steps))

    def step(carry: tuple[Params, optax.OptState], _: None) -> tuple[tuple[Params, optax.OptState], None]:
        params, state = carry
        gradient = jax.grad(lambda p: -logdensity(target, p) / target.num_data)(params)
        updates, state = transform.update(gradient, state, params)
        return (optax.apply_updates(params, updates), state), None

    (mode, _), _ = jax.lax.scan(step, (start, transform.init(start)), length=num_steps)
    return mode
