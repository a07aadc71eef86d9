"""A temperature scan: what the posterior predicts at each inverse temperature, compiled once.

    python examples/temperature_scan.py [DRAWS]

Data and the inverse temperature beta are arguments of the compiled sampler, so that the first
beta costs a compilation and the others none: the seconds of each are printed. Beta 1 is Bayes, a larger one a
colder posterior, closer to optimising. Runs 8 chains of DRAWS draws (400 unless given) on breast cancer at
each of six temperatures and prints training loss (nats per datum), accuracy and log score on inputs that were
not trained on, and the two numbers that say whether to believe the row: the largest R-hat and the smallest
effective sample size over all probe probabilities.

To find the temperature whose posterior is nearest to networks that SGD trained, with its floor and
confidence region, there is ``thermalize fit-temperature RUN``.
"""

from thermalize.cores import use_cores

use_cores()  # before anything imports jax: every core becomes a device

import sys
import time

import jax
import numpy as np

from compare import accuracy, log_score, rhat_and_ess
from models import bayesian_model, bernoulli, breast_cancer, gaussian_prior, mlp
from samplers import hmc, posterior, sample


def probability(params, inputs):
    """Of the second class, at every probe input."""
    return {"p": jax.nn.sigmoid(jax.vmap(model.apply, (None, 0))(params, inputs)[:, 0])}


num_draws = int(sys.argv[1]) if len(sys.argv) > 1 else 400
task = breast_cancer(0)
network = mlp([task.num_inputs, 8, 1])
model = bayesian_model(network, gaussian_prior(network), bernoulli())
labels = np.asarray(task.probe.targets)
print("beta  train loss  accuracy  log score  R-hat   ESS  seconds")
for beta in (0.03, 0.1, 0.3, 1.0, 3.0, 10.0):
    began = time.perf_counter()
    target = posterior(model, task.train, num_data=len(task.train.targets), beta=beta)
    draws = sample(
        jax.random.key(0),
        hmc(32),
        target,
        probability,
        task.probe.inputs,
        num_chains=8,
        num_draws=num_draws,
    )
    p = draws.observed["p"]  # (chain, draw, probe)
    mean = p.mean(axis=(0, 1))
    averaged = np.stack([1 - mean, mean], axis=-1)
    rhat, ess = rhat_and_ess(p)
    print(
        f"{beta:<5g} {draws.stats['loss'].mean():10.3f} {float(accuracy(averaged, labels)):9.3f} "
        f"{float(log_score(averaged, labels)):10.3f} {np.nanmax(rhat):6.3f} {np.nanmin(ess):5.0f} "
        f"{time.perf_counter() - began:8.1f}"
    )
