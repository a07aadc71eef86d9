"""Volumes about your own network and data: evidence, learning coefficient, effective dimension, cuts.

    python examples/own_volume.py

The script of docs/volume.md, which explains its numbers and shows the values that it printed. Put
a function of parameters and one input of yours in place of the network, your arrays in place of
the checkerboard. Prints four lines; half a minute on two cores, nearly all of it compiling.
"""

import jax

from models import Batch, Network, bayesian_model, bernoulli, gaussian_prior, mlp
from samplers import posterior
from samplers.volume import (
    cuttable_share,
    effective_dimension,
    learning_coefficient,
    relaxed,
    thermodynamic_evidence,
)

inputs = jax.random.normal(jax.random.key(0), (40, 2))
targets = (inputs[:, 0] * inputs[:, 1] > 0).astype(int)
hidden = mlp([2, 16, 1])
network = Network(hidden.init, lambda params, x: hidden.apply(params, x) + x[:1] * x[1:])
model = bayesian_model(network, gaussian_prior(hidden), bernoulli())
target = posterior(model, Batch(inputs, targets), num_data=40)
keys = jax.random.split(jax.random.key(1), 5)
trained = relaxed(target, jax.vmap(model.init)(jax.random.split(keys[0], 8)))  # or networks of your own
one = jax.tree.map(lambda leaf: leaf[0], trained)
print("log evidence", thermodynamic_evidence(keys[1], target).integral)
print("learning coefficient", learning_coefficient(keys[2], target, one).estimate)
print("effective dimension", effective_dimension(keys[3], target, one).dimension)
print("weights that can be cut", cuttable_share(keys[4], target, trained).magnitude.mean())
