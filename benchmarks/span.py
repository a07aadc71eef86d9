"""The first layer in the span of the data, against the same networks trained in their weights.

784-64-1 ReLU networks on MNIST images, odd against even, by plain SGD to zero training
errors: fewer images than pixels. Endpoints, steps and seconds, compile time excluded.
"""

import time
from typing import Any

import jax
import jax.numpy as jnp

from models import bayesian_model, bernoulli, gaussian_prior, mlp, mnist_binary
from samplers import Stop, optimise, posterior
from samplers.named import optax_optimiser

from .protocol import Measurement
from .workloads import BATCH_SIZE, MAX_STEPS

WIDTH = 64
LEARNING_RATE = 0.01
NUM_PROBE = 100


def mnist(num_train: int, num_endpoints: int, in_span: bool) -> Measurement:
    """``samplers.optimise`` with or without coordinates; needs the extra ``mnist``."""
    task = mnist_binary(0, num_train, NUM_PROBE)
    network = mlp([task.num_inputs, WIDTH, 1], "relu")
    model = bayesian_model(network, gaussian_prior(network), bernoulli())
    target = posterior(model, task.train, num_data=num_train)
    sgd = optax_optimiser("sgd", LEARNING_RATE, (), min(BATCH_SIZE, num_train))

    def observe(params: Any, inputs: jax.Array) -> dict[str, jax.Array]:
        return {"logits": jax.vmap(model.apply, (None, 0))(params, inputs)[:, 0]}

    def run(repeat: int) -> dict[str, Any]:
        begun = time.perf_counter()
        draws = optimise(
            jax.random.key(repeat + 1),
            sgd,
            target,
            observe,
            jnp.asarray(task.probe.inputs),
            num_endpoints=num_endpoints,
            stop=Stop("first_fit", max_steps=MAX_STEPS),
            coordinates=model.span if in_span else None,
        )
        return {
            "endpoints": num_endpoints,
            "steps": int(draws.stats["steps"].sum()),
            "unfit": int((draws.stats["steps_to_fit"] < 0).sum()),
            "seconds": time.perf_counter() - begun,
        }

    return run
