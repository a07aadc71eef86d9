"""Exact draws of Boolean posteriors: as many as needed, from networks of the prior and their negatives."""

import jax
import pytest

import thermalize.claims.posterior_boolean as claim
from compare import FunctionCounts, compare_functions, fitting_functions
from models import boolean_task, majority
from samplers import tempered_pass
from samplers.draws import silent
from thermalize.claims.boolean import system
from thermalize.claims.posterior_boolean import Prior, Sizes, fewest_fitting, prior_of
from thermalize.claims.posterior_family import thinned_functions
from thermalize.claims.posterior_gibbs import Size, asked, rows_and_labels, second_method

CHOSEN, TASK = system(3), boolean_task(0, majority(3), 4)
KEY = jax.random.key(0)


def drawn(num: int) -> Prior:
    """The prior, so many networks at a time."""
    return prior_of(KEY, CHOSEN, [TASK], Sizes({3: num}, 0, 0, Size((1.0,), 0, 0, 0)), silent)


@pytest.fixture(scope="module")
def prior() -> Prior:
    return drawn(1 << 15)


def test_a_network_and_its_negative_are_draws_of_one_law(prior: Prior) -> None:
    """One p-value, uniform under equal laws: below 0.001 by chance once in a thousand seeds."""
    rows, labels = rows_and_labels(TASK)
    plain, other = prior.halves
    negative = FunctionCounts(~other.packed[::-1], other.counts[::-1])
    left, right = (fitting_functions(one, rows, labels) for one in (plain, negative))
    assert min(left.total, right.total) > 100
    assert compare_functions(left, right, seed=0).p_value > 0.001


def test_the_prior_is_drawn_until_enough_fit(prior: Prior, monkeypatch: pytest.MonkeyPatch) -> None:
    few = sum(half.total for half in prior.halves)
    num = fewest_fitting(prior.halves, TASK)
    monkeypatch.setattr(claim, "FEWEST", num + 1)
    more = drawn(1 << 15)
    assert few < sum(half.total for half in more.halves) <= claim.MOST_TIMES << 15
    assert fewest_fitting(more.halves, TASK) > num
    monkeypatch.setattr(claim, "FEWEST", 1 << 30)
    assert sum(half.total for half in drawn(1 << 10).halves) == claim.MOST_TIMES << 10


@pytest.mark.certify
def test_a_second_method_agrees_with_draws_of_its_law_alone() -> None:
    """A cold posterior, and one four times as hot in its place."""
    size = Size((1.0,), 400, 2, 4)
    rungs = tempered_pass(KEY, *asked(CHOSEN, TASK, 1.0), betas=[8.0, 32.0], num_chains=2, num_particles=400)
    hot, cold = (thinned_functions(rung, CHOSEN.num_inputs) for rung in rungs)
    agree = [second_method(KEY, CHOSEN, TASK, 32.0, one, size, silent) for one in (cold, hot)]
    assert [check.passed for check in agree] == [True, False], agree
