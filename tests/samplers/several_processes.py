"""Chains, networks, populations and exact draws of one small posterior: run by processes of a test.

python several_processes.py OUT [ADDRESS NUMBER_OF_PROCESSES NUMBER]
"""

import sys
from typing import Any

import jax
import numpy as np

if __name__ == "__main__" and len(sys.argv) > 2:  # before anything asks jax for its devices
    jax.distributed.initialize(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

import optax

from models import bayesian_model, bernoulli, boolean_task, gaussian_prior, majority, mlp
from samplers import (
    Stop,
    hmc,
    optimise,
    optimiser,
    populations,
    posterior,
    random_walk_moves,
    reject,
    sample,
    smc,
)
from samplers.draws import Saved


def main() -> None:
    """Draw, and let the first process write."""
    network = mlp([3, 8, 1])
    model = bayesian_model(network, gaussian_prior(network), bernoulli())
    task = boolean_task(0, majority(3), num_train=4)
    target = posterior(model, task.train, num_data=4)
    keys = jax.random.split(jax.random.key(0), 4)
    inputs = task.probe.inputs
    after: list[Saved] = []

    def observe(params: Any, x: Any) -> dict[str, Any]:
        """The logits."""
        return {"f": jax.vmap(model.apply, (None, 0))(params, x)}

    chains = hmc(5, num_warmup=20)
    sample(keys[0], chains, target, observe, inputs, num_chains=3, num_draws=3, save=after.append)
    gone_on = sample(keys[0], chains, target, observe, inputs, num_chains=3, num_draws=6, saved=after[-1])
    sgd = optimiser(optax.sgd(0.1), batch_size=4, name="sgd")
    trained = optimise(keys[1], sgd, target, observe, inputs, num_endpoints=9, stop=Stop("first_fit"))
    particles, _ = populations(
        keys[2], smc(random_walk_moves(2), num_particles=20), target, observe, inputs, num_chains=3
    )
    exact, _ = reject(keys[3], target, observe, inputs, num_accepted=20, num_chains=2)
    if jax.process_index() == 0:
        arms = {"chains": gone_on, "trained": trained, "particles": particles, "exact": exact}
        found: dict[str, Any] = {name: arm.observed["f"] for name, arm in arms.items()}
        np.savez(sys.argv[1], num_devices=len(jax.devices()), **found)


if __name__ == "__main__":
    main()
