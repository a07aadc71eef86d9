r"""Edge-popup: gradient descent on scores that say which weights of a network are kept.

Weights ``w`` are held, each has a score ``s``, and of layer ``l`` the ``k_l`` weights with the highest
scores are kept. The gradient passes straight through the choice, to the scores of weights that are
cut too:

.. math:: m = \operatorname{top}_{k}(s), \qquad
    s \leftarrow s - \epsilon\, \frac{\partial L(m \odot w)}{\partial m},
    \qquad \frac{\partial L}{\partial m} = w\, \frac{\partial L}{\partial (m \odot w)}

so that an edge rises if the loss would fall, to first order, were it there. The steps are those of SGD
with momentum, as in the source.

Law: none that is known; it searches.

Source: Ramanujan et al. 2020, section 3.
"""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from .kernel import Info, Kernel, Sampler, no_warmup
from .options import check_batch, check_count, check_positive
from .target import Key, Params, Target, draw_batch, loss

type Array = jax.Array


class PopupState(NamedTuple):
    position: Any  # with a mask, as in mask_swaps.py
    scores: Params
    optimiser: Any


@cache
def edge_popup(
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    batch_size: int | None = None,
    num_steps_per_draw: int = 1,
) -> Sampler:
    """Descent on scores, of positions with a tree ``mask``, as :class:`models.Masked`.

    The gradient must reach the mask: :func:`models.frozen_network`. Of the mask at the start only the
    number of weights kept in each layer counts; scores are drawn as weights are, normal with
    deviation ``1 / sqrt(fan-in)``. Leaves with fewer than two axes, biases, are never cut. Raises
    ``ValueError`` for a rate that is not positive, a momentum outside 0 to 1 (1 excluded) and counts
    below one.

    >>> edge_popup().name
    'edge_popup'
    """
    check_positive(learning_rate=learning_rate)
    check_count(num_steps_per_draw=num_steps_per_draw)
    if batch_size is not None:
        check_count(batch_size=batch_size)
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must be from 0 to below 1, got {momentum}")
    transform = optax.sgd(learning_rate, momentum=momentum)

    def kernel(target: Target, tuning: Any) -> Kernel:
        check_batch(batch_size, target.data)

        def init(key: Key, position: Any) -> PopupState:
            scores = _first_scores(key, position.mask)
            chosen = position._replace(mask=_highest(scores, position.mask))
            return PopupState(chosen, scores, transform.init(scores))

        def step(key: Key, state: PopupState) -> tuple[PopupState, Info]:
            batch = draw_batch(key, target.data, batch_size)

            def risk(mask: Params) -> Array:
                return loss(target, state.position._replace(mask=mask), batch)

            value, slope = jax.value_and_grad(risk)(state.position.mask)
            updates, optimiser = transform.update(slope, state.optimiser, state.scores)
            scores = optax.apply_updates(state.scores, updates)
            mask = _highest(scores, state.position.mask)
            info = {
                "objective": value,
                "grad_norm": optax.tree.norm(slope),
                "diverging": ~jnp.isfinite(value),
            }
            return PopupState(state.position._replace(mask=mask), scores, optimiser), info

        return Kernel(init, step, lambda state: state.position)

    law = "none that is known: a search"
    return Sampler("edge_popup", law, "Ramanujan et al. 2020", no_warmup, kernel, num_steps_per_draw)


def _first_scores(key: Key, mask: Params) -> Params:
    leaves, structure = jax.tree.flatten(mask)
    keys = jax.random.split(key, len(leaves))

    def of_leaf(key: Key, leaf: Array) -> Array:
        fan_in = leaf.shape[-2] if leaf.ndim >= 2 else 1
        return jax.random.normal(key, leaf.shape, leaf.dtype) / fan_in**0.5

    return jax.tree.unflatten(structure, [of_leaf(k, leaf) for k, leaf in zip(keys, leaves, strict=True)])


def _highest(scores: Params, mask: Params) -> Params:
    """As many weights of every layer as the mask keeps, the highest scores first; of equal ones the first."""

    def of_layer(score: Array, kept: Array) -> Array:
        if score.ndim < 2:
            return kept
        rank = jnp.argsort(jnp.argsort(-score.ravel()))
        return (rank < jnp.sum(kept)).astype(kept.dtype).reshape(kept.shape)

    return jax.tree.map(of_layer, scores, mask)
