"""Shares that can be cut: planted networks, brute force, regressions, refusals."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from samplers import Target
from samplers.volume import cuttable_share

from .problems import classes, line


def planted(needed: int, spare: int, flip: bool) -> tuple[Target, Any]:
    """A linear classifier of ``needed`` inputs that each decide one example, and ``spare`` that decide none.

    The needed weights are large, or, with ``flip``, smaller than the others.
    """
    size = needed + spare
    inputs = jnp.concatenate([jnp.eye(needed), jnp.zeros((needed, spare))], axis=1)
    weights = jnp.where((jnp.arange(size) < needed) != flip, 2.0, 0.5) * (1 + 0.01 * jnp.arange(size))
    target = Target(
        lambda params: jnp.zeros(()),
        lambda params, x: (x @ params[0]["w"])[:, 0],
        lambda params, x: (x @ params[0]["w"])[:, 0] <= 0,
        lambda key: None,
        inputs,
        jnp.asarray(float(needed)),
        jnp.ones(()),
        None,
    )
    return target, [{"w": weights[None, :, None], "b": jnp.ones((1, 1))}]


def test_planted_networks() -> None:
    """All spare weights go before the first needed one; none where the needed ones are smallest."""
    target, params = planted(5, 15, flip=False)
    found = cuttable_share(jax.random.key(0), target, params, num_orders=4000)
    assert found.magnitude.tolist() == [0.75]
    assert found.weights == 20
    # In random order the first needed weight comes, on average, after 15 / 6 spare ones.
    assert abs(found.random[0] * 20 - 15 / 6) < 0.2
    target, params = planted(5, 15, flip=True)
    assert cuttable_share(jax.random.key(0), target, params).magnitude.tolist() == [0.0]


def test_a_network_by_brute_force() -> None:
    target = classes().target
    draws = jax.vmap(target.sample_prior)(jax.random.split(jax.random.key(1), 3))
    found = cuttable_share(jax.random.key(2), target, draws)
    for k, share in enumerate(found.magnitude):
        params = jax.tree.map(lambda leaf, k=k: np.array(leaf[k]), draws)
        units = [
            (abs(value) / scale["w"][place], layer, place)
            for layer, scale in enumerate(jax.tree.map(np.asarray, target.prior_scale))
            for place, value in np.ndenumerate(params[layer]["w"])
        ]
        assert target.errors is not None
        errors = int(target.errors(params, target.data).sum())
        cut = 0
        for _, layer, place in sorted(units, key=lambda unit: unit[0]):
            params[layer]["w"][place] = 0
            if int(target.errors(params, target.data).sum()) > errors:
                break
            cut += 1
        assert share == pytest.approx(cut / len(units))


def test_a_regression_needs_a_tolerance() -> None:
    target = line().target
    params = [{"w": jnp.array([[[1.0], [1e-4]]]), "b": jnp.full((1, 1), 0.5)}]
    with pytest.raises(ValueError, match="a regression has no training errors: give a tolerance"):
        cuttable_share(jax.random.key(0), target, params)
    with pytest.raises(ValueError, match=r"tolerance must be finite and not negative, got -1"):
        cuttable_share(jax.random.key(0), target, params, tolerance=-1)
    assert cuttable_share(jax.random.key(0), target, params, tolerance=0.01).magnitude.tolist() == [0.5]
    with pytest.raises(ValueError, match="no weight to cut"):
        cuttable_share(jax.random.key(0), target, [{"b": jnp.ones((1, 1))}], tolerance=0.1)
