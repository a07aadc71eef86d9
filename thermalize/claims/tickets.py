r"""Tickets: subnetworks found by iterative pruning, rewound and trained again, against random ones.

Train, cut every layer to the next of the shares left, the smallest weights first, put what is left back
to its *first* values, train again, and so on:

.. math:: m_0 = 1, \qquad
    m_{r+1} = \operatorname{top}_{s_{r+1}}\bigl(m_r \odot |\theta_T(m_r \odot \theta_0)|\bigr)

A *random ticket* has the same first values under a random mask with as many weights in every
layer; a *redrawn* one has the ticket's mask and other first values. All train for the same
number of steps on the same batches, network by network, so that differences are paired. Biases are
never cut.

Source: Frankle and Carbin 2019, sections 2 to 4.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import CrossedMean, crossed_mean
from models import (
    Masked,
    bayesian_model,
    categorical,
    empty_layers,
    gaussian_prior,
    magnitude_scores,
    mask_of_scores,
    masked_network,
    masked_params,
    random_scores,
)
from samplers import Sampler, posterior, train_from
from samplers.draws import Progress
from samplers.target import Target

from .damage import no_path
from .image_arms import Params, System, probabilities_of

type Array = np.ndarray
LEFT = (0.6, 0.4, 0.2, 0.1, 0.05)  # shares of every layer's weights after each round
JUDGED = 0.2  # the share at which tickets are judged


class Tickets(NamedTuple):
    """Right answers to the probe after training, ``(network, image)``, by share of weights left."""

    whole: Array
    ticket: list[Array]
    random: list[Array]
    redrawn: list[Array]
    other_random: Array  # a second random ticket at the judged share
    untrained: Array  # the random ticket at the judged share before training
    num: int  # networks asked for
    num_empty: int  # masks of tickets and random tickets with an empty layer, or no path to an output
    num_failed: int  # of which training diverged somewhere: left out everywhere

    def at(self, share: float) -> int:
        """The round that left ``share``."""
        return LEFT.index(share)


def tickets(
    key: jax.Array, chosen: System, sampler: Sampler, num: int, num_steps: int, progress: Progress
) -> Tickets:
    """Find and train ``num`` tickets of every size, and what they are compared with."""
    key_start, key_other, key_train, key_mask, key_second = jax.random.split(key, 5)
    first, others = (jax.vmap(chosen.network.init)(jax.random.split(k, num)) for k in (key_start, key_other))
    target = masked_target(chosen)
    total, done = 2 + 3 * len(LEFT), 0
    usable = np.ones(num, bool)

    def train(start: Params, mask: Params) -> Params:
        nonlocal done, usable
        found = train_from(key_train, sampler, target, Masked(start, mask), [num_steps])
        usable &= np.array([sentence == "ok" for sentence in found.status])
        done += 1
        progress(done, total)
        masked: Masked = jax.tree.map(lambda leaf: leaf[:, 0], found.params)
        return masked.params

    def right(params: Params, mask: Params) -> Array:
        p = probabilities_of(chosen.network, masked_params(params, mask), chosen.task.probe.inputs)
        return np.asarray(p.argmax(-1) == chosen.labels)

    mask = jax.tree.map(jnp.ones_like, first)
    trained = train(first, mask)
    whole = right(trained, mask)
    num_empty = 0
    rows: dict[str, list[Array]] = {"ticket": [], "random": [], "redrawn": []}
    for number, share in enumerate(LEFT):
        mask = next_mask(trained, mask, share)
        trained = train(first, mask)
        rows["ticket"].append(right(trained, mask))
        chance = random_masks(jax.random.fold_in(key_mask, number), first, share)
        rows["random"].append(right(train(first, chance), chance))
        num_empty += int(_num_empty(mask)) + int(_num_empty(chance))
        rows["redrawn"].append(right(train(others, mask), mask))
        if share == JUDGED:
            untrained = right(first, chance)
    second = random_masks(key_second, first, JUDGED)
    other_random = right(train(first, second), second)
    kept = np.flatnonzero(usable)
    ticket, chance_rows, redrawn = (
        [found[kept] for found in rows[name]] for name in ("ticket", "random", "redrawn")
    )
    return Tickets(
        whole[kept],
        ticket,
        chance_rows,
        redrawn,
        other_random[kept],
        untrained[kept],
        num,
        num_empty,
        num - len(kept),
    )


def masked_target(chosen: System) -> Target:
    """The training data as networks under masks see them; of no use to sample, starts are always given."""
    network = masked_network(chosen.network)
    model = bayesian_model(network, gaussian_prior(network), categorical())
    return posterior(model, chosen.task.train, num_data=len(chosen.task.train.targets))


@jax.jit
def next_mask(trained: Params, mask: Params, share: jax.Array | float) -> Params:
    """Masks ``(network, ...)`` that leave ``share`` of every layer: of what is left the largest weights.

    >>> weights, mask = [jnp.array([[[3.0, 1.0], [2.0, 4.0]]])], [jnp.array([[[0.0, 1.0], [1.0, 1.0]]])]
    >>> next_mask(weights, mask, 0.5)[0].tolist()
    [[[0.0, 0.0], [1.0, 1.0]]]
    """

    def of_one(trained: Params, mask: Params) -> Params:
        scores = jax.tree.map(lambda score, m: jnp.where(m > 0, score, -1.0), magnitude_scores(trained), mask)
        return mask_of_scores(scores, 1 - share)

    return jax.vmap(of_one)(trained, mask)


@jax.jit
def random_masks(key: jax.Array, params: Params, share: jax.Array | float) -> Params:
    """A random mask for each of the networks ``(network, ...)`` that leaves ``share`` of every layer."""
    keys = jax.random.split(key, jax.tree.leaves(params)[0].shape[0])
    return jax.vmap(lambda k, one: mask_of_scores(random_scores(k, one), 1 - share))(keys, params)


@jax.jit
def _num_empty(masks: Params) -> jax.Array:
    return jnp.sum(jax.vmap(lambda mask: jnp.any(empty_layers(mask)) | no_path(mask))(masks))


def lead(left: Array, right: Array) -> CrossedMean:
    """Mean accuracy of ``left`` less that of ``right``, paired by network and image."""
    return crossed_mean(left.astype(float) - right)


def padded(params: Params) -> Params:
    """Networks of one hidden layer with as many units again, whose weights are all zero.

    Of every layer half the weights can go and nothing changes.
    """
    first, last = params
    wider = {
        "w": jnp.concatenate([first["w"], jnp.zeros_like(first["w"])], axis=-1),
        "b": jnp.concatenate([first["b"], jnp.zeros_like(first["b"])], axis=-1),
    }
    return [
        wider,
        {"w": jnp.concatenate([last["w"], jnp.zeros_like(last["w"])], axis=-2), "b": last["b"]},
    ]
