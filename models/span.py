r"""The first layer in the span of the training inputs: fewer numbers where these are few.

.. math:: W = W_0 + X^T C, \qquad X W = X W_0 + (X X^T) C

The gradient by the first weights ``W`` ``(d_in, h)`` of a loss on the rows ``X_B`` is
``X_B^T D`` with ``D`` the gradient by the products ``X_B W``. So an optimiser whose
updates are sums of past gradients moves ``W`` within the span of the training inputs
``X`` ``(n, d_in)``, and what it does to ``C`` ``(n, h)`` is the same with ``D`` in the
rows ``B`` and zero elsewhere. A forward pass needs the rows ``B`` of the Gram matrix
instead of ``X_B``, and a gradient no product at all. Exact, up to rounding. Not for
updates coordinate by coordinate, as Adam's are, nor for decay or a prior of ``W``: those
leave the span. Source: the representer theorem, Schoelkopf and Smola 2002, section 4.2.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from .model import Batch, Network

type Params = Any
type Array = jax.Array


class Origin(NamedTuple):
    """What of a network's start its coordinates are counted from."""

    weights: Array  # W_0, (d_in, h)
    products: Array  # X W_0, (n, h)


class Rows(NamedTuple):
    """Training inputs as their networks see them, the example axis first."""

    gram: Array  # rows of X X^T, (..., n)
    start: Array  # rows of X W_0, (..., h)
    row: Array  # their numbers, (...)


class Span(NamedTuple):
    """A model in other coordinates: ``C`` stands for ``params[0]["w"]``, all else as it was.

    ``log_likelihood`` and ``errors`` take these parameters and the batch that ``data``
    gives for one network, or rows of it; their derivative by ``C`` is not that of their
    value but the ``D`` above. The batch of the other functions is all training data.
    """

    log_likelihood: Callable[[Params, "Batch"], Array]  # -> (n,) nats
    errors: Callable[[Params, "Batch"], Array] | None  # -> (n,) bool
    gram: Callable[["Batch"], Array]  # -> X X^T, (n, n)
    enter: Callable[["Batch", Params], tuple[Params, Origin]]
    leave: Callable[["Batch", Params, Origin], Params]
    data: Callable[["Batch", Array, Origin], "Batch"]  # training data, Gram matrix and origin


def apply_in_span(network: "Network") -> Callable[[Params, Any], Array]:
    """``network.apply`` for coordinates and ONE training input."""
    after = network.apply_products
    assert after is not None

    def apply(params: Params, x: Rows) -> Array:
        moved = params[0]["w"].at[x.row].get(mode="promise_in_bounds")
        value = x.start + jax.lax.stop_gradient(x.gram @ params[0]["w"])
        # The value of the products; their derivative by C is D in this row.
        return after(params, value + (moved - jax.lax.stop_gradient(moved)))

    return apply


def gram(batch: "Batch") -> Array:
    """Inner products of all training inputs, ``(n, n)``."""
    return jnp.matmul(batch.inputs, batch.inputs.T, precision="highest")


def enter(batch: "Batch", params: Params) -> tuple[Params, Origin]:
    """Coordinates zero, counted from these parameters."""
    first, *rest = params
    products = batch.inputs @ first["w"]
    return [{**first, "w": jnp.zeros_like(products)}, *rest], Origin(first["w"], products)


def leave(batch: "Batch", params: Params, origin: Origin) -> Params:
    """The parameters themselves.

    >>> from models import Batch
    >>> batch = Batch(jnp.array([[1.0, 2.0, 3.0]]), jnp.zeros(1))
    >>> coordinates, origin = enter(batch, [{"w": jnp.ones((3, 2))}])
    >>> moved = [{"w": coordinates[0]["w"].at[0, 1].add(1.0)}]
    >>> leave(batch, moved, origin)[0]["w"].tolist()
    [[1.0, 2.0], [1.0, 3.0], [1.0, 4.0]]
    """
    first, *rest = params
    return [{**first, "w": origin.weights + batch.inputs.T @ first["w"]}, *rest]


def data(batch: "Batch", gram: Array, origin: Origin) -> "Batch":
    """The training data as a network with this origin sees them."""
    rows: Any = Rows(gram, origin.products, jnp.arange(len(gram)))  # what this network reads as inputs
    return batch._replace(inputs=rows)
