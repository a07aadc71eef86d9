r"""SWAG: a Gaussian with the first two moments of SGD's own iterates.

.. math::

    \theta = \bar\theta + \tfrac{1}{\sqrt2} \Sigma_{diag}^{1/2} z_1
        + \tfrac{1}{\sqrt{2 (K - 1)}} D z_2, \qquad
    \Sigma_{diag} = \tfrac1T \sum_t (\theta_t - \bar\theta)^2

over ``T`` snapshots of SGD at a constant learning rate; the columns of ``D`` are the last ``K``
snapshots, each less the mean of all snapshots up to it.

Law: that Gaussian, drawn from independently. It is centred near a mode, and its width is
that of SGD's stationary law, not of the posterior: on a quadratic the iterates' covariance
``S`` solves ``S = (I - e H) S (I - e H)' + e^2 C / B``, which depends on learning rate and
batch size and equals the posterior's covariance only if they are chosen so (Mandt et al.
2017, section 4). Half of every covariance between parameters is dropped, and all of it
beyond rank ``K``.

Source: Maddox et al. 2019, equation 1 and algorithm 1.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from .independent import independent_draws
from .kernel import Sampler
from .options import check_batch, check_count, check_positive
from .sgd import optimiser
from .target import Key, Params, Target

type Array = jax.Array


class Moments(NamedTuple):
    mean: Params
    variance: Array  # (d,)
    deviations: Array  # (K, d)


@cache
def swag(
    learning_rate: float,
    batch_size: int | None = 32,
    num_training_steps: int = 2000,
    num_snapshots: int = 100,
    steps_per_snapshot: int = 20,
    rank: int = 20,
    momentum: float = 0.9,
) -> Sampler:
    """SWAG along SGD on the objective with its prior, ``L - log pi / (beta N)``.

    SGD runs ``num_training_steps`` steps from the start, then takes a snapshot every
    ``steps_per_snapshot`` steps; ``rank`` is ``K``. Raises ``ValueError`` for a learning rate
    that is not positive, counts below one, a momentum outside [0, 1), and a rank below
    2 or above the number of snapshots.

    >>> swag(0.05).name
    'swag'
    """
    check_positive(learning_rate=learning_rate)
    check_count(
        num_training_steps=num_training_steps,
        num_snapshots=num_snapshots,
        steps_per_snapshot=steps_per_snapshot,
    )
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must lie in [0, 1), got {momentum}")
    if not 2 <= rank <= num_snapshots:
        raise ValueError(
            f"rank must be at least 2 and at most num_snapshots = {num_snapshots}, got {rank}: "
            "the deviations kept are those of the last snapshots"
        )
    sgd = optimiser(optax.sgd(learning_rate, momentum=momentum), batch_size, prior_weight=1.0)

    def fit(key: Key, target: Target, position: Params) -> tuple[Params, Moments]:
        check_batch(batch_size, target.data)
        kernel = sgd.kernel(target, ())
        key_init, key_training, key_snapshots = jax.random.split(key, 3)
        flat, unravel = ravel_pytree(position)
        zero = jnp.zeros_like(flat)

        def advance(state: optax.OptState, key: Key) -> tuple[optax.OptState, None]:
            return kernel.step(key, state)[0], None

        def snapshot(
            carry: tuple[optax.OptState, Array, Array], now: tuple[Key, Array]
        ) -> tuple[tuple[optax.OptState, Array, Array], Array]:
            state, mean, spread = carry
            key, t = now
            state, _ = jax.lax.scan(advance, state, jax.random.split(key, steps_per_snapshot))
            theta = ravel_pytree(kernel.position(state))[0]
            after = mean + (theta - mean) / (t + 1)
            return (state, after, spread + (theta - mean) * (theta - after)), theta - after

        state = kernel.init(key_init, position)
        state, _ = jax.lax.scan(advance, state, jax.random.split(key_training, num_training_steps))
        keys = jax.random.split(key_snapshots, num_snapshots)
        (_, mean, spread), deviations = jax.lax.scan(
            snapshot, (state, zero, zero), (keys, jnp.arange(num_snapshots))
        )
        centre = unravel(mean)
        return centre, Moments(centre, spread / num_snapshots, deviations[-rank:])

    def draw(key: Key, fitted: Moments) -> Params:
        flat, unravel = ravel_pytree(fitted.mean)
        key_diagonal, key_low_rank = jax.random.split(key)
        diagonal = jnp.sqrt(fitted.variance / 2) * jax.random.normal(key_diagonal, flat.shape, flat.dtype)
        weights = jax.random.normal(key_low_rank, (rank,), flat.dtype) / jnp.sqrt(2 * (rank - 1))
        return unravel(flat + diagonal + weights @ fitted.deviations)

    law = "a Gaussian with the moments of SGD's iterates"
    return independent_draws("swag", law, "Maddox et al. 2019", fit, draw)
