"""Selection among subnetworks: brute force, an answer wired into one, and walks that select nothing."""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compare import Verdict
from samplers import loss
from thermalize.claims.image_arms import System, system
from thermalize.claims.selection_rule import Mean, judge, mean_of, selection_of
from thermalize.claims.subnetworks import Of, Subnetworks, subnetworks
from thermalize.claims.subnetworks_selected import case_of, random_walk

type Array = np.ndarray
KEY = jax.random.key(4)
NUM_NETWORKS, NUM_MASKS, NUM_WIRED = 8, 400, 4


@pytest.fixture(scope="module")
def images() -> System:
    return system("digits", 0, 10, 16)


def start(chosen: System, number: int) -> Any:
    return chosen.network.init(jax.random.fold_in(KEY, number))


def stacked(*params: Any) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *params)


def wired(chosen: System, number: int) -> Any:
    """A network whose first units answer, by the best of linear answers; others talk as loudly at random."""
    params = start(chosen, number)
    x, y = (np.asarray(leaf) for leaf in chosen.task.train)
    hidden = np.tanh(x @ np.asarray(params[0]["w"]) + np.asarray(params[0]["b"]))
    best = np.linalg.lstsq(hidden[:, :NUM_WIRED], 4.0 * np.eye(10)[y], rcond=None)[0]
    last = np.asarray(params[1]["w"]).copy()
    last[:NUM_WIRED] = best * np.linalg.norm(last[NUM_WIRED:]) / np.linalg.norm(best) / np.sqrt(3)
    return [params[0], {"w": jnp.asarray(last, jnp.float32), "b": jnp.zeros(10)}]


def grown(params: Any, answer: float, others: float) -> Any:
    """The same with weights to and from the first units, and all others, multiplied."""
    factors = jnp.where(jnp.arange(params[0]["w"].shape[1]) < NUM_WIRED, answer, others)
    return [
        {"w": params[0]["w"] * factors[None, :], "b": params[0]["b"]},
        {"w": params[1]["w"] * factors[:, None], "b": params[1]["b"]},
    ]


def looked_at(chosen: System, paths: list[Any]) -> list[Subnetworks]:
    return [
        subnetworks(jax.random.fold_in(KEY, 100 + number), chosen.target, path, NUM_MASKS, 0.5, "units")
        for number, path in enumerate(paths)
    ]


def test_an_answer_wired_into_one_subnetwork_is_selected_when_it_grows(images: System) -> None:
    """And selected against when all but it grow; both are known beforehand, not fitted."""
    nets = [wired(images, number) for number in range(NUM_NETWORKS)]
    walked = looked_at(images, [random_walk(KEY, stacked(net, grown(net, 1.3, 1.0))) for net in nets])
    for answer, others, sign in ((1.3, 0.8, 1), (0.8, 1.3, -1)):
        paths = [stacked(net, grown(net, answer, others)) for net in nets]
        slope = mean_of(selection_of(looked_at(images, paths), walked, 0).slope)
        low, high = slope.interval()
        assert low > 0.2 if sign > 0 else high < -0.2, slope


def test_walks_that_select_nothing_have_no_slope(images: System) -> None:
    """Sixteen walks of two lengths; one of the two 99.9 % intervals misses zero once in 500 seeds."""
    for far in (0.3, 2.0):
        starts = [start(images, number) for number in range(16)]
        paths = [stacked(one, jax.tree.map(partial(jnp.multiply, 1 + far), one)) for one in starts]
        walks = [random_walk(jax.random.fold_in(KEY, 7 + i), path) for i, path in enumerate(paths)]
        found = looked_at(images, walks)
        slope = mean_of(selection_of(found, found, 0).slope)
        low, high = slope.interval(0.999)
        assert low < 0 < high, slope
        assert slope.error < 0.1  # a slope of 0.3 would be seen


def test_price_terms_add_up_to_the_change_of_mean_quality(images: System) -> None:
    paths = [stacked(start(images, i), start(images, 50 + i)) for i in range(3)]
    found = looked_at(images, paths)
    terms = selection_of(found, found, 0)
    np.testing.assert_allclose(terms.selection + terms.transmission, terms.change, atol=1e-9)
    for each, change in zip(found, terms.change, strict=True):
        means = [
            np.average(each.quality[:, at].astype(float), weights=each.strength[:, at]) for at in (0, -1)
        ]
        assert change == pytest.approx(means[1] - means[0], abs=1e-6)


@pytest.mark.parametrize(("of", "kept"), [("weights", 0.5), ("units", 0.25)])
def test_quality_and_strength_by_hand(of: Of, kept: float, images: System) -> None:
    """Quality of a network that is masked already is its own where the mask is found from its zeros."""
    path = stacked(start(images, 0), start(images, 1))
    found = subnetworks(KEY, images.target, path, 6, kept, of)
    assert found.quality.shape == found.strength.shape == (6, 2)
    assert not found.lost.any()
    ones = jax.tree.map(jnp.ones_like, path)
    counted = subnetworks(KEY, images.target, ones, 6, kept, of)
    fan_in = np.array([64, 16])  # a weight of one is worth its fan-in in units of the prior
    kept_weights = (64 * 16 * kept, 160 * kept) if of == "weights" else (64 * 16, 160 * kept)
    np.testing.assert_allclose(counted.strength, (fan_in * kept_weights).sum(), rtol=1e-5)
    whole = -float(loss(images.target, jax.tree.map(lambda leaf: leaf[0], path)))
    nearly = subnetworks(KEY, images.target, path, 4, 0.9999, of)
    np.testing.assert_allclose(nearly.quality[:, 0], whole, rtol=1e-5)
    again = subnetworks(KEY, images.target, jax.tree.map(lambda leaf: leaf[:1], path), 6, kept, of)
    np.testing.assert_allclose(again.quality[:, 0], found.quality[:, 0], rtol=1e-5)


def test_subnetworks_without_a_path_are_counted(images: System) -> None:
    path = stacked(start(images, 0))
    found = subnetworks(KEY, images.target, path, 20, 0.004, "weights")  # one weight of the last layer
    assert found.lost.any()
    assert not found.lost.all()


def test_a_random_walk_goes_as_far_as_training(images: System) -> None:
    path = stacked(start(images, 0), start(images, 1), start(images, 2))
    ends = random_walk(KEY, path)
    for walk, leaf in zip(jax.tree.leaves(ends), jax.tree.leaves(path), strict=True):
        assert (walk[0] == leaf[0]).all()
        far = [float(jnp.sqrt(jnp.mean((end - leaf[0]) ** 2))) for end in (walk[-1], leaf[-1])]
        assert far[0] == pytest.approx(far[1], rel=5 / np.sqrt(2 * leaf[0].size))


def test_few_networks_and_wrong_arguments(images: System) -> None:
    case = case_of("digits", {}, [], [], 0)
    assert (case.verdict, case.numbers) == (Verdict.INCONCLUSIVE, [])
    assert "networks that trained: 0, needed 6" in case.reason
    assert judge(Mean(0.1, 0.001, 16), Mean(0.0, 1.0, 16))[0] == Verdict.INCONCLUSIVE
    path = stacked(start(images, 0))
    for kept in (0.0, 1.0, float("nan")):
        with pytest.raises(
            ValueError, match=f"kept must be between 0 and 1, got {kept}: .* share of weights"
        ):
            subnetworks(KEY, images.target, path, 2, kept)
    other = replace(images.target, prior_scale=None)
    with pytest.raises(ValueError, match="centred Gaussian prior"):
        subnetworks(KEY, other, path, 2, 0.5)
