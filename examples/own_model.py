"""Your own network and your own arrays, to a verdict: does SGD draw from the posterior here?

    python examples/own_model.py [NETWORKS]

The network has a product of its inputs beside its hidden layer, the arrays are points of a
checkerboard; put yours in their place. Trains NETWORKS networks (256 unless given) to the
posterior's own training loss, samples the posterior with Hamiltonian Monte Carlo, prints the verdict, its
reason and every distance with its floor and ceiling, and leaves the run in ``runs/own_model``:
``thermalize report runs/own_model`` writes its page.
"""

from thermalize.cores import use_cores

use_cores()  # before anything imports jax: every core becomes a device

import sys

import numpy as np
import optax

from models import Network, bayesian_model, bernoulli, gaussian_prior, mlp, task_from_arrays
from samplers import Stop, hmc, optimiser
from thermalize.pipeline import compare_arms
from thermalize.run import Arm

points = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
labels = (points[:, 0] * points[:, 1] > 0).astype(int)
task = task_from_arrays(
    "checkerboard", points[:200], labels[:200], points[200:], labels[200:], kind="classification"
)
hidden = mlp([2, 16, 1])
network = Network(hidden.init, lambda params, x: hidden.apply(params, x) + x[:1] * x[1:])
model = bayesian_model(network, gaussian_prior(hidden, weight_scale=2.0), bernoulli())
sgd = optimiser(optax.sgd(0.1), batch_size=32, name="sgd")
num_networks = int(sys.argv[1]) if len(sys.argv) > 1 else 256
arms = [
    Arm("sgd", sgd, num_chains=num_networks, stop=Stop("loss"), match_reference=True),
    Arm("hmc", hmc(16, num_steps_per_draw=2), role="reference", num_chains=8, num_draws=800),
]
result = compare_arms(task, model, arms, "runs/own_model", overwrite=True)
print(result["verdict"], result["reason"], sep="\n")
for row in result["comparisons"]:
    numbers = ", ".join(f"{name} {row[name]['mean']:.3f}" for name in ("floor", "ceiling"))
    print(f"{row['name']}: {row['distance']:.3f}, {numbers}, {row['outcome']}")
