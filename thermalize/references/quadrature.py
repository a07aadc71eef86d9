r"""The posterior of a two-parameter network by quadrature on a grid.

.. math:: f(x) = v \tanh(w x), \qquad p(w, v) \propto \pi(w)\,\pi(v) \prod_i N(y_i;\ f(x_i), s^2)

with standard normal priors. The trapezoidal rule on ``[-9, 9]^2`` converges faster than any
power of the spacing, because the integrand is smooth and vanishes at the border; its error
is the change against the grid of twice the spacing. Draws choose a grid cell by its
probability and a uniform point in it: their law differs from the posterior by the square of
the spacing, 1e-4 of a prior standard deviation squared.

Law: the posterior; draws are independent.

Source: Trefethen and Weideman 2014, section 5 (the trapezoidal rule).
"""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from models import Network
from samplers import Draws, Target
from samplers.draws import Inputs, Observe, Progress
from samplers.target import fit_statistics

from .methods import Drawn, Method

type Array = np.ndarray

REACH = 9.0
NUM_CELLS = 1024  # along each axis


@cache
def two_parameter_network() -> Network:
    """``v tanh(w x)``, parameters ``{"v": (1, 1), "w": (1, 1)}`` with standard normal starts."""

    def init(key: jax.Array) -> dict[str, jax.Array]:
        v, w = jax.random.normal(key, (2, 1, 1))
        return {"v": v, "w": w}

    return Network(init, lambda params, x: params["v"][0] * jnp.tanh(params["w"][0] * x))


def quadrature(noise_scale: float, num_draws: int, num_chains: int) -> Method:
    """The grid posterior of :func:`two_parameter_network` under Gaussian noise."""

    def draw(key: Any, target: Target, observe: Observe, inputs: Inputs, progress: Progress) -> Drawn:
        x, y = np.asarray(target.data.inputs, float)[:, 0], np.asarray(target.data.targets, float)
        probes = np.asarray(inputs, float)[:, 0]
        fine = grid_posterior(x, y, noise_scale, NUM_CELLS)
        coarse = grid_posterior(x, y, noise_scale, NUM_CELLS // 2)
        mean, coarse_mean = (grid_mean(cells, probes) for cells in (fine, coarse))
        rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        params = grid_draws(rng, fine, num_chains * num_draws)
        recorded = jax.jit(jax.vmap(lambda p: (observe(p, inputs), fit_statistics(target, p))))(params)
        observed, stats = jax.tree.map(
            lambda leaf: np.asarray(leaf).reshape(num_chains, num_draws, *leaf.shape[1:]), recorded
        )
        progress(1, 1)
        error = float(np.abs(mean - coarse_mean).max())
        return Drawn(Draws(observed, stats, None, ["ok"] * num_chains), exact_mean=mean, exact_error=error)

    options = {"num_cells": NUM_CELLS, "reach": REACH, "num_chains": num_chains, "num_draws": num_draws}
    law = "the posterior, by quadrature; independent draws"
    return Method("quadrature", law, "Trefethen and Weideman 2014", options, draw)


def grid_posterior(x: Array, y: Array, noise_scale: float, num_cells: int) -> tuple[Array, Array]:
    """Nodes ``(num_cells + 1,)`` of both axes and probabilities ``(w, v)`` that sum to one."""
    nodes = np.linspace(-REACH, REACH, num_cells + 1)
    shape = np.tanh(nodes[:, None] * x)  # (w, datum)
    # sum_i (y_i - v t_i)^2 is quadratic in v: three sums over data give it on the whole grid.
    square, cross, total = (shape**2).sum(1), (shape * y).sum(1), (y**2).sum()
    misfit = total - 2 * np.outer(cross, nodes) + np.outer(square, nodes**2)
    log_density = -misfit / (2 * noise_scale**2) - (nodes[:, None] ** 2 + nodes**2) / 2
    density = np.exp(log_density - log_density.max())
    return nodes, density / density.sum()


def grid_mean(grid: tuple[Array, Array], probes: Array) -> Array:
    """Posterior mean of the network's output at every probe, ``(probe,)``."""
    nodes, probability = grid
    means: Array = np.tanh(np.outer(probes, nodes)) @ (probability @ nodes)
    return means


def grid_draws(rng: np.random.Generator, grid: tuple[Array, Array], num: int) -> dict[str, jax.Array]:
    """Independent parameters, leaves ``(num, 1, 1)``."""
    nodes, probability = grid
    cells = rng.choice(probability.size, num, p=probability.ravel())
    spacing = nodes[1] - nodes[0]
    points = nodes[np.stack(np.unravel_index(cells, probability.shape))]
    w, v = points + spacing * (rng.random(points.shape) - 0.5)
    return {"v": jnp.asarray(v, float)[:, None, None], "w": jnp.asarray(w, float)[:, None, None]}
