"""Damage: exact counts, lowest scores first, nesting, identities, and gradients that respect a mask."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from models import (
    Masked,
    empty_layers,
    jittered,
    magnitude_scores,
    mask_of_scores,
    masked_network,
    masked_params,
    mlp,
    quantised,
    random_scores,
    saliency_scores,
    unit_mask,
)

KEY = jax.random.key(3)
NETWORK = mlp([20, 12, 8, 3])
PARAMS = NETWORK.init(KEY)
SIZES = [240, 96, 24]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.99, 1.0])
def test_so_many_weights_of_every_layer_go_and_no_bias(share: float) -> None:
    for scores in (magnitude_scores(PARAMS), random_scores(KEY, PARAMS)):
        mask = mask_of_scores(scores, share)
        cut = [int((layer["w"] == 0).sum()) for layer in mask]
        assert cut == [round(share * size) for size in SIZES]
        assert all((layer["b"] == 1).all() for layer in mask)
    assert empty_layers(mask).tolist() == [
        share == 1,
        share == 1,
        share in (0.99, 1.0) and round(24 * share) == 24,
    ]


def test_the_lowest_scores_go() -> None:
    gradient = NETWORK.init(jax.random.key(4))
    for scores in (magnitude_scores(PARAMS), saliency_scores(PARAMS, gradient)):
        mask = mask_of_scores(scores, 0.4)
        for score, layer in zip(scores, mask, strict=True):
            kept, cut = score["w"][layer["w"] == 1], score["w"][layer["w"] == 0]
            assert cut.max() <= kept.min()
    by_hand = np.abs(np.asarray(PARAMS[0]["w"]) * np.asarray(gradient[0]["w"]))
    np.testing.assert_allclose(saliency_scores(PARAMS, gradient)[0]["w"], by_hand)


def test_saliency_is_the_change_of_the_loss_to_first_order() -> None:
    x = jax.random.normal(KEY, (20,))

    def loss(params: list[dict[str, jax.Array]]) -> jax.Array:
        return jnp.sum(NETWORK.apply(params, x) ** 2)

    scores = saliency_scores(PARAMS, jax.grad(loss)(PARAMS))
    small = 1e-3  # of the weight removed
    less = [dict(layer) for layer in PARAMS]
    less[1]["w"] = less[1]["w"].at[2, 5].multiply(1 - small)
    change = abs(float(loss(less) - loss(PARAMS))) / small
    assert change == pytest.approx(float(scores[1]["w"][2, 5]), rel=0.05)


def test_random_cuts_are_uniform_and_nest() -> None:
    masks = jax.vmap(lambda key: mask_of_scores(random_scores(key, PARAMS), 0.25))(jax.random.split(KEY, 400))
    often = np.asarray((masks[2]["w"] == 0).sum(0)).ravel()
    assert often.sum() == 400 * 6
    assert stats.chisquare(often).pvalue > 1e-4
    small, large = (mask_of_scores(random_scores(KEY, PARAMS), share) for share in (0.2, 0.6))
    assert all((b["w"][a["w"] == 0] == 0).all() for a, b in zip(small, large, strict=True))


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_units_knocked_out_say_nothing(share: float) -> None:
    mask = unit_mask(KEY, PARAMS, share)
    assert (mask[0]["w"] == 1).all()
    for layer, width in zip(mask[1:], (12, 8), strict=True):
        rows = np.asarray(layer["w"])
        assert (rows == rows[:, :1]).all()
        assert (rows[:, 0] == 0).sum() == round(share * width)
    cut = masked_params(PARAMS, mask)
    changed = [dict(layer) for layer in cut]
    dead = np.asarray(mask[1]["w"])[:, 0] == 0
    changed[0]["w"] = jnp.where(dead[None, :], 100.0, changed[0]["w"])
    x = jnp.ones(20)
    np.testing.assert_allclose(NETWORK.apply(cut, x), NETWORK.apply(changed, x), rtol=1e-6)


def test_jitter_is_as_strong_as_it_says() -> None:
    wide = mlp([300, 200]).init(KEY)
    moved = jittered(jax.random.key(9), wide, 0.3)
    noise = np.asarray(moved[0]["w"] - wide[0]["w"]) / float(jnp.sqrt(jnp.mean(wide[0]["w"] ** 2)))
    assert noise.std() == pytest.approx(0.3, rel=5 / np.sqrt(2 * noise.size))
    assert (moved[0]["b"] == wide[0]["b"]).all()
    assert (jittered(KEY, wide, 0.0)[0]["w"] == wide[0]["w"]).all()


@pytest.mark.parametrize("bits", [2, 3, 5])
def test_quantised_weights_have_so_many_levels_and_are_the_nearest(bits: int) -> None:
    weights = np.asarray(PARAMS[0]["w"], float)
    levels = np.linspace(-1, 1, 2**bits - 1) * np.abs(weights).max()
    nearest = levels[np.abs(weights[..., None] - levels).argmin(-1)]
    np.testing.assert_allclose(quantised(PARAMS, bits)[0]["w"], nearest, atol=1e-6)
    assert (quantised(PARAMS, bits)[0]["b"] == PARAMS[0]["b"]).all()
    np.testing.assert_allclose(quantised(PARAMS, 20)[0]["w"], weights, atol=1e-5)


def test_a_masked_network_trains_what_is_left() -> None:
    mask = mask_of_scores(magnitude_scores(PARAMS), 0.5)
    network = masked_network(NETWORK)
    x = jax.random.normal(KEY, (20,))
    start = Masked(PARAMS, mask)
    np.testing.assert_allclose(
        network.apply(start, x), NETWORK.apply(masked_params(PARAMS, mask), x), rtol=1e-6
    )
    assert network.apply_columns is not None
    np.testing.assert_allclose(
        network.apply_columns(start, x[:, None])[:, 0], network.apply(start, x), rtol=1e-5
    )
    gradient = jax.grad(lambda params: jnp.sum(network.apply(params, x) ** 2))(start)
    assert all((g["w"][m["w"] == 0] == 0).all() for g, m in zip(gradient.params, mask, strict=True))
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(gradient.mask))
    assert all((g["w"] != 0).any() for g in gradient.params)


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_shares_are_shares(share: float) -> None:
    with pytest.raises(ValueError, match=f"share must be from 0 to 1, got {share}: .*for half give 0.5"):
        mask_of_scores(PARAMS, share)
    with pytest.raises(ValueError, match=f"share must be from 0 to 1, got {share}"):
        unit_mask(jax.random.key(0), PARAMS, share)


def test_noise_and_levels_make_sense() -> None:
    with pytest.raises(ValueError, match=r"strength must not be negative, got -0\.5"):
        jittered(jax.random.key(0), PARAMS, -0.5)
    with pytest.raises(ValueError, match="bits must be more than 1, got 1"):
        quantised(PARAMS, 1)
