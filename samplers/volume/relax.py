r"""Down from any network to the minimum of the loss beneath it.

Adam on all data, with a step that falls to zero along a cosine, on the loss alone: the learning
coefficient is that of a minimum, and draws of a posterior and endpoints of minibatch training
are none. The lowest point passed is what is returned, so the loss never rises. Where the
minimum lies at infinity, as for labels that can be fitted without error, the way ends at
``enough`` nats per datum.

Source: Kingma and Ba 2015 (Adam).
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from ..options import check_count, check_positive
from ..target import Params, Target, loss

type Array = jax.Array


def relaxed(
    target: Target,
    params: Params,
    *,
    num_steps: int = 4000,
    learning_rate: float = 0.01,
    enough: float = 1e-4,
) -> Params:
    """The networks ``(network, ...)`` lowered to minima of the loss, each on its own.

    Raises ``ValueError`` for a count below one and numbers that are not positive.

    >>> bowl = Target(lambda t: -0.5 * jnp.sum(t**2), lambda t, data: -0.5 * jnp.sum((t - 2) ** 2) + 0 * data,
    ...               None, lambda key: jnp.zeros(2), jnp.zeros(1), jnp.ones(()), jnp.ones(()), jnp.ones(2))
    >>> found = relaxed(bowl, jnp.array([[1.0, 3.0]]), enough=1e-12)
    >>> bool(jnp.allclose(found, 2.0, atol=1e-5))
    True
    """
    check_count(num_steps=num_steps)
    check_positive(learning_rate=learning_rate, enough=enough)
    return _relaxed(target, params, jnp.asarray(learning_rate), jnp.asarray(enough), num_steps)


@partial(jax.jit, static_argnames=("num_steps",))
def _relaxed(target: Target, params: Params, learning_rate: Array, enough: Array, num_steps: int) -> Params:
    rule = optax.scale_by_adam()

    def lower(start: Params) -> Params:
        def go_on(carry: tuple[Array, Params, optax.OptState, Params, Array]) -> Array:
            step, _, _, _, lowest = carry
            return (step <= num_steps) & (lowest > enough)

        def step(
            carry: tuple[Array, Params, optax.OptState, Params, Array],
        ) -> tuple[Array, Params, optax.OptState, Params, Array]:
            i, here, state, best, lowest = carry
            value, slope = jax.value_and_grad(partial(loss, target))(here)
            better = value < lowest
            best = jax.tree.map(lambda new, old: jnp.where(better, new, old), here, best)
            size = learning_rate * (1 + jnp.cos(jnp.pi * i / num_steps)) / 2
            direction, state = rule.update(slope, state)
            here = jax.tree.map(lambda p, d: p - size * d, here, direction)
            return i + 1, here, state, best, jnp.where(better, value, lowest)

        first = (jnp.zeros((), int), start, rule.init(start), start, loss(target, start))
        return jax.lax.while_loop(go_on, step, first)[3]

    return jax.lax.map(lower, params)
