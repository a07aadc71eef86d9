r"""Elliptical slice sampling of the zero-one posterior, by chains that start where training ends.

.. math:: p(\theta) \propto \pi(\theta)\, [\text{errors}(\theta) = 0]

A chain needs a first network that fits. Gradient descent on the loss finds one, from a draw of the
prior; then the slice is the set of networks that fit, and an angle on the ellipse is refused
exactly where a training label is wrong. So chains start over-dispersed, and far from the law if
training ends far from it: that they agree with populations that come down from the prior
(:func:`level_smc`) is no accident.

Law: the prior given zero training errors, exactly invariant; ``beta`` plays no part.

Source: Murray, Adams and MacKay 2010, figure 2.
"""

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp

from .elliptical import CITATION, elliptical_kernel
from .kernel import Kernel, Sampler
from .options import check_count, check_positive
from .target import Key, Params, Target, loss, training_errors

type Array = jax.Array


@cache
def zero_one_slice(
    num_warmup: int = 1000,
    num_steps_per_draw: int = 10,
    learning_rate: float = 0.1,
    most_descent_steps: int = 20_000,
) -> Sampler:
    """Elliptical slice sampling within the networks that fit, after a descent to one of them.

    A chain whose descent does not fit within ``most_descent_steps`` accepts anything until it fits:
    ``train_error`` of its draws shows it. Raises ``ValueError`` for counts below one and a learning
    rate that is not positive and finite; when a kernel is built, for a prior that is not a centred Gaussian
    or a likelihood without labels.

    >>> zero_one_slice().law
    'the prior given zero training errors'
    """
    check_count(
        num_warmup=num_warmup, num_steps_per_draw=num_steps_per_draw, most_descent_steps=most_descent_steps
    )
    check_positive(learning_rate=learning_rate)

    def kernel(target: Target, tuning: Any) -> Kernel:
        return elliptical_kernel(target, partial(_log_fits, target))

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, Any]:
        transition = kernel(target, ())
        key_init, key_steps = jax.random.split(key)
        state = transition.init(key_init, _descend(target, position, learning_rate, most_descent_steps))

        def step(t: Array, state: Any) -> Any:
            return transition.step(jax.random.fold_in(key_steps, t), state)[0]

        return transition.position(jax.lax.fori_loop(0, num_warmup, step, state)), ()

    return Sampler(
        "zero_one_slice", "the prior given zero training errors", CITATION, warmup, kernel, num_steps_per_draw
    )


def _log_fits(target: Target, params: Params) -> Array:
    """Log of the zero-one likelihood."""
    return jnp.where(training_errors(target, params) == 0, 0.0, -jnp.inf)


def _descend(target: Target, position: Params, learning_rate: float, most_steps: int) -> Params:
    """Gradient descent on the loss until no training label is wrong."""

    def unfinished(carry: tuple[Array, Params]) -> Array:
        return (carry[0] < most_steps) & (training_errors(target, carry[1]) > 0)

    def step(carry: tuple[Array, Params]) -> tuple[Array, Params]:
        slope = jax.grad(partial(loss, target))(carry[1])
        return carry[0] + 1, jax.tree.map(lambda x, g: x - learning_rate * g, carry[1], slope)

    return jax.lax.while_loop(unfinished, step, (jnp.asarray(0), position))[1]
