"""The zero-one posterior by chains: its law against rejection, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models import (
    Batch,
    bayesian_model,
    bernoulli,
    boolean_inputs,
    boolean_labels,
    boolean_task,
    gaussian,
    gaussian_prior,
    laplace_prior,
    mlp,
    parity,
)
from samplers import loss, posterior, reject, sample, zero_one_slice
from samplers.zero_one import _descend

NETWORK = mlp([3, 8, 1], "relu")
MODEL = bayesian_model(NETWORK, gaussian_prior(NETWORK), bernoulli())
TASK = boolean_task(jax.random.key(2), parity(3), 3)
TARGET = posterior(MODEL, TASK.train, num_data=3)
INPUTS = jnp.asarray(boolean_inputs(3))


def observe(params: object, inputs: jax.Array) -> dict[str, jax.Array]:
    return {"labels": boolean_labels(NETWORK)(params, inputs)}


def errors_apart(labels: np.ndarray | jax.Array, losses: np.ndarray | jax.Array) -> np.ndarray:
    """Standard errors between networks and rejection: the labels that vary, then the loss."""
    exact, _ = reject(jax.random.key(1), TARGET, observe, INPUTS, num_accepted=4096)
    ours = np.column_stack([labels.reshape(-1, 8), losses.reshape(-1)])
    truth = np.column_stack([exact.observed["labels"].reshape(-1, 8), exact.stats["loss"].reshape(-1)])
    varies = truth.std(axis=0) > 0
    assert varies.sum() == 6  # five labels and the loss
    error = np.sqrt(ours.var(axis=0) / len(ours) + truth.var(axis=0) / len(truth))[varies]
    return np.asarray(np.abs(ours.mean(axis=0) - truth.mean(axis=0))[varies] / error)


@pytest.mark.certify
def test_chains_forget_training_and_agree_with_rejection() -> None:
    """One draw of each of 1,024 chains, independent. False alarm 6e-7 for each of 6 scores; the same
    scores tell where the chains start, the ends of a descent, from the law.
    """
    sampler = zero_one_slice(num_warmup=200, num_steps_per_draw=1)
    draws = sample(
        jax.random.key(0), sampler, TARGET, observe, INPUTS, num_chains=1024, num_draws=1, block=64
    )
    assert draws.stats["train_error"].max() == 0
    assert errors_apart(draws.observed["labels"], draws.stats["loss"]).max() < 5
    start = jax.vmap(lambda key: _descend(TARGET, MODEL.sample_prior(key), 0.1, 20_000))
    params = start(jax.random.split(jax.random.key(2), 1024))
    labels = jax.vmap(lambda p: observe(p, INPUTS)["labels"])(params)
    losses = jax.vmap(lambda p: loss(TARGET, p))(params)
    assert errors_apart(labels, losses).max() > 10


def test_refused() -> None:
    with pytest.raises(ValueError, match="num_warmup"):
        zero_one_slice(num_warmup=0)
    with pytest.raises(ValueError, match="learning_rate must be positive and finite, got 0"):
        zero_one_slice(learning_rate=0.0)
    heavy = posterior(bayesian_model(NETWORK, laplace_prior(NETWORK), bernoulli()), TASK.train, num_data=3)
    with pytest.raises(ValueError, match="centred Gaussian prior"):
        zero_one_slice().kernel(heavy, ())
    line = mlp([1, 1])
    regression = bayesian_model(line, gaussian_prior(line), gaussian(0.1))
    target = posterior(regression, Batch(jnp.ones((2, 1)), jnp.ones(2)), num_data=2)
    with pytest.raises(ValueError, match="need labels"):
        zero_one_slice(num_warmup=1).warmup(jax.random.key(0), target, line.init(jax.random.key(1)))
