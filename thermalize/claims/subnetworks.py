r"""Random subnetworks of one network while it trains: how good each is, and how strong.

A mask ``m`` keeps a share of the weights of every layer, or of the hidden units. At every checkpoint
``theta_t`` of training its *quality* is minus the loss of ``m * theta_t`` on the training images, and its
*strength* the squared weights it holds, in units of the prior so that layers weigh alike:

.. math:: z_m(t) = -L(m \odot \theta_t), \qquad
    s_m(t) = \textstyle\sum_{w \in m} (\theta_{t,w} / \sigma_w)^2

Thousands of masks are measured at once: a mask is made once and looked at in all checkpoints.
"""

from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from models import empty_layers, mask_of_scores, masked_params, random_scores, unit_mask
from samplers import loss
from samplers.lanes import lane_mesh, map_lanes
from samplers.target import Target

from .damage import no_path
from .image_arms import Params

type Array = np.ndarray
type Of = Literal["weights", "units"]
BLOCK = 16  # masks looked at together


class Subnetworks(NamedTuple):
    """Quality (minus nats per image) and strength of the subnetworks of one network."""

    quality: Array  # (mask, checkpoint)
    strength: Array  # (mask, checkpoint)
    lost: Array  # (mask,) whether a layer is empty, or no path leads to an output


def subnetworks(
    key: jax.Array, target: Target, checkpoints: Params, num: int, kept: float, of: Of = "weights"
) -> Subnetworks:
    """Measure ``num`` random subnetworks of a network ``(checkpoint, ...)`` that keep a share of it.

    Raises ``ValueError`` for a share outside 0 to 1, and where the prior is not a centred Gaussian.
    """
    if not 0 < kept < 1:
        raise ValueError(
            f"kept must be between 0 and 1, got {kept}: it is the share of weights or units in a subnetwork"
        )
    if target.prior_scale is None:
        raise ValueError("strength is measured in units of a centred Gaussian prior: this target has another")
    keys = jax.random.split(key, num)
    return Subnetworks(
        *map(np.asarray, _measured(of, target, checkpoints, jnp.asarray(1 - kept), keys, lane_mesh(num)))
    )


@partial(jax.jit, static_argnames=("of", "mesh"))
def _measured(
    of: Of, target: Target, checkpoints: Params, cut: jax.Array, keys: jax.Array, mesh: jax.sharding.Mesh
) -> tuple[jax.Array, jax.Array, jax.Array]:
    def one(shared: tuple[Target, Params, jax.Array], key: jax.Array) -> Any:
        target, checkpoints, cut = shared
        first = jax.tree.map(lambda leaf: leaf[0], checkpoints)
        mask = unit_mask(key, first, cut) if of == "units" else _of_weights(key, first, cut)

        def at(params: Params) -> tuple[jax.Array, jax.Array]:
            masked = masked_params(params, mask)
            return -loss(target, masked), strength_of(masked, target.prior_scale)

        lost = jnp.any(empty_layers(mask)) | no_path(mask)
        return *jax.lax.map(at, checkpoints), lost

    found: tuple[jax.Array, jax.Array, jax.Array] = map_lanes(
        one, (target, checkpoints, cut), keys, mesh=mesh, block=BLOCK
    )
    return found


def _of_weights(key: jax.Array, params: Params, cut: jax.Array) -> Params:
    return mask_of_scores(random_scores(key, params), cut)


def strength_of(params: Params, scale: Params) -> jax.Array:
    """Sum of squared weights in units of the prior, ``()``; biases are in every subnetwork.

    >>> params = [{"w": jnp.array([[2.0, 1.0]]), "b": jnp.ones(2)}]
    >>> float(strength_of(params, [{"w": 0.5 * jnp.ones((1, 2)), "b": 1}]))
    20.0
    """
    squares = jax.tree.map(
        lambda leaf, s: jnp.sum((leaf / s) ** 2) if leaf.ndim >= 2 else jnp.zeros(()), params, scale
    )
    return jnp.sum(jnp.stack(jax.tree.leaves(squares)))
