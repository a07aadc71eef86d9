"""Nested sampling against closed forms; a mutant; refusals.

False-alarm rate of every statistical check: at most 1e-5. Populations are the units.
"""

import importlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from models import Batch
from samplers import nested, populations, posterior

from .checks import FALSE_ALARM, check_means
from .linear_gaussian import exact, flat, linear_target, observe_flat
from .tiny_boolean import MODEL, boolean_data, boolean_target

nested_module = importlib.import_module("samplers.nested")
NUM_POPULATIONS = 16
CRITICAL = stats.t.ppf(1 - FALSE_ALARM / 2, NUM_POPULATIONS - 1)
SAMPLER = nested(num_live=200, num_delete=50, inner_steps_per_parameter=2, max_stages=120)


@pytest.mark.parametrize("beta", [pytest.param(0.1, marks=pytest.mark.certify), 1.0])
def test_linear_regression_in_closed_form(beta: float) -> None:
    draws, evidence = populations(
        jax.random.key(1),
        SAMPLER,
        linear_target(beta),
        observe_flat,
        (),
        num_chains=NUM_POPULATIONS,
        min_ancestors=3,
    )
    law = exact(beta)
    assert evidence.reason == "ok"
    assert evidence.log_evidence is not None
    assert evidence.standard_error is not None
    assert abs(evidence.log_evidence - law.log_evidence) < CRITICAL * evidence.standard_error
    assert (CRITICAL + stats.norm.ppf(0.99)) * evidence.standard_error < 1.0  # detectable, nats
    theta = draws.observed["theta"].astype(float)
    deviations = np.sqrt(np.diag(law.covariance))
    check = check_means(np.mean(theta, axis=1) / deviations, law.mean / deviations)
    assert check.deviation < 1
    assert check.detectable < 0.8  # standard deviations
    spread = np.mean((theta - law.mean) ** 2, axis=1) / deviations**2
    assert check_means(spread, np.ones(4)).deviation < 1
    # The textbook's error of one run, sqrt(H / n), is a quarter off or less for whole batches.
    values = np.asarray(evidence.populations, float)
    information = np.mean(draws.stats["information"])
    assert np.std(values, ddof=1) < 2.5 * np.sqrt(information / 200)
    if beta == 1:
        assert abs(information - law.information) < 0.1 * law.information


@pytest.mark.certify
def test_a_resample_that_ignores_the_weights_is_caught() -> None:
    """One compilation for the method and its mutant, chosen at run time."""
    systematic = nested_module.systematic

    @jax.jit
    def run(keys: jax.Array, mutant: jax.Array) -> Any:
        def ignoring(key: jax.Array, weights: jax.Array, count: int) -> jax.Array:
            usable = (weights > 0) / jnp.sum(weights > 0)
            return systematic(key, jnp.where(mutant, usable, weights), count)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nested_module, "systematic", ignoring)
            return jax.lax.map(lambda key: flat(SAMPLER.run(key, linear_target()).params), keys)

    keys = jax.random.split(jax.random.key(2), NUM_POPULATIONS)
    for mutant in (False, True):
        means = np.mean(np.asarray(run(keys, jnp.asarray(mutant)), float), axis=1)
        deviation = check_means(means, exact(1.0).mean).deviation
        assert deviation > 1.5 if mutant else deviation < 1


def counting(params: Any, batch: Batch) -> jax.Array:
    assert MODEL.errors is not None
    return -3.0 * MODEL.errors(params, batch)


def test_refuses_what_contours_cannot_order() -> None:
    plateaus = posterior(MODEL._replace(log_likelihood=counting), boolean_data(), num_data=6)
    with pytest.raises(ValueError, match=r"ties or is not finite at 64 prior draws.*use level_smc"):
        nested().check(plateaus)
    with pytest.raises(ValueError, match=r"at least twice the 21 parameters, got 40.*use smc"):
        nested(num_live=40, num_delete=10).check(boolean_target())
    nested(num_live=42, num_delete=10).check(boolean_target())


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="num_delete must be at most half of num_live = 100, got 51"):
        nested(num_live=100, num_delete=51)
    with pytest.raises(ValueError, match="remainder must be positive and finite, got 0"):
        nested(remainder=0)
