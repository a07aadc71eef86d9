r"""Strong tickets: the best subnetworks of networks whose weights are held, found by search over masks.

Each network is searched in two ways, on the training images alone, at every share of its weights left:
by edge-popup, which descends on scores of weights, and by a chain that exchanges kept and cut
weights and whose law is

.. math:: p(m) \propto \exp(-\beta N L(m \odot \theta)), \qquad \beta = 16,

on the masks with as many weights in every layer: so cold that good masks outweigh their rarity. Of the
masks on the way the one with the least training loss is the best subnetwork. Networks trained, drawn
from the posterior and drawn from the prior get the same search: same steps, same number of masks. A
random mask of the same size stands beside. Biases are never cut.

Sources: Ramanujan et al. 2020, sections 3 and 4 (untrained networks); Metropolis et al. 1953.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import rank_rhat
from models import (
    Masked,
    bayesian_model,
    categorical,
    frozen_network,
    gaussian_prior,
    masked_params,
)
from samplers import Draws, edge_popup, mask_swaps, posterior, sample_from
from samplers.draws import Progress
from samplers.target import Target

from .claim import Graph, Number
from .image_arms import Params, System, count, probabilities_of, some
from .survival_pictures import accuracy_of
from .survival_rule import number_of
from .tickets import random_masks

type Array = np.ndarray
SHARES = (0.5, 0.2)  # of every layer's weights, left
BETA = 16.0
POPUP, SWAPS, RANDOM = "edge-popup", "exchanges", "a random mask"
NUM_CHAINS = 2  # of exchanges, a network
NUM_RECORDS = 20  # masks on the way, of which the best is taken
EDGE_POPUP, MASK_SWAPS = edge_popup(0.1, 0.9), mask_swaps()


class Search(NamedTuple):
    """How much is searched: networks of each arm, and steps."""

    num_networks: int
    popup_steps: int
    swap_steps: int  # of every chain

    def words(self) -> str:
        return (
            f"{self.popup_steps} steps of edge-popup; {NUM_CHAINS} chains of {self.swap_steps} exchanges "
            f"at beta {BETA:g}; the best of {NUM_RECORDS} masks each, by training loss"
        )


class Strong(NamedTuple):
    """The best subnetworks of the networks of one arm."""

    right: dict[str, list[Array]]  # right answers (network, image) to the probe, by share left
    loss: dict[str, list[Array]]  # training loss (network,), by share left
    acceptance: list[float]  # of exchanges, in the second half
    rhat: list[float]  # of training losses in the second half of both chains, median over networks


def strong_tickets(
    key: jax.Array, chosen: System, params: Params, search: Search, progress: Progress
) -> Strong:
    """Search networks ``(network, ...)``, at most as many as asked for, spread over all that there are."""
    num = min(search.num_networks, count(params))
    params = some(params, np.linspace(0, count(params) - 1, num).round().astype(int))
    key_mask, key_popup, key_swaps = jax.random.split(key, 3)
    target, num_shares = frozen_target(chosen), len(SHARES)

    def copies(times: int) -> Params:
        return jax.tree.map(lambda leaf: jnp.tile(jnp.asarray(leaf), (times, *[1] * (leaf.ndim - 1))), params)

    masks = [
        random_masks(jax.random.fold_in(key_mask, number), copies(NUM_CHAINS), share)
        for number, share in enumerate(SHARES)
    ]
    # Lanes are shares, chains, networks, the last fastest.
    every = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *masks)
    alone = jax.tree.map(lambda *leaves: jnp.concatenate([leaf[:num] for leaf in leaves]), *masks)
    popup = sample_from(
        key_popup,
        EDGE_POPUP,
        target,
        Masked(copies(num_shares), alone),
        _steps(search.popup_steps),
    )
    progress(1, 3)
    swaps = sample_from(
        key_swaps,
        MASK_SWAPS,
        target,
        Masked(copies(num_shares * NUM_CHAINS), every),
        _steps(search.swap_steps),
    )
    progress(2, 3)
    chosen_masks = {
        POPUP: _best(popup, (num_shares, 1, num)),
        SWAPS: _best(swaps, (num_shares, NUM_CHAINS, num)),
        RANDOM: _first(swaps, (num_shares, NUM_CHAINS, num)),
    }
    right: dict[str, list[Array]] = {}
    for name, (found, _) in chosen_masks.items():
        p = probabilities_of(
            chosen.network, masked_params(copies(num_shares), found), chosen.task.probe.inputs
        )
        right[name] = list((p.argmax(-1) == chosen.labels).reshape(num_shares, num, -1))
    progress(3, 3)
    late = swaps.stats["loss"].reshape(num_shares, NUM_CHAINS, num, -1)[..., 1 + NUM_RECORDS // 2 :]
    rate = swaps.stats["acceptance_rate"][:, 1 + NUM_RECORDS // 2 :].reshape(num_shares, -1)
    return Strong(
        right,
        {name: list(losses) for name, (_, losses) in chosen_masks.items()},
        rate.mean(axis=1).tolist(),
        [float(np.median(rank_rhat(one.transpose(0, 2, 1)))) for one in late],
    )


def frozen_target(chosen: System) -> Target:
    """The training data as networks with held weights see them, at ``BETA``."""
    network = frozen_network(chosen.network)
    model = bayesian_model(network, gaussian_prior(network), categorical())
    return posterior(model, chosen.task.train, num_data=len(chosen.task.train.targets), beta=BETA)


def _steps(num: int) -> list[int]:
    """The start, and equally many steps between any two of the masks on the way."""
    each = max(num // NUM_RECORDS, 1)
    return [each * record for record in range(NUM_RECORDS + 1)]


def _best(found: Draws, shape: tuple[int, int, int]) -> tuple[Params, Array]:
    """Masks ``(share and network, ...)`` with the least loss of all chains and records, and losses."""
    num_shares, num_chains, num = shape
    losses = found.stats["loss"].reshape(*shape, -1)
    records = losses.shape[-1]
    by_network = losses.transpose(0, 2, 1, 3).reshape(num_shares, num, -1)
    chain, record = np.divmod(by_network.argmin(axis=-1), records)
    share, network = np.indices((num_shares, num))
    lane = (share * num_chains + chain) * num + network
    return some(_masks(found), (lane.ravel(), record.ravel())), by_network.min(axis=-1)


def _first(found: Draws, shape: tuple[int, int, int]) -> tuple[Params, Array]:
    """Masks that the first chains start from, and losses."""
    num_shares, num_chains, num = shape
    lane = (np.arange(num_shares)[:, None] * num_chains * num + np.arange(num)).ravel()
    return some(_masks(found), (lane, 0)), found.stats["loss"][lane, 0].reshape(num_shares, num)


def _masks(found: Draws) -> Params:
    assert found.params is not None  # they are what is searched for
    return found.params.mask


def strong_numbers(name: str, found: Strong) -> list[Number]:
    """What a case shows of one arm."""
    numbers = []
    for at, share in enumerate(SHARES):
        left = f"{share:g} of weights left"
        numbers += [
            number_of(f"{name}: strong tickets by {method}, {left}: accuracy", accuracy_of(right[at]))
            for method, right in found.right.items()
        ]
        numbers += [
            Number(f"{name}: exchanges accepted, {left}", found.acceptance[at], None, None),
            Number(
                f"{name}: R-hat of two chains of exchanges, {left}, median over networks",
                found.rhat[at],
                None,
                None,
            ),
        ]
    return numbers


def strong_graphs(task: str, arms: Mapping[str, Strong]) -> list[Graph]:
    """The best subnetworks of all arms side by side, a share left each."""
    return [
        Graph(
            f"Strong tickets, {share:g} of the weights left: {task}",
            "Accuracy of the best subnetwork, weights as they are: found by edge-popup and by a chain of "
            "exchanges, by training loss, beside a random mask of that size. Means with 95 % intervals "
            "over networks and images.",
            "accuracy",
            list(arms),
            {
                method: [
                    number_of("accuracy", accuracy_of(found.right[method][at])) for found in arms.values()
                ]
                for method in (POPUP, SWAPS, RANDOM)
            },
        )
        for at, share in enumerate(SHARES)
    ]


def stored_strong(found: Strong) -> dict[str, Array]:
    """Accuracy and training loss of every best subnetwork, ``(network, 1, share)``."""
    plain = {POPUP: "edge_popup", SWAPS: "exchanges", RANDOM: "random_mask"}
    accuracy = {
        f"{plain[name]}_accuracy": np.stack([one.mean(-1) for one in right], axis=-1)[:, None]
        for name, right in found.right.items()
    }
    loss = {f"{plain[name]}_loss": np.stack(each, axis=-1)[:, None] for name, each in found.loss.items()}
    return accuracy | loss
