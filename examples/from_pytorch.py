"""Draws made elsewhere, in PyTorch, Stan or anything else, compared as plain arrays.

    python examples/from_pytorch.py [--torch]

All that is needed of a set of networks is what they answer: probabilities
``(chain, draw, probe, class)``. Here they answer for a linear model with Gaussian noise, whose posterior
is known exactly: the reference comes as an ArviZ tree, as Stan or PyMC would leave it. Two
ways of training stand against it. ``minimised`` starts anywhere and goes down to the minimum: all
networks end alike. ``perturbed`` moves targets and prior mean by noise of their own laws before each
network goes down, which for a linear model is an exact draw of the posterior (Papandreou and Yuille
2010). With ``--torch`` the networks are trained by PyTorch, otherwise NumPy solves for the same minima.

Prints the gates of the reference, the controls, and each arm's verdict with its reason.
"""

import argparse

import arviz as az
import numpy as np
from scipy.stats import norm

from compare import Arm, arm_of_tree, compare_arms

NOISE, NUM_NETWORKS = 0.5, 1000

rng = np.random.default_rng(0)
inputs, probe = rng.normal(size=(40, 3)), rng.normal(size=(30, 3))
targets = inputs @ np.array([1.0, -0.5, 0.2]) + NOISE * rng.normal(size=40)


def probabilities(weights):
    """That the target at each probe is positive, and that it is not: (chain, draw, probe, class)."""
    positive = norm.cdf(weights @ probe.T / NOISE)
    return np.stack([1 - positive, positive], axis=-1)


def minima(targets, centres):
    """The minimum of |y - Xw|^2 / noise^2 + |w - c|^2 for every row of targets and centres."""
    precision = np.eye(3) + inputs.T @ inputs / NOISE**2
    return np.linalg.solve(precision, (targets @ inputs / NOISE**2 + centres).T).T


def minima_with_torch(targets, centres):
    """The same minima, one torch network each."""
    import torch

    found, x = [], torch.as_tensor(inputs)
    for target, centre in zip(torch.as_tensor(targets), torch.as_tensor(centres), strict=True):
        net = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
        descent = torch.optim.LBFGS(net.parameters(), line_search_fn="strong_wolfe", tolerance_grad=1e-9)

        def loss(net=net, target=target, centre=centre, descent=descent):
            descent.zero_grad()
            value = ((target - net(x)[:, 0]) ** 2).sum() / NOISE**2 + ((net.weight[0] - centre) ** 2).sum()
            value.backward()
            return value

        descent.step(loss)
        found.append(net.weight[0].detach().numpy())  # what leaves torch: a plain array for each network
    return np.stack(found)


def posterior(size):
    """Exact draws of the weights."""
    covariance = np.linalg.inv(np.eye(3) + inputs.T @ inputs / NOISE**2)
    mean = covariance @ inputs.T @ targets / NOISE**2
    return rng.multivariate_normal(mean, covariance, size=size)


parser = argparse.ArgumentParser(description="Compare draws made elsewhere.")
parser.add_argument("--torch", action="store_true", help="train the networks with PyTorch")
trained = minima_with_torch if parser.parse_args().torch else minima

alike = np.zeros((NUM_NETWORKS, 3))
noisy = targets + NOISE * rng.normal(size=(NUM_NETWORKS, 40))
weights = {
    "minimised": trained(np.tile(targets, (NUM_NETWORKS, 1)), alike),
    "perturbed": trained(noisy, rng.normal(size=(NUM_NETWORKS, 3))),
}
# Networks of training are independent: one chain of one draw each. None of them was thinned.
arms = {name: Arm(probabilities(w[:, None]), independent=True) for name, w in weights.items()}
tree = az.from_dict({"predictions": {"p": probabilities(posterior((8, 500)))}})
prior = Arm(probabilities(rng.normal(size=(1, 1000, 3))), independent=True)
again = Arm(probabilities(posterior((1000, 1))), independent=True)

found = compare_arms(arms, arm_of_tree(tree, "p"), ceiling=prior, controls={"again": again}, seed=0)
for gate in found.trust.gates:
    print(f"{gate.name} {gate.value:.4g}, {'passed' if gate.passed else 'missed'}")
for control in found.controls:
    print(f"control {control.name}: {control.outcome}, expected {control.expected}")
for name, (verdict, reason) in found.verdicts.items():
    print(f"{name}: {verdict}, {reason}")
