r"""Networks cut and damaged: weights removed by rank, units knocked out, weights jittered and rounded.

All functions take the parameters of ONE network; callers vmap. Weights are the leaves with two
axes, a layer each; biases are never touched. A *mask* has the structure of the parameters, one
where a weight stays, zero where it goes, and cuts the same share of every layer:

.. math:: \text{of } n_l \text{ weights of layer } l \text{ the } \operatorname{round}(s\, n_l)
    \text{ with the lowest scores go}

with scores ``|w|`` (magnitude), ``|w \partial L / \partial w|`` (what the loss changes by, to first
order) or chance. Cutting layer by layer keeps the sizes of layers the same whatever the score.

Sources: LeCun, Denker and Solla 1990 (saliency); Han et al. 2015 (magnitude); Frankle and
Carbin 2019, section 2 (layer by layer).
"""

from typing import Any

import jax
import jax.numpy as jnp

type Array = jax.Array
type Key = jax.Array
type Params = Any
type Mask = Any  # of the structure of the parameters


def magnitude_scores(params: Params) -> Params:
    """``|w|`` of every weight."""
    return jax.tree.map(jnp.abs, params)


def saliency_scores(params: Params, gradient: Params) -> Params:
    """``|w g|``: how much the loss changes when a weight goes, to first order."""
    return jax.tree.map(lambda w, g: jnp.abs(w * g), params, gradient)


def random_scores(key: Key, params: Params) -> Params:
    """Uniform scores: with one key, what a smaller share cuts is among what a larger one does."""
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(key, len(leaves))
    drawn = [jax.random.uniform(k, leaf.shape) for k, leaf in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(structure, drawn)


def mask_of_scores(scores: Params, share: Array | float) -> Mask:
    """The mask that cuts ``share`` of every layer, lowest scores first; of equal ones the first.

    Raises ``ValueError`` for a share that is a number outside 0 to 1.

    >>> scores = [{"w": jnp.array([[3.0, 1.0], [2.0, 4.0]]), "b": jnp.zeros(2)}]
    >>> mask_of_scores(scores, 0.5)[0]["w"].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    _check_share(share)

    def of_layer(score: Array) -> Array:
        if score.ndim < 2:
            return jnp.ones_like(score)
        rank = jnp.argsort(jnp.argsort(score.ravel()))
        return (rank >= jnp.round(share * score.size)).astype(score.dtype).reshape(score.shape)

    return jax.tree.map(of_layer, scores)


def unit_mask(key: Key, params: Params, share: Array | float) -> Mask:
    """The mask that knocks out ``round(share * width)`` random units of every hidden layer.

    A unit is knocked out by the weights that lead on from it. Nested as :func:`random_scores`.
    For the parameters of :func:`mlp`. Raises ``ValueError`` as :func:`mask_of_scores`.

    >>> layers = [{"w": jnp.ones((3, 4)), "b": jnp.zeros(4)}, {"w": jnp.ones((4, 2)), "b": jnp.zeros(2)}]
    >>> mask = unit_mask(jax.random.key(0), layers, 0.5)
    >>> sorted(mask[1]["w"][:, 0].tolist()), float(mask[0]["w"].min())
    ([0.0, 0.0, 1.0, 1.0], 1.0)
    """
    _check_share(share)
    mask = jax.tree.map(jnp.ones_like, params)
    for layer, layer_key in zip(mask[1:], jax.random.split(key, max(1, len(params) - 1)), strict=False):
        width = layer["w"].shape[0]
        order = jax.random.permutation(layer_key, width)
        stays = (order >= jnp.round(share * width)).astype(layer["w"].dtype)
        layer["w"] = layer["w"] * stays[:, None]
    return mask


def masked_params(params: Params, mask: Mask) -> Params:
    """Parameters times the mask."""
    return jax.tree.map(jnp.multiply, params, mask)


def empty_layers(mask: Mask) -> Array:
    """Whether no weight of a layer is left, ``(layer,)``: such a network is constant.

    >>> empty_layers([{"w": jnp.ones((2, 2)), "b": jnp.ones(2)}, {"w": jnp.zeros((2, 2)), "b": jnp.ones(2)}])
    Array([False,  True], dtype=bool)
    """
    return jnp.stack([~jnp.any(leaf != 0) for leaf in jax.tree.leaves(mask) if leaf.ndim >= 2])


def jittered(key: Key, params: Params, strength: Array | float) -> Params:
    """Normal noise on every weight, its deviation ``strength`` times the layer's root mean square.

    Raises ``ValueError`` for a strength that is a negative number.
    """
    if isinstance(strength, (int, float)) and not strength >= 0:
        raise ValueError(f"strength must not be negative, got {strength}: it is a standard deviation")
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(key, len(leaves))

    def of_layer(key: Key, leaf: Array) -> Array:
        if leaf.ndim < 2:
            return leaf
        scale = strength * jnp.sqrt(jnp.mean(leaf**2))
        return leaf + scale * jax.random.normal(key, leaf.shape, leaf.dtype)

    return jax.tree.unflatten(structure, [of_layer(k, leaf) for k, leaf in zip(keys, leaves, strict=True)])


def quantised(params: Params, bits: Array | float) -> Params:
    """Weights rounded to ``2^bits - 1`` even levels between plus and minus the layer's largest.

    Raises ``ValueError`` for a number of bits of one or less: zero would be the only level.

    >>> quantised([jnp.array([[1.0, 0.4], [-0.6, 0.1]])], 2)[0].tolist()
    [[1.0, 0.0], [-1.0, 0.0]]
    """

    if isinstance(bits, (int, float)) and not bits > 1:
        raise ValueError(f"bits must be more than 1, got {bits}: 2 bits are the levels -1, 0 and 1")

    def of_layer(leaf: Array) -> Array:
        if leaf.ndim < 2:
            return leaf
        step = jnp.max(jnp.abs(leaf)) / (2.0 ** (bits - 1) - 1)
        step = jnp.where(step > 0, step, 1.0)
        return jnp.round(leaf / step) * step

    return jax.tree.map(of_layer, params)


def _check_share(share: Array | float) -> None:
    if isinstance(share, (int, float)) and not 0 <= share <= 1:
        raise ValueError(f"share must be from 0 to 1, got {share}: it is the share cut; for half give 0.5")
