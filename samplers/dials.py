r"""Optimisers whose settings are data: many settings, one compilation.

.. math::

    \theta_0 &= c\,\theta_\pi, \qquad \theta_\pi \sim \text{the start's law} \\
    g_t &= \nabla \Bigl( \textstyle\sum_i v_{ti}\, \ell_i(\theta_t) - \frac{w}{\beta N} \log \pi(\theta_t)
        \Bigr), \qquad \theta_{t+1} = \theta_t + \eta\, u(g_1, \dots, g_t)

The dials ``eta``, batch size, ``w`` and ``c`` travel with the data, so that a design over them
compiles once for each optimiser ``u`` (of optax, at learning rate one). A minibatch of ``B`` of the
``n`` rows drawn with replacement gives row ``i`` the weight ``v_i`` = times drawn ``/ B``; with
``B = 0`` all data are used, ``v_i = 1/n``. Every step looks at all rows, so this is for small data.

Law: as for :func:`.sgd.optimiser`, not known in general.
"""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from .kernel import Info, Kernel, Sampler
from .sgd import OptimiserState
from .target import Key, Params, Target

type Array = jax.Array

ADAM = optax.scale_by_adam()  # its direction, for steps whose learning rate is data
TRANSFORMS = {
    "sgd": lambda: optax.sgd(1.0),
    "momentum": lambda: optax.sgd(1.0, momentum=0.9),
    "adam": lambda: optax.adam(1.0),
}


class Dialled(NamedTuple):
    """Labelled examples with the settings of the optimiser, repeated for every row."""

    inputs: Array  # (n, d_in)
    targets: Array  # (n,)
    learning_rate: Array  # (n,)
    batch_size: Array  # (n,) 0: all data
    prior_weight: Array  # (n,)
    start_scale: Array  # (n,) factor on the start


def dialled(
    inputs: Array,
    targets: Array,
    *,
    learning_rate: float,
    batch_size: int | None = None,
    prior_weight: float = 0.0,
    start_scale: float = 1.0,
) -> Dialled:
    """Data with dials. Raises ``ValueError`` for settings that no optimiser has.

    >>> dialled(jnp.ones((3, 2)), jnp.ones(3, int), learning_rate=0.1).learning_rate.shape
    (3,)
    """
    num = len(targets)
    for name, value in {"learning_rate": learning_rate, "start_scale": start_scale}.items():
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} must be positive and finite, got {value}")
    if not 0 <= prior_weight < float("inf"):
        raise ValueError(f"prior_weight must be finite and not negative, got {prior_weight}")
    if batch_size is not None and not 1 <= batch_size <= num:
        raise ValueError(f"batch_size must be from 1 to the {num} training rows, got {batch_size}")
    settings = (learning_rate, float(batch_size or 0), prior_weight, start_scale)
    return Dialled(inputs, targets, *(jnp.full(num, value) for value in settings))


@cache
def dialled_optimiser(name: str) -> Sampler:
    """The optimiser ``sgd``, ``momentum`` or ``adam`` for a target whose data are :class:`Dialled`.

    Raises ``ValueError`` for any other name.

    >>> dialled_optimiser("adam").name
    'adam'
    """
    if name not in TRANSFORMS:
        raise ValueError(f"the optimiser must be one of {', '.join(TRANSFORMS)}, got {name!r}")
    transform = TRANSFORMS[name]()

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, Any]:
        return jax.tree.map(lambda leaf: target.data.start_scale[0] * leaf, position), ()

    def kernel(target: Target, tuning: Any) -> Kernel:
        data = target.data

        def init(key: Key, position: Params) -> OptimiserState:
            return OptimiserState(position, transform.init(position))

        def step(key: Key, state: OptimiserState) -> tuple[OptimiserState, Info]:
            weights = row_weights(key, data.batch_size[0], len(data.targets), len(data.targets))

            def objective(params: Params) -> Array:
                risk = -jnp.sum(weights * target.log_likelihood(params, data))
                pull = data.prior_weight[0] / (target.beta * target.num_data)
                return risk - pull * target.log_prior(params)

            value, gradient = jax.value_and_grad(objective)(state.params)
            updates, optimiser = transform.update(gradient, state.optimiser, state.params)
            updates = jax.tree.map(lambda leaf: data.learning_rate[0] * leaf, updates)
            stats = {
                "objective": value,
                "grad_norm": optax.tree.norm(gradient),
                "diverging": ~jnp.isfinite(value),
            }
            if target.errors is not None:  # of all data: proof enough that the network does not fit
                stats["batch_errors"] = jnp.any(target.errors(state.params, data))
            return OptimiserState(optax.apply_updates(state.params, updates), optimiser), stats

        return Kernel(init, step, lambda state: state.params)

    return Sampler(name, "not known in general: the question of this project", "", warmup, kernel)


def row_weights(key: Key, batch_size: Array, num_rows: Array | int, room: int) -> Array:
    """How much each row counts in a minibatch, ``(room,)``, summing to one.

    Rows beyond the first ``num_rows`` count nothing. Batches are of ``room`` at most.

    >>> row_weights(jax.random.key(0), jnp.asarray(0.0), 4, 5).tolist()
    [0.25, 0.25, 0.25, 0.25, 0.0]
    """
    rows = jax.random.randint(key, (room,), 0, num_rows)
    counted = (jnp.arange(room) < batch_size).astype(float)
    counts = jnp.zeros(room).at[rows].add(counted)
    every = (jnp.arange(room) < num_rows) / num_rows
    return jnp.where(batch_size > 0, counts / jnp.maximum(batch_size, 1), every)
