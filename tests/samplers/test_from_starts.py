"""Training from given starts: gradient descent in closed form, recording, keys, refusals."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from samplers import Target, optimiser, sample_from, train_from
from samplers.target import draw_batch

KEY = jax.random.key(5)
WHOLE, BATCHED = optimiser(optax.sgd(0.2)), optimiser(optax.sgd(0.1), batch_size=2)


def quadratic(data: Any) -> Target:
    """Minus half the squared distance from each datum, ``(n,)`` nats."""
    one = jnp.ones(())
    return Target(
        lambda t: jnp.zeros(()), lambda t, x: -((x - t) ** 2) / 2, None, lambda key: one, data, one, one, None
    )


def test_gradient_descent_in_closed_form() -> None:
    """``theta_k = mean + (1 - eps)^k (theta_0 - mean)``; no draw depends on which others are recorded."""
    starts = np.array([1.0, -2.0, 5.0])
    found = train_from(KEY, WHOLE, quadratic(jnp.array([0.0, 4.0])), starts, [0, 3, 10])
    np.testing.assert_allclose(
        np.asarray(found.params), 2 + 0.8 ** np.array([0, 3, 10]) * (starts[:, None] - 2), rtol=1e-5
    )
    by_hand = ((np.asarray(found.params) - 0.0) ** 2 + (np.asarray(found.params) - 4.0) ** 2) / 4
    np.testing.assert_allclose(found.stats["loss"], by_hand, rtol=1e-5)
    alone = train_from(KEY, WHOLE, quadratic(jnp.array([0.0, 4.0])), starts, [10])
    np.testing.assert_allclose(np.asarray(alone.params)[:, 0], np.asarray(found.params)[:, 2], rtol=1e-6)


def test_batches_depend_on_key_number_and_step_alone() -> None:
    data = jnp.arange(7.0)
    starts = jnp.zeros(3)
    found = train_from(KEY, BATCHED, quadratic(data), starts, [1, 2, 4])
    for number in range(3):
        own, theta, by_hand = jax.random.fold_in(KEY, number), 0.0, []
        for step in range(4):
            batch = draw_batch(jax.random.fold_in(own, step), data, 2)
            theta = theta - 0.1 * (theta - float(batch.mean()))
            by_hand.append(theta)
        np.testing.assert_allclose(np.asarray(found.params)[number], np.array(by_hand)[[0, 1, 3]], rtol=1e-5)
    blocks = train_from(KEY, BATCHED, quadratic(data), starts, [1, 2, 4], block=1)
    np.testing.assert_allclose(np.asarray(found.params), np.asarray(blocks.params), rtol=1e-6)


def test_info_is_the_mean_over_steps_and_changes_nothing() -> None:
    target = quadratic(jnp.array([0.0, 4.0]))
    found = sample_from(KEY, WHOLE, target, jnp.array([1.0]), [0, 1, 3])
    every = train_from(KEY, WHOLE, target, jnp.array([1.0]), [0, 1, 2, 3])
    first, second, third = every.stats["loss"][0, :3]
    np.testing.assert_allclose(found.stats["objective"][0], [0, first, (second + third) / 2], rtol=1e-6)
    assert (np.asarray(found.params) == np.asarray(every.params)[:, [0, 1, 3]]).all()
    assert every.stats.keys() == {"loss"}


def test_what_diverges_says_when() -> None:
    wild = optimiser(optax.sgd(1e30))
    found = train_from(KEY, wild, quadratic(jnp.array([0.0])), jnp.array([0.0, 1.0]), [0, 1, 5])
    assert found.status == ["ok", "diverged: loss not finite after 1 steps"]


@pytest.mark.parametrize("steps", [[], [-1, 2], [3, 3]])
def test_steps_grow(steps: list[int]) -> None:
    with pytest.raises(ValueError, match=r"steps must grow from zero or more, got .*: give \[0, 100, 1000\]"):
        train_from(KEY, WHOLE, quadratic(jnp.array([0.0])), jnp.zeros(2), steps)
