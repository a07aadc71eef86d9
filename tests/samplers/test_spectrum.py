"""Lanczos quadrature and effective dimension against known eigenvalues; memory of a large network."""

import resource
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from models import Batch, bayesian_model, gaussian, gaussian_prior, laplace_prior, mlp
from samplers import Target, posterior
from samplers.mode import find_mode
from samplers.volume import EffectiveDimension, effective_dimension
from samplers.volume.effective_dimension import determined
from samplers.volume.spectrum import curvature_product, lanczos, rules, spectrum

from .problems import classes, line
from .singular import parabola


@jax.jit
def fitted(target: Target) -> Any:
    return find_mode(target, target.sample_prior(jax.random.key(0)), 500, 0.02)


def dense(target: Target, params: Any) -> np.ndarray:
    flat, unravel = ravel_pytree(params)
    scale = ravel_pytree(target.prior_scale)[0]
    hessian = jax.hessian(lambda t: -jnp.mean(target.log_likelihood(unravel(t), target.data)))(flat)
    return np.asarray(target.beta * target.num_data * scale[:, None] * hessian * scale[None], float)


def test_lanczos_is_exact_after_d_steps_and_stops_in_an_invariant_space() -> None:
    matrix = jax.random.normal(jax.random.key(0), (6, 6))
    matrix = matrix + matrix.T
    start = jax.random.normal(jax.random.key(1), (6,))
    alpha, beta = lanczos(lambda v: matrix @ v, start, 6)
    found = np.linalg.eigvalsh(np.diag(alpha) + np.diag(beta[:-1], 1) + np.diag(beta[:-1], -1))
    np.testing.assert_allclose(found, np.linalg.eigvalsh(matrix), atol=1e-4)
    alpha, beta = lanczos(lambda v: jnp.array([1.0, 1.0, 4.0, 4.0]) * v, jnp.ones(4), 4)
    np.testing.assert_allclose(beta[1:], 0, atol=1e-6)
    plane = np.diag(alpha[:2]) + np.diag(beta[:1], 1) + np.diag(beta[:1], -1)
    np.testing.assert_allclose(np.linalg.eigvalsh(plane), [1, 4], atol=1e-5)


def test_moments_of_the_spectrum_of_a_network() -> None:
    """Each probe's rule gives v'A v and v'A^2 v, to rounding; the extreme nodes the extreme eigenvalues."""
    target = classes().target
    params = fitted(target)
    matrix = dense(target, params)
    product = curvature_product(target, params, target.prior_scale)
    v = np.asarray(jax.random.normal(jax.random.key(1), (len(matrix),)))
    np.testing.assert_allclose(product(jnp.asarray(v)), matrix @ v, rtol=1e-3, atol=1e-3)
    found = spectrum(jax.random.key(2), target, params, target.prior_scale, num_probes=60, num_steps=30)
    nodes, weights = np.asarray(found.nodes), np.asarray(found.weights)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    values = np.linalg.eigvalsh(matrix)
    assert nodes.max() == pytest.approx(values.max(), rel=1e-3)
    for power in (1, 2):
        traces = len(matrix) * np.sum(weights * nodes**power, axis=1)
        error = np.std(traces, ddof=1) / np.sqrt(len(traces))
        assert abs(np.mean(traces) - np.sum(values**power)) < 5 * error + 1e-3 * np.sum(values**power)


def test_effective_dimension_by_dense_eigenvalues() -> None:
    for target in (line().target, classes().target):
        params = fitted(target)
        values = np.maximum(np.linalg.eigvalsh(dense(target, params)), 0)
        found = effective_dimension(jax.random.key(3), target, params, num_probes=60)
        assert found.dimension.value is not None
        assert found.dimension.standard_error is not None
        truth = np.sum(values / (1 + values))
        assert abs(found.dimension.value - truth) < 5 * found.dimension.standard_error + 1e-3
        assert found.dimension.standard_error < 0.05 * truth
        assert found.largest == pytest.approx(values.max(), rel=1e-3)


def test_no_dimension_where_the_prior_is_outweighed_or_no_gaussian() -> None:
    target, point = parabola(jnp.array([1.0, -0.5]), 10)
    found = effective_dimension(jax.random.key(0), target, point)
    assert found.dimension.value is None
    assert "curves down 5 times as strongly as the prior" in found.dimension.reason
    mild, point = parabola(jnp.array([1.0, -0.05]), 10)
    assert effective_dimension(jax.random.key(0), mild, point).dimension.value == pytest.approx(10 / 11)
    network = mlp([1, 1])
    model = bayesian_model(network, laplace_prior(network), gaussian())
    other = posterior(model, Batch(jnp.ones((1, 1)), jnp.ones(1)), num_data=1)
    with pytest.raises(ValueError, match="this prior is none: use gaussian_prior"):
        effective_dimension(jax.random.key(0), other, model.init(jax.random.key(0)))


def dimension_and_memory() -> tuple[EffectiveDimension, float]:
    """The effective dimension of a network of 102,001 parameters, and the GB of its process at their peak."""
    network = mlp([100, 1000, 1])
    model = bayesian_model(network, gaussian_prior(network), gaussian(0.5))
    inputs = jax.random.normal(jax.random.key(0), (200, 100))
    target = posterior(model, Batch(inputs, jnp.sin(inputs[:, 0])), num_data=200)
    params = find_mode(target, model.sample_prior(jax.random.key(1)), 4000, 0.01)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 102_001
    found = effective_dimension(jax.random.key(2), target, params)
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # of kilobytes, on Linux


@pytest.mark.certify
def test_a_hundred_thousand_parameters_within_two_gigabytes() -> None:
    """The Hessian would take 40. In a process of its own, whose peak is no other test's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found, gigabytes = pool.submit(dimension_and_memory).result()
    assert found.dimension.value is not None, found
    assert gigabytes < 2


def test_two_rules_enclose_the_dimension_and_its_error_says_how_far_apart_they_are() -> None:
    """Few steps and curvatures over seven orders: no probe's Gauss rule is below, no Radau rule above."""
    stiff = jnp.geomspace(1e-3, 1e4, 300)
    target, point = parabola(stiff / 1e3, 1e3)
    both = rules(jax.random.key(0), target, point, target.prior_scale, num_probes=8, num_steps=12)
    curvatures = np.asarray(stiff, float)  # along the axes: signs are as random, every probe sees the trace
    known = np.mean(curvatures / (1 + curvatures))
    high, low = map(determined, both)
    assert (high > known).all(), (high, known)
    assert (low < known).all(), (low, known)
    found = effective_dimension(jax.random.key(0), target, point, num_probes=8, num_steps=12).dimension
    assert found.value is not None
    assert found.standard_error is not None
    assert 0.01 * 300 < abs(found.value - 300 * known) < 2 * found.standard_error  # far off, and it says so


@pytest.mark.certify
@pytest.mark.parametrize(("stiffest", "num_steps"), [(1e2, 48), (1e3, 48), (1e4, 48), (1e4, 128)])
def test_a_hundred_thousand_directions_whose_curvatures_are_known(stiffest: float, num_steps: int) -> None:
    """Off by no more than its error says; probes agree where axes do."""
    stiff = jnp.geomspace(1e-3, stiffest, 100_000)
    target, point = parabola(stiff / 1e3, 1e3)
    found = effective_dimension(jax.random.key(0), target, point, num_probes=4, num_steps=num_steps).dimension
    known = np.asarray(stiff, float)
    assert found.value is not None
    assert found.standard_error is not None
    allowed = found.standard_error + 1e-4 * found.value  # rounding
    assert abs(found.value - np.sum(known / (1 + known))) < allowed, found
