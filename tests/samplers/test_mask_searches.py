"""Searches over masks: the law of exchanges by enumeration, edge-popup by hand, what is kept, refusals."""

from functools import partial
from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2, ncx2

from models import (
    Batch,
    Masked,
    bayesian_model,
    categorical,
    frozen_network,
    gaussian_prior,
    mask_of_scores,
    masked_params,
    mlp,
    random_scores,
)
from samplers import Draws, Sampler, Target, edge_popup, loss, mask_swaps, posterior, sample_from

type Array = np.ndarray
KEY = jax.random.key(3)
NETWORK = mlp([3, 2, 2])
FROZEN = frozen_network(NETWORK)
MODEL = bayesian_model(FROZEN, gaussian_prior(FROZEN), categorical())
NUM_CHAINS, FALSE_ALARM = 8192, 1e-5


def target(beta: float = 1.0, num: int = 12) -> Target:
    key_inputs, key_labels = jax.random.split(jax.random.key(7))
    inputs = jax.random.normal(key_inputs, (num, 3))
    return posterior(
        MODEL, Batch(inputs, jax.random.randint(key_labels, (num,), 0, 2)), num_data=num, beta=beta
    )


WEIGHTS = jax.tree.map(lambda leaf: 2 * leaf, NETWORK.init(jax.random.key(11)))


def every_mask() -> Any:
    """All masks ``(mask, ...)`` that keep 3 of 6 and 2 of 4 weights."""
    rows: list[list[Array]] = [[], []]
    for first in combinations(range(6), 3):
        for second in combinations(range(4), 2):
            for row, kept, size in zip(rows, (first, second), (6, 4), strict=True):
                row.append(np.isin(np.arange(size), kept).astype(np.float32))
    num = len(rows[0])
    shapes = ((3, 2), (2, 2))
    return [
        {"w": jnp.asarray(np.stack(row)).reshape(num, *shape), "b": jnp.ones((num, 2))}
        for row, shape in zip(rows, shapes, strict=True)
    ]


def number_of(masks: Any) -> Array:
    """Bits of the masks as one number each."""
    bits = np.concatenate([np.asarray(layer["w"]).reshape(len(layer["w"]), -1) for layer in masks], axis=1)
    return np.asarray((bits.astype(int) * 2 ** np.arange(bits.shape[1])).sum(axis=1))


def with_weights(masks: Any) -> Masked:
    num = len(masks[0]["w"])
    return Masked(jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (num, *leaf.shape)), WEIGHTS), masks)


def masked(found: Draws) -> Any:
    return found.params


def exact_law(wanted: Target) -> Array:
    losses = np.asarray(jax.vmap(partial(loss, wanted))(with_weights(every_mask())), float)
    weights = np.exp(-float(wanted.beta) * float(wanted.num_data) * (losses - losses.min()))
    return np.asarray(weights / weights.sum())


def statistic(found: Any, law: Array) -> tuple[float, int]:
    """Pearson's statistic of masks found against a law, cells below 5 pooled, and its degrees of freedom."""
    names = number_of(every_mask())
    counts = np.array([(number_of(found) == name).sum() for name in names])
    assert counts.sum() == len(number_of(found))
    small = law * NUM_CHAINS < 5
    pooled = [np.append(values[~small], values[small].sum()) for values in (counts, NUM_CHAINS * law)]
    return float(((pooled[0] - pooled[1]) ** 2 / np.maximum(pooled[1], 1e-9)).sum()), len(pooled[0]) - 1


def power(law: Array, other: Array) -> float:
    shift = NUM_CHAINS * float(((other - law) ** 2 / law).sum())
    return float(ncx2.sf(chi2.isf(FALSE_ALARM, len(law) - 1), len(law) - 1, shift))


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_the_law_of_exchanges_by_enumeration(beta: float) -> None:
    """Chains from one mask reach ``p(mask)``, and one step from the law leaves it there.

    False alarm 1e-5 a statistic. A law at 0.8 of its inverse temperature would be seen with power 0.99.
    """
    wanted, masks = target(beta), every_mask()
    law = exact_law(wanted)
    assert len(law) == 120
    one = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[:1], (NUM_CHAINS, *leaf.shape[1:])), masks)
    rows = np.random.default_rng(0).choice(len(law), NUM_CHAINS, p=law)
    exact = jax.tree.map(lambda leaf: leaf[rows], masks)
    for start, num_steps in ((one, 60), (exact, 1)):
        found = sample_from(KEY, mask_swaps(), wanted, with_weights(start), [num_steps], block=4096)
        value, free = statistic(jax.tree.map(lambda leaf: leaf[:, 0], masked(found).mask), law)
        assert chi2.sf(value, free) > FALSE_ALARM
        rate = found.stats["acceptance_rate"]
        assert (rate == 1).all() if beta == 0 else 0.2 < rate.mean() < 0.9
    moved = number_of(jax.tree.map(lambda leaf: leaf[:, 0], masked(found).mask)) != number_of(exact)
    assert abs(moved.mean() - rate.mean()) < 5 * 0.5 / NUM_CHAINS**0.5
    if beta:
        assert power(law, exact_law(target(0.8 * beta))) > 0.99
        before, free = statistic(one, law)
        assert chi2.sf(before, free) < FALSE_ALARM


def starts(num: int, share: float) -> Masked:
    masks = jax.vmap(lambda key: mask_of_scores(random_scores(key, WEIGHTS), 1 - share))(
        jax.random.split(KEY, num)
    )
    return with_weights(masks)


@pytest.mark.parametrize("sampler", [mask_swaps(), edge_popup(0.5, batch_size=4)], ids=["swaps", "popup"])
def test_weights_are_held_and_their_number_is_kept(sampler: Sampler) -> None:
    begun = starts(5, 0.5)
    begun.mask[1]["w"] = jnp.ones_like(begun.mask[1]["w"])  # a layer of which nothing is cut
    found = sample_from(KEY, sampler, target(), begun, [0, 7, 30])
    for layer, kept in zip(masked(found).mask, (3, 4), strict=True):
        assert (np.asarray(layer["w"]).sum(axis=(2, 3)) == kept).all()
        assert set(np.unique(layer["w"])) <= {0.0, 1.0}
        assert (np.asarray(layer["b"]) == 1).all()
    for leaf, held in zip(jax.tree.leaves(masked(found).params), jax.tree.leaves(WEIGHTS), strict=True):
        assert (np.asarray(leaf) == np.asarray(held)).all()
    assert (np.asarray(masked(found).mask[0]["w"][:, 2]) != np.asarray(begun.mask[0]["w"])).any()
    whole = with_weights(jax.tree.map(jnp.ones_like, begun.mask))  # nothing to exchange
    stays = sample_from(KEY, sampler, target(), whole, [0, 7, 30])
    assert all((np.asarray(leaf) == 1).all() for leaf in jax.tree.leaves(masked(stays).mask))


def test_edge_popup_by_hand() -> None:
    """Scores move by weight times gradient with momentum, and the highest are kept; the gradient in numpy."""
    begun, wanted = starts(1, 0.5), target()
    kernel = edge_popup(0.7, 0.5).kernel(wanted, ())
    state = kernel.init(KEY, jax.tree.map(lambda leaf: leaf[0], begun))
    scores = [np.asarray(layer["w"], float) for layer in state.scores]
    speed = [np.zeros_like(score) for score in scores]
    x, y = np.asarray(wanted.data.inputs, float), np.asarray(wanted.data.targets)
    (w1, b1), (w2, b2) = ((np.asarray(layer["w"], float), np.asarray(layer["b"], float)) for layer in WEIGHTS)
    step = jax.jit(kernel.step)
    for number in range(6):
        masks = [_top(score, kept) for score, kept in zip(scores, (3, 2), strict=True)]
        for layer, mask in zip(kernel.position(state).mask, masks, strict=True):
            assert (np.asarray(layer["w"]) == mask).all()
        hidden = np.tanh(x @ (masks[0] * w1) + b1)
        logits = hidden @ (masks[1] * w2) + b2
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        error = (p - np.eye(2)[y]) / len(y)
        back = error @ (masks[1] * w2).T * (1 - hidden**2)
        slopes = [w1 * (x.T @ back), w2 * (hidden.T @ error)]
        speed = [0.5 * v + g for v, g in zip(speed, slopes, strict=True)]
        scores = [s - 0.7 * v for s, v in zip(scores, speed, strict=True)]
        state, info = step(jax.random.fold_in(KEY, number), state)
        assert float(info["objective"]) == pytest.approx(-np.log(p[np.arange(len(y)), y]).mean(), rel=1e-5)
        for layer, score in zip(state.scores, scores, strict=True):
            np.testing.assert_allclose(layer["w"], score, rtol=1e-4, atol=1e-6)


def _top(score: Array, kept: int) -> Array:
    return np.asarray((score >= np.sort(score.ravel())[-kept]).astype(float))


def test_gradients_reach_the_mask_of_a_frozen_network_alone() -> None:
    one, x = jax.tree.map(lambda leaf: leaf[0], starts(1, 0.5)), jnp.ones(3)
    np.testing.assert_allclose(FROZEN.apply(one, x), NETWORK.apply(masked_params(*one), x), rtol=1e-6)

    def output(found: Masked) -> jax.Array:
        return FROZEN.apply(found, x)[0]

    slope = jax.grad(output)(one)
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(slope.params))
    inner = jax.grad(lambda params: NETWORK.apply(params, x)[0])(masked_params(*one))
    for layer, weights, expected in zip(slope.mask, one.params, inner, strict=True):
        np.testing.assert_allclose(layer["w"], weights["w"] * expected["w"], rtol=1e-5)
        assert (layer["w"] != 0).any()


@pytest.mark.parametrize("sampler", [mask_swaps(), edge_popup(batch_size=4)], ids=["swaps", "popup"])
def test_keys_are_used_once(sampler: Sampler) -> None:
    def stages(key: jax.Array, begun: Masked) -> Any:
        key_init, key_step = jax.random.split(key)
        kernel = sampler.kernel(target(), ())
        return kernel.step(key_step, kernel.init(key_init, begun))

    begun = jax.tree.map(lambda leaf: leaf[0], starts(1, 0.5))
    with jax.debug_key_reuse(True):
        jax.eval_shape(stages, jax.random.key(1), begun)


def test_refused() -> None:
    with pytest.raises(ValueError, match="num_steps_per_draw must be a whole number of at least 1, got 0"):
        mask_swaps(0)
    with pytest.raises(ValueError, match="learning_rate must be positive and finite, got 0"):
        edge_popup(0.0)
    with pytest.raises(ValueError, match="momentum must be from 0 to below 1, got 1"):
        edge_popup(momentum=1.0)
    with pytest.raises(ValueError, match="batch_size must be a whole number"):
        edge_popup(batch_size=0)
    with pytest.raises(
        ValueError, match="batch_size must be at most the number of training rows, 12, got 13"
    ):
        edge_popup(batch_size=13).kernel(target(), ())
