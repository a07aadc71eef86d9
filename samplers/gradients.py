r"""Minibatch estimates of the gradient of the logdensity, unbiased.

.. math::

    \hat g_B(\theta) &= \nabla \log\pi(\theta)
        + \beta \frac{N}{|B|} \sum_{i \in B} \nabla \log p(y_i \mid x_i, \theta)
        && \text{plain} \\
    \tilde g_B(\theta) &= \hat g_B(\theta) - \hat g_B(\hat\theta) + g(\hat\theta)
        && \text{control variate}

``B`` is drawn with replacement, ``g`` uses all data, and ``theta-hat`` is a mode found once,
in warm-up. Near it the control variate removes the noise that does not depend on
``theta``: the remaining variance falls with the squared distance. Far from it, in another
mode of a network say, it *adds* noise.

Source: Baker, Fearnhead, Fox and Nemeth 2019, section 3.1, equation 6.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from .kernel import Info
from .mode import find_mode
from .options import check_count
from .target import Data, Key, Params, Target, draw_batch, logdensity
from .temperature import virial

type Array = jax.Array

ANCHOR_LEARNING_RATE = 0.01


class Anchor(NamedTuple):
    """A point, and the gradient of the logdensity over all data there."""

    params: Params
    gradient: Params


def find_anchor(target: Target, start: Params, num_steps: int) -> Anchor | None:
    """The anchor of control variates, by ``num_steps`` of Adam; ``None``, plain gradients, for 0."""
    if num_steps == 0:
        return None
    mode = find_mode(target, start, num_steps, ANCHOR_LEARNING_RATE)
    return Anchor(mode, _gradient(target, mode, target.data))


def estimated_gradient(
    key: Key, target: Target, params: Params, batch_size: int | None, anchor: Anchor | None = None
) -> Params:
    """An unbiased estimate of the gradient of the logdensity, nats; exact for ``batch_size=None``.

    >>> from samplers.target import Target
    >>> import jax.numpy as jnp
    >>> data = jnp.array([1.0, 2.0, 6.0])
    >>> target = Target(lambda t: -0.5 * t**2, lambda t, y: -0.5 * (y - t) ** 2, None,
    ...                 lambda key: jnp.zeros(()), data, jnp.asarray(3.0), jnp.asarray(1.0), None)
    >>> float(estimated_gradient(jax.random.key(0), target, jnp.asarray(1.0), None))  # 0 + 1 + 5 - 1
    5.0
    >>> anchor = find_anchor(target, jnp.asarray(0.0), 1)
    >>> round(float(estimated_gradient(jax.random.key(0), target, jnp.asarray(1.0), 1, anchor)), 5)
    5.0
    """
    batch = draw_batch(key, target.data, batch_size)
    gradient = _gradient(target, params, batch)
    if anchor is None or batch_size is None:
        return gradient
    at_anchor = _gradient(target, anchor.params, batch)
    return jax.tree.map(lambda g, a, full: g - a + full, gradient, at_anchor, anchor.gradient)


def gradient_statistics(params: Params, gradient: Params, step_size: float | Array) -> Info:
    """What every stochastic-gradient sampler reports about a step taken from ``params``.

    ``configurational_temperature``, by the estimated gradient (``sample`` records that of
    all data in its place); ``grad_norm``, the estimate's
    Euclidean norm, nats per unit of parameter; ``step_size``; ``diverging``, true once
    the gradient is not finite.
    """
    grad_norm = optax.tree.norm(gradient)
    return {
        "configurational_temperature": virial(params, gradient),
        "grad_norm": grad_norm,
        "step_size": jnp.asarray(step_size, grad_norm.dtype),
        "diverging": ~jnp.isfinite(grad_norm),
    }


def check_gradient_options(batch_size: int | None, anchor_steps: int) -> None:
    """Raises ``ValueError`` for options that no estimate has."""
    if batch_size is not None:
        check_count(batch_size=batch_size)
    if anchor_steps < 0:
        raise ValueError(f"anchor_steps must not be negative, got {anchor_steps}: 0 means plain gradients")
    if anchor_steps:
        check_count(anchor_steps=anchor_steps)
    if anchor_steps and batch_size is None:
        raise ValueError(
            f"anchor_steps = {anchor_steps} asks for control variates, but batch_size is None: "
            "gradients over all data have no noise to remove; give a batch_size or anchor_steps=0"
        )


def _gradient(target: Target, params: Params, batch: Data) -> Params:
    return jax.grad(lambda p: logdensity(target, p, batch))(params)
