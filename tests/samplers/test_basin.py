"""Basin volumes against chi-squared laws and ellipsoids; the bound; pairs of rays."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from models import Batch, bayesian_model, gaussian, laplace_prior, mlp
from samplers import posterior
from samplers.volume import Basin, basin_difference, basin_volume

from .singular import Array, parabola, target_of


@pytest.mark.parametrize("size", [1, 3, 30])
@pytest.mark.parametrize("rise", [0.1, 2.0, 1000.0])
def test_a_ball_has_the_volume_of_a_chi_squared_law(size: int, rise: float) -> None:
    """Along every ray alike: no sampling error. The largest ball holds the whole prior."""
    target, point = parabola(jnp.full(size, 2.0), 1)
    found = basin_volume(jax.random.key(0), target, point, rise=rise, num_rays=4)
    assert found.lower_bound == pytest.approx(stats.chi2.logcdf(rise, size), abs=2e-3)


def off_centre(params: Any, centre: Array) -> Array:
    return -jnp.sum((params[0] - centre) ** 2)[None]


def test_a_ball_off_the_centre_of_the_prior() -> None:
    """The noncentral law; rays differ by the prior's slope alone."""
    centre = jnp.array([1.0, 0.0, 0.0])
    target = target_of(off_centre, centre, 1, (3,))
    found = basin_volume(jax.random.key(1), target, [centre], rise=1.0, num_rays=4000)
    assert found.lower_bound == pytest.approx(stats.ncx2.logcdf(1.0, 3, 1.0), abs=0.05)


def test_an_ellipsoid_with_the_right_preconditioner_and_the_wrong_one() -> None:
    """Small against the prior: its volume is that of an ellipsoid times the density at 0."""
    size = 20
    curvatures = np.geomspace(1e2, 1e6, size)
    target, point = parabola(jnp.asarray(curvatures), 1)
    radii = np.sqrt(2 * 0.01 / curvatures)
    ball = size / 2 * np.log(np.pi) - float(jax.scipy.special.gammaln(size / 2 + 1))
    truth = ball + np.sum(np.log(radii)) - size / 2 * np.log(2 * np.pi)
    right = [jnp.asarray(1 / np.sqrt(curvatures))]
    found = basin_volume(jax.random.key(2), target, point, rise=0.01, preconditioner=right, num_rays=16)
    assert found.lower_bound == pytest.approx(truth, abs=0.01)
    wrong = basin_volume(jax.random.key(2), target, point, rise=0.01, num_rays=16)
    assert wrong.lower_bound < truth - 3  # a bound, and a poor one


def test_pairs_of_rays_give_differences() -> None:
    size = 10
    small, point = parabola(jnp.full(size, 400.0), 1)
    large, _ = parabola(jnp.full(size, 100.0), 1)
    first, second = (
        basin_volume(jax.random.key(3), target, point, rise=0.01, num_rays=32) for target in (large, small)
    )
    found = basin_difference(first, second)
    assert found.value == pytest.approx(size * np.log(2), abs=0.05)
    assert found.standard_error is not None
    assert found.standard_error < 0.01
    uneven = Basin(0.0, np.array([0.0] + [-50.0] * 31), np.ones(32))
    assert "1.0 of 32 rays carry the volume" in basin_difference(first, uneven).reason
    with pytest.raises(ValueError, match="basins must have the same rays, got 32 and 8"):
        basin_difference(first, Basin(0.0, np.zeros(8), np.ones(8)))


def test_options_are_checked() -> None:
    target, point = parabola(jnp.ones(2), 1)
    with pytest.raises(ValueError, match="rise must be positive and finite, got 0"):
        basin_volume(jax.random.key(0), target, point, rise=0.0)
    network = mlp([1, 1])
    model = bayesian_model(network, laplace_prior(network), gaussian())
    other = posterior(model, Batch(jnp.ones((1, 1)), jnp.ones(1)), num_data=1)
    with pytest.raises(ValueError, match="a centred Gaussian prior, and this prior is none"):
        basin_volume(jax.random.key(0), other, model.init(jax.random.key(0)), rise=1.0)
