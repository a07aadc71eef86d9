"""Optimisers whose settings are data do what those do whose settings are compiled in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models import bayesian_model, bernoulli, boolean_task, gaussian_prior, majority, mlp
from samplers import Stop, optimise_through, posterior
from samplers.dials import Dialled, dialled, dialled_optimiser, row_weights
from samplers.named import optax_optimiser

NETWORK = mlp([3, 6, 1])
MODEL = bayesian_model(NETWORK, gaussian_prior(NETWORK), bernoulli())
TRAIN = boolean_task(0, majority(3), 5).train


def with_dials(
    learning_rate: float = 0.1,
    batch_size: int | None = None,
    prior_weight: float = 0.0,
    start_scale: float = 1.0,
) -> Dialled:
    return dialled(
        TRAIN.inputs,
        TRAIN.targets,
        learning_rate=learning_rate,
        batch_size=batch_size,
        prior_weight=prior_weight,
        start_scale=start_scale,
    )


def walk(sampler: object, target: object, start: object, num_steps: int) -> list[np.ndarray]:
    kernel = sampler.kernel(target, ())  # type: ignore[attr-defined]
    state = kernel.init(jax.random.key(0), start)
    step = jax.jit(kernel.step)
    for number in range(num_steps):
        state, _ = step(jax.random.key(number), state)
    return [np.asarray(leaf) for leaf in jax.tree.leaves(kernel.position(state))]


@pytest.mark.parametrize(
    ("name", "rate", "weight"),
    [("sgd", 0.3, 0.0), ("sgd", 0.1, 1.0), ("adam", 0.02, 1.0), ("momentum", 0.05, 0.5)],
)
def test_steps_are_those_of_the_compiled_optimiser(name: str, rate: float, weight: float) -> None:
    start = MODEL.sample_prior(jax.random.key(1))
    data = with_dials(learning_rate=rate, prior_weight=weight)
    found = walk(dialled_optimiser(name), posterior(MODEL, data, num_data=5), start, 20)
    optax_name, settings = ("sgd", (("momentum", 0.9),)) if name == "momentum" else (name, ())
    plain = optax_optimiser(optax_name, rate, settings, None, weight)
    wanted = walk(plain, posterior(MODEL, TRAIN, num_data=5), start, 20)
    for left, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)
    assert (
        max(np.abs(np.asarray(s) - w).max() for s, w in zip(jax.tree.leaves(start), wanted, strict=True))
        > 0.05
    )


def test_minibatch_weights_are_those_of_draws_with_replacement() -> None:
    """Mean 1/n, and the covariance of a multinomial over B; 5 standard errors of 4,000 draws."""
    num, size = 6, 3
    keys = jax.random.split(jax.random.key(0), 4000)
    weights = np.asarray(jax.vmap(lambda key: row_weights(key, jnp.asarray(3.0), num, num))(keys))
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    assert np.abs(weights.mean(axis=0) - 1 / num).max() < 5 * np.sqrt(5 / 36 / size / 4000)
    wanted = (np.eye(num) / num - 1 / num**2) / size
    assert np.abs(np.cov(weights.T) - wanted).max() < 0.006
    assert set(np.unique(np.round(weights * size)).tolist()) == {0.0, 1.0, 2.0, 3.0}


def test_the_start_is_scaled_and_the_queue_takes_dials() -> None:
    sampler, target = dialled_optimiser("sgd"), posterior(MODEL, with_dials(start_scale=0.5), num_data=5)
    start = MODEL.sample_prior(jax.random.key(1))
    position, tuning = sampler.warmup(jax.random.key(2), target, start)
    assert tuning == ()
    for left, right in zip(jax.tree.leaves(position), jax.tree.leaves(start), strict=True):
        np.testing.assert_allclose(left, 0.5 * right)
    found = optimise_through(
        jax.random.key(0),
        sampler,
        posterior(MODEL, with_dials(0.5, batch_size=2), num_data=5),
        lambda params, x: {"output": MODEL.apply(params, x)},
        TRAIN.inputs[0],
        num_endpoints=20,
        stops=[Stop("first_fit", max_steps=3000)],
    )
    ok = np.array([status == "ok" for status in found[0].status])
    assert ok.mean() > 0.5
    assert (np.asarray(found[0].stats["train_error"])[ok] == 0).all()


def test_refusals() -> None:
    for settings, says in (
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"start_scale": float("nan")}, "start_scale must be positive"),
        ({"prior_weight": -1.0}, "prior_weight must be finite"),
        ({"batch_size": 6}, "batch_size must be from 1 to the 5"),
    ):
        with pytest.raises(ValueError, match=says):
            with_dials(**settings)
    with pytest.raises(ValueError, match="must be one of sgd, momentum, adam"):
        dialled_optimiser("adamm")
