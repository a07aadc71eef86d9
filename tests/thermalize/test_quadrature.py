"""The two-parameter posterior on its grid, against closed forms and rejection."""

import jax
import numpy as np
import pytest
from scipy.integrate import quad

from samplers import posterior, reject
from thermalize.references.gates import MAX_QUADRATURE_CHANGE
from thermalize.references.methods import outputs_of
from thermalize.references.quadrature import NUM_CELLS, grid_draws, grid_mean, grid_posterior
from thermalize.references.systems import two_parameter

SYSTEM = two_parameter("quick")
NOISE = SYSTEM.likelihood["noise_scale"]
X = np.asarray(SYSTEM.train.inputs, float)[:, 0]
Y = np.asarray(SYSTEM.train.targets, float)
PROBES = np.asarray(SYSTEM.probe.inputs, float)[:, 0]


def exact_means() -> np.ndarray:
    """``v`` integrated out in closed form (it enters linearly), ``w`` by adaptive quadrature."""

    def parts(w: float) -> tuple[float, float]:
        """Unnormalised density of ``w`` and the mean of ``v`` given ``w``."""
        t = np.tanh(w * X)
        precision, cross = 1 + t @ t / NOISE**2, t @ Y / NOISE**2
        return float(np.exp(cross**2 / precision / 2 - w**2 / 2 - 20) / np.sqrt(precision)), cross / precision

    def integral(function: object) -> float:
        assert callable(function)
        return 2 * quad(function, 0, 9, epsabs=0, epsrel=1e-12, limit=400)[0]  # even in w

    total = integral(lambda w: parts(w)[0])
    return np.array(
        [integral(lambda w, x=x: parts(w)[0] * parts(w)[1] * np.tanh(w * x)) / total for x in PROBES]
    )


def test_means_on_the_grid_are_exact() -> None:
    """To the error that the reference itself claims; the coarser grid is off by less than the gate too."""
    exact = exact_means()
    assert np.abs(exact).max() > 0.5
    for num_cells in (NUM_CELLS, NUM_CELLS // 2):
        gap = np.abs(grid_mean(grid_posterior(X, Y, NOISE, num_cells), PROBES) - exact).max()
        assert gap < MAX_QUADRATURE_CHANGE
    crude = np.abs(grid_mean(grid_posterior(X, Y, NOISE, 32), PROBES) - exact).max()
    assert crude > 1e-3  # a test that no grid could fail would show nothing


def test_draws_follow_the_grid() -> None:
    """40,000 draws: outputs, signs and means of parameters above zero, within 5 standard errors or more."""
    grid = grid_posterior(X, Y, NOISE, NUM_CELLS)
    params = grid_draws(np.random.default_rng(0), grid, 40_000)
    v, w = (np.asarray(params[name], float).ravel() for name in "vw")
    outputs = v[:, None] * np.tanh(np.outer(w, PROBES))
    error = outputs.std(0) / np.sqrt(len(v))
    assert (np.abs(outputs.mean(0) - grid_mean(grid, PROBES)) < 5 * error).all()
    assert np.mean(w > 0) == pytest.approx(0.5, abs=0.0125)  # both signs: 5 standard errors
    nodes, probability = grid
    right = nodes > 0  # one sign alone: a shift of all draws cancels between the two
    for drawn, weights in ((w, probability[right].sum(1)), (v, probability[:, right].sum(0))):
        assert drawn[drawn > 0].mean() == pytest.approx(weights @ nodes[right] / weights.sum(), abs=0.02)


def test_rejection_agrees() -> None:
    """The same posterior through model, prior and likelihood: 5 standard errors at every probe."""
    target = posterior(SYSTEM.model, SYSTEM.train, num_data=len(Y))
    draws, record = reject(
        jax.random.key(0),
        target,
        outputs_of(SYSTEM.model.apply),
        SYSTEM.probe.inputs,
        law="gibbs",
        num_accepted=10_000,
        lowest_loss=float(np.log(NOISE) + np.log(2 * np.pi) / 2),
    )
    outputs = draws.observed["logits"][0, ..., 0].astype(float)
    exact = grid_mean(grid_posterior(X, Y, NOISE, NUM_CELLS), PROBES)
    assert record.accepted == 10_000
    assert (np.abs(outputs.mean(0) - exact) < 5 * outputs.std(0) / 100).all()
