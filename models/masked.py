"""A network some of whose weights are held at zero while the others train."""

from functools import cache
from typing import Any, NamedTuple

import jax

from .damage import masked_params
from .model import Network

type Array = jax.Array
type Params = Any


class Masked(NamedTuple):
    """Parameters and their mask; only what the mask lets through has a gradient."""

    params: Params
    mask: Params


@cache
def masked_network(network: Network) -> Network:
    """The same network on :class:`Masked` parameters; ``init`` masks nothing.

    Gradients of the mask are zero, so that an optimiser leaves it as it is.

    >>> from models import mlp
    >>> import jax.numpy as jnp
    >>> network = masked_network(mlp([3, 2]))
    >>> start = network.init(jax.random.key(0))
    >>> none = Masked(start.params, jax.tree.map(jnp.zeros_like, start.mask))
    >>> bool((network.apply(none, jnp.ones(3)) == 0).all())
    True
    """

    def visible(masked: Masked) -> Params:
        return masked_params(masked.params, jax.lax.stop_gradient(masked.mask))

    def init(key: Array) -> Masked:
        params = network.init(key)
        return Masked(params, jax.tree.map(jax.numpy.ones_like, params))

    columns = network.apply_columns
    return Network(
        init,
        lambda masked, x: network.apply(visible(masked), x),
        None if columns is None else lambda masked, x: columns(visible(masked), x),
    )
