"""Strong tickets: a planted subnetwork is found, none is found where there is none; best masks by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models import (
    bayesian_model,
    categorical,
    gaussian_prior,
    masked_params,
    mlp,
    task_from_arrays,
)
from samplers import Draws, loss, posterior
from samplers.draws import silent
from thermalize.claims.image_arms import System, probabilities_of
from thermalize.claims.strong_tickets import (
    POPUP,
    RANDOM,
    SHARES,
    SWAPS,
    Search,
    Strong,
    _best,
    _first,
    stored_strong,
    strong_graphs,
    strong_numbers,
    strong_tickets,
)
from thermalize.claims.survival_pictures import accuracy_of

type Array = np.ndarray
INPUTS, HIDDEN, NETWORKS = 12, 10, 8
SEARCH = Search(NETWORKS, 200, 2000)


def telling(rng: np.random.Generator) -> System:
    """Two classes: the sign of the sum of the first two of 12 inputs; 300 to train on, 300 for the probe."""
    x = rng.normal(size=(600, INPUTS)).astype(np.float32)
    y = (x[:, :2].sum(axis=1) > 0).astype(int)
    parts = [jnp.asarray(part) for part in (x[:300], y[:300], x[300:], y[300:])]
    task = task_from_arrays(
        "planted", *parts, kind="classification", description="planted", source="generated"
    )
    widths = (INPUTS, HIDDEN, 2)
    network = mlp(widths, "tanh")
    model = bayesian_model(network, gaussian_prior(network), categorical())
    return System("planted", widths, task, network, model, posterior(model, task.train, num_data=300))


def wired(rng: np.random.Generator) -> tuple[Any, Any]:
    """Networks of junk with the answer in one subnetwork, and its mask: one unit that adds two inputs."""
    first = rng.normal(size=(NETWORKS, INPUTS, HIDDEN))
    last = rng.normal(size=(NETWORKS, HIDDEN, 2))
    first[:, :2, 0], last[:, 0] = 1.5, (-3.0, 3.0)
    masks = [np.zeros_like(first), np.zeros_like(last)]
    masks[0][:, :2, 0] = masks[1][:, 0] = 1
    return _layers(first, last, 0.0), _layers(masks[0], masks[1], 1.0)


def _layers(first: Array, last: Array, bias: float) -> Any:
    return [
        {"w": jnp.asarray(w, jnp.float32), "b": jnp.full((NETWORKS, w.shape[-1]), bias)}
        for w in (first, last)
    ]


@pytest.fixture(scope="module")
def chosen() -> System:
    return telling(np.random.default_rng(0))


@pytest.fixture(scope="module")
def found(chosen: System) -> Strong:
    return strong_tickets(jax.random.key(0), chosen, wired(np.random.default_rng(1))[0], SEARCH, silent)


def test_a_wired_subnetwork_is_found_by_search_and_not_by_chance(chosen: System, found: Strong) -> None:
    """The planted mask answers all images; what searches find does nearly, random masks do not.

    Edge-popup stops short in some networks; exchanges do in none where few weights are left.
    """
    params, mask = wired(np.random.default_rng(1))

    def accuracy(networks: Any) -> Array:
        answers = probabilities_of(chosen.network, networks, chosen.task.probe.inputs).argmax(-1)
        return np.asarray((answers == chosen.labels).mean(axis=-1))

    assert accuracy(masked_params(params, mask)).min() == 1.0
    assert accuracy(params).mean() < 0.8
    for method in (POPUP, SWAPS):
        for right in found.right[method]:
            assert right.shape == (NETWORKS, 300)
            assert right.mean() > 0.93, method
    assert found.right[SWAPS][1].mean(axis=1).min() > 0.97
    assert all(accuracy_of(right).value < 0.8 for right in found.right[RANDOM])


def test_nothing_is_found_where_there_is_nothing(chosen: System) -> None:
    """Blind to the inputs that tell, a network has no good subnetwork, and no search makes one."""
    params = wired(np.random.default_rng(1))[0]
    params[0]["w"] = params[0]["w"].at[:, :2].set(0.0)
    found = strong_tickets(jax.random.key(0), chosen, params, SEARCH, silent)
    for rights in found.right.values():
        assert all(abs(right.mean() - 0.5) < 0.08 for right in rights)


def test_the_search_by_its_own_numbers(chosen: System, found: Strong) -> None:
    """Found masks beat random ones in training; what is reported and stored is what was found."""
    for method in (POPUP, SWAPS):
        for best, chance in zip(found.loss[method], found.loss[RANDOM], strict=True):
            assert (best < chance).all()
    assert all(0.01 < rate < 0.9 for rate in found.acceptance)
    assert all(0.9 < value < 5 for value in found.rhat)
    numbers = {number.name: number for number in strong_numbers("arm", found)}
    assert len(numbers) == 5 * len(SHARES)
    shown = numbers["arm: strong tickets by edge-popup, 0.2 of weights left: accuracy"]
    assert shown.value == pytest.approx(found.right[POPUP][1].mean())
    stored = stored_strong(found)
    assert {values.shape for values in stored.values()} == {(NETWORKS, 1, len(SHARES))}
    np.testing.assert_allclose(stored["exchanges_loss"][:, 0, 1], found.loss[SWAPS][1])
    graphs = strong_graphs("planted", {"arm": found})
    assert [list(graph.series) for graph in graphs] == [[POPUP, SWAPS, RANDOM]] * len(SHARES)
    assert graphs[1].series[SWAPS][0].value == pytest.approx(found.right[SWAPS][1].mean())


def test_random_masks_are_those_the_chains_start_from(chosen: System) -> None:
    """Losses of the masks that are handed on, computed again."""
    params = wired(np.random.default_rng(1))[0]
    masks = jax.tree.map(lambda leaf: jnp.tile(leaf[:, None], (4, 3, *[1] * (leaf.ndim - 1))), params)
    masks = jax.tree.map(
        lambda leaf: (jax.random.uniform(jax.random.key(3), leaf.shape) < 0.5).astype(float), masks
    )
    networks = jax.tree.map(lambda leaf: jnp.tile(leaf[:, None], (4, 3, *[1] * (leaf.ndim - 1))), params)
    losses = jax.vmap(jax.vmap(lambda one: loss(chosen.target, one)))(masked_params(networks, masks))

    class Holder:
        mask = jax.tree.map(np.asarray, masks)

    draws = Draws({}, {"loss": np.asarray(losses)}, Holder, ["ok"] * 32)
    table = np.asarray(losses).reshape(2, 2, NETWORKS, 3)  # share, chain, network, record
    twice = jax.tree.map(lambda leaf: jnp.tile(leaf, (2, *[1] * (leaf.ndim - 1))), params)
    for pick, expected in (
        (_best, table.transpose(0, 2, 1, 3).reshape(2, NETWORKS, 6).min(axis=-1)),
        (_first, table[:, 0, :, 0]),
    ):
        mask, given = pick(draws, (2, 2, NETWORKS))
        again = jax.vmap(lambda one: loss(chosen.target, one))(masked_params(twice, mask))
        np.testing.assert_allclose(again, expected.ravel(), rtol=1e-5)
        np.testing.assert_allclose(given, expected, rtol=1e-6)
