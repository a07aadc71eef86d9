r"""The share of weights that can be cut before training error moves.

Weights are set to zero one after another, the smallest in units of the prior's standard
deviations first, so that layers of different scale compete fairly; or in random order, which
says what a cut costs where nothing is known of the weights. The share is the largest at
which no cut so far has raised the number of training errors: the first rise ends it, even
if later cuts happen to bring the errors down again.

Biases are left alone: they are few, and cutting them is no cut of a connection.

Source: Han et al. 2015 (magnitudes).
"""

from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..options import check_count
from ..target import Key, Params, Target, loss, training_errors

type Array = jax.Array
type Order = Literal["magnitude", "random"]


class Cut(NamedTuple):
    """For every network the shares of weights that could be cut, ``(network,)`` each.

    ``random`` is the mean over random orders; ``weights`` how many weights there are.
    """

    magnitude: np.ndarray
    random: np.ndarray
    weights: int


def cuttable_share(
    key: Key,
    target: Target,
    params: Params,
    *,
    tolerance: float | None = None,
    num_cuts: int = 200,
    num_orders: int = 8,
) -> Cut:
    """How much of each network ``(network, ...)`` can be cut, by magnitude and in random order.

    Cuts are tried at up to ``num_cuts`` evenly spaced counts, at every count where there are
    fewer weights. With a ``tolerance`` the loss may rise by as many nats per datum, instead of
    the training errors by none: for regressions. Raises ``ValueError`` for counts below one, a
    tolerance that is negative, a regression without one, and networks without weights.

    >>> line = Target(lambda t: 0.0, None, lambda t, x: (x @ t["w"])[:, 0] <= 0,
    ...               lambda key: None, jnp.array([[1.0, 1.0, 0.1]]), jnp.ones(()), jnp.ones(()), None)
    >>> found = cuttable_share(jax.random.key(0), line, {"w": jnp.array([[[0.1], [2.0], [-0.2]]])})
    >>> found.magnitude.tolist(), found.weights
    ([0.666...], 3)
    """
    check_count(num_cuts=num_cuts, num_orders=num_orders)
    if tolerance is None and target.errors is None:
        raise ValueError("a regression has no training errors: give a tolerance in nats per datum")
    if tolerance is not None and not 0 <= tolerance < float("inf"):
        raise ValueError(f"tolerance must be finite and not negative, got {tolerance}")
    weights = sum(leaf[0].size for leaf in jax.tree.leaves(params) if leaf.ndim > 2)
    if weights == 0:
        raise ValueError("there is no weight to cut: leaves with two axes or more are weights")
    counts = np.unique(np.round(np.linspace(0, weights, min(num_cuts, weights) + 1)).astype(int))
    by_size, at_random = (
        np.asarray(_shares(key, target, params, jnp.asarray(counts), tolerance, order, num_orders))
        for order in ("magnitude", "random")
    )
    return Cut(by_size / weights, at_random / weights, weights)


@partial(jax.jit, static_argnames=("order", "num_orders"))
def _shares(
    key: Key,
    target: Target,
    params: Params,
    counts: Array,
    tolerance: Array | None,
    order: Order,
    num_orders: int,
) -> Array:
    """Weights cut before the first rise, ``(network,)``."""
    num_networks = jax.tree.leaves(params)[0].shape[0]

    def harm(one: Params) -> Array:
        return training_errors(target, one) if tolerance is None else loss(target, one)

    def cut_by(one: Params, ranks: list[Array | None]) -> Array:
        leaves = jax.tree.leaves(one)
        structure: Any = jax.tree.structure(one)
        limit = harm(one) + (0 if tolerance is None else tolerance)

        def rises(count: Array) -> Array:
            kept = [
                leaf if rank is None else leaf * (rank >= count)
                for leaf, rank in zip(leaves, ranks, strict=True)
            ]
            return ~(harm(structure.unflatten(kept)) <= limit)

        risen = jax.lax.map(rises, counts, batch_size=16)
        return jnp.where(jnp.any(risen), counts[jnp.maximum(jnp.argmax(risen) - 1, 0)], counts[-1])

    def one(network: tuple[Params, Key]) -> Array:
        leaves = jax.tree.leaves(network[0])
        if order == "magnitude":
            return cut_by(network[0], _ranks(leaves, _in_units(target, leaves))).astype(float)
        size = sum(leaf.size for leaf in leaves)

        def shuffled(key: Key) -> Array:
            return cut_by(network[0], _ranks(leaves, jax.random.uniform(key, (size,))))

        return jnp.mean(jax.lax.map(shuffled, jax.random.split(network[1], num_orders)).astype(float))

    return jax.lax.map(one, (params, jax.random.split(key, num_networks)))


def _in_units(target: Target, leaves: list[Array]) -> Array:
    """Magnitudes of all parameters in the prior's standard deviations, ``(d,)``."""
    scales = [1.0] * len(leaves) if target.prior_scale is None else jax.tree.leaves(target.prior_scale)
    return jnp.concatenate(
        [jnp.abs(leaf / scale).ravel() for leaf, scale in zip(leaves, scales, strict=True)]
    )


def _ranks(leaves: list[Array], values: Array) -> list[Array | None]:
    """For every weight its place in the order of ``values``, from 0; ``None`` for leaves of biases."""
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
    pieces = jnp.split(values, ends)
    is_weight = [leaf.ndim > 1 for leaf in leaves]
    chosen = jnp.concatenate([piece for piece, yes in zip(pieces, is_weight, strict=True) if yes])
    places = jnp.argsort(jnp.argsort(chosen))
    sizes = np.cumsum([leaf.size for leaf, yes in zip(leaves, is_weight, strict=True) if yes])[:-1]
    ranked = iter(jnp.split(places, sizes))
    return [
        next(ranked).reshape(leaf.shape) if yes else None for leaf, yes in zip(leaves, is_weight, strict=True)
    ]
