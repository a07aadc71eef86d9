"""A network some of whose weights are held at zero: the others train, or the mask is looked for."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax

from .damage import masked_params
from .model import Network

type Array = jax.Array
type Params = Any


class Masked(NamedTuple):
    """Parameters and their mask, one where a weight stays and zero where it is cut."""

    params: Params
    mask: Params


@cache
def masked_network(network: Network) -> Network:
    """The same network on :class:`Masked` parameters that train under a mask; ``init`` masks nothing.

    Only what the mask lets through has a gradient. Gradients of the mask are zero, so that an optimiser
    leaves it as it is.

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

    return _on_masked(network, visible)


@cache
def frozen_network(network: Network) -> Network:
    """The same network on :class:`Masked` parameters whose weights are held while a mask is looked for.

    Gradients reach the mask alone: ``dL / dm = w dL / d(m w)``, what an edge adds to the loss to first
    order, for edges in the mask and for edges that are cut.

    >>> from models import mlp
    >>> import jax.numpy as jnp
    >>> network = frozen_network(mlp([1, 1]))
    >>> weights, mask = [{"w": jnp.full((1, 1), 3.0)}], [{"w": jnp.zeros((1, 1))}]
    >>> weights[0]["b"], mask[0]["b"] = jnp.zeros(1), jnp.ones(1)
    >>> start = Masked(weights, mask)
    >>> slope = jax.grad(lambda found: network.apply(found, jnp.ones(1))[0])(start)
    >>> slope.mask[0]["w"].item(), slope.params[0]["w"].item()
    (3.0, 0.0)
    """

    def visible(masked: Masked) -> Params:
        return masked_params(jax.lax.stop_gradient(masked.params), masked.mask)

    return _on_masked(network, visible)


def _on_masked(network: Network, visible: Callable[[Masked], Params]) -> Network:
    def init(key: Array) -> Masked:
        params = network.init(key)
        return Masked(params, jax.tree.map(jax.numpy.ones_like, params))

    columns = network.apply_columns
    return Network(
        init,
        lambda masked, x: network.apply(visible(masked), x),
        None if columns is None else lambda masked, x: columns(visible(masked), x),
    )
