r"""Networks of one arm under graded damage: what they answer, and what is left of them.

Six kinds: weights cut by magnitude, by gradient (``|w dL/dw|`` on the training images) and at
random, units knocked out, weights jittered and quantised. Every network has damage of its own,
and stronger damage of a kind contains the weaker. With ``v_ix`` whether network ``i`` answers image ``x``
rightly after less before, the change of accuracy and its error are those of a crossed mean
(``compare.crossed_mean``): the interval holds for other networks and other images.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import CrossedMean, crossed_mean
from models import (
    empty_layers,
    jittered,
    magnitude_scores,
    mask_of_scores,
    masked_params,
    quantised,
    random_scores,
    saliency_scores,
    unit_mask,
)
from samplers import loss
from samplers.draws import Observe
from samplers.lanes import lane_mesh, map_lanes
from samplers.target import Target

from .image_arms import Params, System, count, some

type Array = np.ndarray
type Apply = Callable[[Any, jax.Array], jax.Array]
MAGNITUDE, GRADIENT, RANDOM = (
    "weights cut by magnitude",
    "weights cut by gradient",
    "weights cut at random",
)
UNITS, JITTER, BITS = "units knocked out", "weights jittered", "weights quantised"
CUTS = (0.0, 0.1, 0.25, 0.5, 0.65, 0.8, 0.9, 0.95)  # shares of every layer
STRENGTHS: dict[str, tuple[float, ...]] = {
    MAGNITUDE: CUTS,
    GRADIENT: CUTS,
    RANDOM: CUTS,
    UNITS: (0.0, 0.125, 0.25, 0.375, 0.5, 0.75),  # share of the hidden units
    JITTER: (0.0, 0.05, 0.1, 0.2, 0.4, 0.8),  # of a layer's root mean square
    BITS: (8.0, 6.0, 5.0, 4.0, 3.0, 2.0),  # a weight
}
AXES = {
    MAGNITUDE: "share of weights cut",
    GRADIENT: "share of weights cut",
    RANDOM: "share of weights cut",
    UNITS: "share of units knocked out",
    JITTER: "noise in root mean squares of the layer's weights",
    BITS: "bits a weight",
}
KINDS = tuple(STRENGTHS)
MOST_STRENGTHS = max(map(len, STRENGTHS.values()))
TOGETHER = 64  # networks
NUM_WATCHED = 100  # images whose predictions a chain's gates look at


class Damaged(NamedTuple):
    """What the networks of one arm answer under one kind of damage, by strength."""

    answers: Array  # (network, strength, image) the most probable class
    empty: Array  # (network, strength) whether a layer has no weight left
    cut_off: Array  # (network, strength) whether no path leads from an input to an output


class Arm(NamedTuple):
    """The networks of one arm: intact, and under every kind of damage."""

    intact: Array  # (network, image) the most probable class
    damaged: dict[str, Damaged]

    @property
    def num(self) -> int:
        """How many networks."""
        return len(self.intact)


def arm_of(key: jax.Array, chosen: System, params: Params) -> Arm:
    """Damage the networks ``(network, ...)`` in every way, and ask them the probe."""
    keys = jax.random.split(key, len(STRENGTHS))
    damaged = {
        kind: answers_under(kind, key_kind, chosen, params, STRENGTHS[kind])
        for kind, key_kind in zip(STRENGTHS, keys, strict=True)
    }
    return Arm(damaged[MAGNITUDE].answers[:, 0], damaged)


def answers_under(
    kind: str, key: jax.Array, chosen: System, params: Params, strengths: Sequence[float]
) -> Damaged:
    """Answers of networks ``(network, ...)`` to the probe under one kind of damage.

    Kind and strengths are data and networks go ``TOGETHER`` at a time, the last filled up with the first:
    one program serves every kind of damage of every arm.
    """
    num = count(params)
    keys = jax.random.split(key, num)
    shared = (
        chosen.target,
        jnp.asarray(chosen.task.probe.inputs),
        jnp.asarray(KINDS.index(kind)),
        jnp.asarray(np.resize(strengths, MOST_STRENGTHS), jnp.float32),
    )
    pieces = []
    for first in range(0, num, TOGETHER):
        rows = np.arange(first, first + TOGETHER) % num
        found = _answers(chosen.network.apply, shared, (keys[rows], some(params, rows)), lane_mesh(TOGETHER))
        pieces.append([np.asarray(leaf)[: num - first, : len(strengths)] for leaf in found])
    return Damaged(*map(np.concatenate, zip(*pieces, strict=True)))


def damaged_params(
    kind: str, key: jax.Array, params: Params, gradient: Params, strength: jax.Array
) -> tuple[Params, Params]:
    """One network under one kind of damage, and the mask of what is left of it."""
    whole = jax.tree.map(jnp.ones_like, params)
    if kind == JITTER:
        return jittered(key, params, strength), whole
    if kind == BITS:
        rounded = quantised(params, strength)
        return rounded, jax.tree.map(lambda leaf: (leaf != 0).astype(leaf.dtype), rounded)
    if kind == UNITS:
        mask = unit_mask(key, params, strength)
    else:
        scores = {
            MAGNITUDE: lambda: magnitude_scores(params),
            GRADIENT: lambda: saliency_scores(params, gradient),
            RANDOM: lambda: random_scores(key, params),
        }[kind]()
        mask = mask_of_scores(scores, strength)
    return masked_params(params, mask), mask


def no_path(mask: Params) -> jax.Array:
    """Whether no path of weights leads from an input to an output, ``()``: biases alone answer.

    >>> ones, none = jnp.ones((2, 2)), jnp.array([[1.0, 0.0], [1.0, 0.0]])
    >>> bool(no_path([{"w": none}, {"w": 1 - none.T}])), bool(no_path([{"w": none}, {"w": none.T}]))
    (True, False)
    """
    reached = jnp.ones(mask[0]["w"].shape[0])
    for layer in mask:
        reached = (reached @ (layer["w"] != 0).astype(reached.dtype) > 0).astype(reached.dtype)
    return ~jnp.any(reached > 0)


type Shared = tuple[Target, jax.Array, jax.Array, jax.Array]  # images, number of the kind, strengths


@partial(jax.jit, static_argnames=("apply", "mesh"))
def _answers(
    apply: Apply, shared: Shared, lanes: tuple[jax.Array, Params], mesh: jax.sharding.Mesh
) -> tuple[jax.Array, jax.Array, jax.Array]:
    def one(shared: Shared, lane: tuple[jax.Array, Params]) -> Any:
        target, images, kind, strengths = shared
        key, params = lane
        gradient = jax.lax.cond(
            kind == KINDS.index(GRADIENT),
            jax.grad(lambda p: loss(target, p)),
            lambda p: jax.tree.map(jnp.zeros_like, p),
            params,
        )

        def at(strength: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
            damages = [partial(damaged_params, name) for name in KINDS]
            changed, mask = jax.lax.switch(kind, damages, key, params, gradient, strength)
            answers = jnp.argmax(jax.vmap(apply, (None, 0))(changed, images), axis=-1)
            return answers.astype(jnp.int8), jnp.any(empty_layers(mask)), no_path(mask)

        return jax.lax.map(at, strengths)

    found: tuple[jax.Array, jax.Array, jax.Array] = map_lanes(one, shared, lanes, mesh=mesh, block=16)
    return found


def accuracy_change(found: Damaged, at: int, intact: Array, labels: Array) -> CrossedMean:
    """Mean accuracy under damage of strength number ``at`` less that of the same networks intact."""
    after, before = found.answers[:, at] == labels, intact == labels
    return crossed_mean(after.astype(float) - before)


def accuracy(answers: Array, labels: Array) -> CrossedMean:
    """Mean accuracy of ``answers`` ``(network, image)``."""
    return crossed_mean((answers == labels).astype(float))


def unchanged(found: Damaged, at: int, intact: Array) -> CrossedMean:
    """Share of answers that are as they were before the damage."""
    return crossed_mean((found.answers[:, at] == intact).astype(float))


@cache
def accuracies_when_cut(apply: Apply) -> Observe:
    """Record one network's accuracy at every share of ``CUTS`` by magnitude, and clean predictions.

    Inputs of the observation are images ``(image, pixel)`` and targets ``(image,)``.
    """

    def observe(params: Any, inputs: tuple[jax.Array, jax.Array]) -> dict[str, jax.Array]:
        images, targets = inputs

        def right(share: jax.Array) -> jax.Array:
            mask = mask_of_scores(magnitude_scores(params), share)
            logits = jax.vmap(apply, (None, 0))(masked_params(params, mask), images)
            return jnp.mean(jnp.argmax(logits, axis=-1) == targets)

        watched = jax.vmap(apply, (None, 0))(params, images[:NUM_WATCHED])
        return {
            "accuracy": jax.lax.map(right, jnp.asarray(CUTS)),
            "probabilities": jax.nn.softmax(watched, axis=-1),
        }

    return observe
