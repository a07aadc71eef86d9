"""SMC by levels of training errors against rejection; failures that say so.

False-alarm rate of every statistical check: at most 1e-5. Populations are the units.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from models import Batch
from samplers import (
    PopulationSampler,
    crank_nicolson_moves,
    elliptical_moves,
    hmc_moves,
    level_smc,
    populations,
)
from samplers.levels import Level, next_level, within

from .checks import FALSE_ALARM, check_means
from .linear_gaussian import linear_target
from .tiny_boolean import (
    NUM_PRIOR_DRAWS,
    POINTS,
    boolean_data,
    boolean_target,
    fitting_counts,
    identity,
    observe_outputs,
)

NUM_POPULATIONS = 24
CRITICAL = stats.t.ppf(1 - FALSE_ALARM / 2, NUM_POPULATIONS - 1)
SPLITTING = level_smc(elliptical_moves(4), num_particles=200, max_stages=60)
COUNTING = level_smc(crank_nicolson_moves(), num_particles=200, break_ties=False)


@pytest.mark.certify
@pytest.mark.parametrize("sampler", [SPLITTING, COUNTING], ids=["ties broken", "whole counts"])
def test_agrees_with_rejection(sampler: PopulationSampler) -> None:
    """The prior's probability of a fit, and how often each fitting function then comes."""
    draws, evidence = populations(
        jax.random.key(1), sampler, boolean_target(), observe_outputs, (), num_chains=NUM_POPULATIONS
    )
    assert draws.status == ["ok"] * NUM_POPULATIONS
    counts = fitting_counts(boolean_data())
    functions = np.flatnonzero(counts)
    found = identity(draws.observed["log_odds"])
    assert np.isin(found, functions).all()  # zero training errors, every particle
    assert np.all(draws.stats["train_error"] == 0)
    share = counts[functions] / np.sum(counts)
    frequencies = np.mean(found[..., None] == functions, axis=1)
    check = check_means(frequencies, share, np.sqrt(share * (1 - share) / np.sum(counts)))
    assert check.deviation < 1
    assert check.detectable < 0.2
    assert evidence.log_evidence is not None
    assert evidence.standard_error is not None
    truth = np.log(np.sum(counts) / NUM_PRIOR_DRAWS)
    error = np.hypot(evidence.standard_error, 1 / np.sqrt(np.sum(counts)))
    assert abs(evidence.log_evidence - truth) < CRITICAL * error
    assert (CRITICAL + stats.norm.ppf(0.99)) * error < 0.8  # detectable, nats


def contradiction() -> Batch:
    """Every point twice with both labels: three errors always, whatever the network."""
    return Batch(POINTS[jnp.array([0, 0, 3, 3, 5, 5])], jnp.array([0, 1, 0, 1, 0, 1]))


def test_extinct_at_the_first_level_says_so() -> None:
    target = boolean_target(contradiction())
    draws, evidence = populations(jax.random.key(1), COUNTING, target, observe_outputs, (), num_chains=2)
    assert draws.status[0] == "extinct after 1 stages: none of 200 particles reached the next one"
    assert evidence.log_evidence is None
    assert evidence.populations == [None] * 2
    assert evidence.reason.startswith("not available: 2 of 2 populations are not usable; extinct")


def test_unreachable_levels_end_and_say_so() -> None:
    target = boolean_target(contradiction())
    draws, evidence = populations(jax.random.key(1), SPLITTING, target, observe_outputs, (), num_chains=2)
    assert set(draws.status) == {"unfinished: the target was not reached in 60 stages"}
    assert evidence.log_evidence is None
    assert evidence.populations == [None] * 2


def test_levels_are_nested_and_end_without_a_condition_on_the_loss() -> None:
    generator = np.random.default_rng(0)
    fits = Level(jnp.asarray(generator.integers(0, 6, 400)), jnp.asarray(generator.uniform(size=400)))
    level = Level(jnp.max(fits.errors), jnp.asarray(jnp.inf))
    inside = np.ones(400, bool)
    sizes: list[int] = []
    while not (level.errors == 0 and level.loss == jnp.inf):
        survivors = Level(fits.errors[inside], fits.loss[inside])
        level = next_level(level, survivors, 0.5, break_ties=True)
        new = np.asarray(within(level, fits))
        assert np.all(inside[new])  # a subset
        assert 0.5 <= np.sum(new) / np.sum(inside) <= 1
        inside, sizes = new, [*sizes, int(np.sum(new))]
    assert sizes[-1] == np.sum(np.asarray(fits.errors) == 0)


def test_refuses_what_has_no_levels() -> None:
    with pytest.raises(ValueError, match=r"hmc moves follow a gradient.*use elliptical_moves"):
        level_smc(hmc_moves())
    with pytest.raises(ValueError, match=r"need labels: this likelihood is a regression; use smc"):
        level_smc().check(linear_target())
    with pytest.raises(ValueError, match="survival must lie strictly between 0 and 1, got 1"):
        level_smc(survival=1)
