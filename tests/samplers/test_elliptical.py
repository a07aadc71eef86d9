"""Elliptical slice sampling: invariance, agreement with rejection, mutants, refusals.

False-alarm rate of every statistical check: at most 1e-5 (``checks.FALSE_ALARM`` with the
skewness of fourth moments allowed for). Detectable errors are asserted.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import blackjax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models import Batch, bayesian_model, bernoulli, laplace_prior
from samplers import Target, elliptical_slice, posterior, sample, training_errors
from samplers import elliptical as elliptical_module

from .checks import FALSE_ALARM, Check, check_gaussian, check_means
from .linear_gaussian import exact, exact_draws, flat, linear_target
from .tiny_boolean import (
    MODEL,
    NETWORK,
    bayes_posterior,
    boolean_data,
    boolean_target,
    fitting_counts,
    identity,
    observe_outputs,
    outputs,
)

NUM_CHAINS = 50_000


NOTHING, TOO_WIDE, AWAY_FROM_ZERO = 0, 1, 2


@jax.jit
def advance(
    key: jax.Array, target: Target, params: Any, num_steps: jax.Array, mistake: int = NOTHING
) -> tuple[Any, jax.Array]:
    """Every chain by ``num_steps``; the new positions and the evaluations of the last step.

    The mistake is chosen at run time, so that the method and its mutants share one compilation:
    a momentum of the wrong variance, or a bracket that closes on the end away from zero.
    """
    kernel = elliptical_slice().kernel(target, ())
    right, closed = elliptical_module.gaussian_like, elliptical_module.shrunk

    def momentum(key: jax.Array, scale: Any) -> Any:
        factor = jnp.where(mistake == TOO_WIDE, 2.0, 1.0)
        return jax.tree.map(lambda leaf: factor * leaf, right(key, scale))

    def shrunk(angle: jax.Array, low: jax.Array, high: jax.Array) -> tuple[jax.Array, jax.Array]:
        toward = closed(angle, low, high)
        away = jnp.where(angle < 0, low, angle), jnp.where(angle < 0, angle, high)
        is_away = mistake == AWAY_FROM_ZERO
        return jnp.where(is_away, away[0], toward[0]), jnp.where(is_away, away[1], toward[1])

    def one(key: jax.Array, position: Any) -> tuple[Any, jax.Array]:
        def step(t: int, carry: Any) -> Any:
            state, info = kernel.step(jax.random.fold_in(key, t), carry[0])
            return state, info["n_steps"]

        start = (kernel.init(key, position), jnp.asarray(0))
        state, n_steps = jax.lax.fori_loop(0, num_steps, step, start)
        return kernel.position(state), n_steps

    num_chains = jax.tree.leaves(params)[0].shape[0]
    with pytest.MonkeyPatch.context() as patch:  # while it is traced
        patch.setattr(elliptical_module, "gaussian_like", momentum)
        patch.setattr(elliptical_module, "shrunk", shrunk)
        return jax.vmap(one)(jax.random.split(key, num_chains), params)


class Invariance(NamedTuple):
    law: Check
    share_moved: float  # of the chains
    distance: float  # mean over chains, standard deviations


def invariance(num_steps: int, mistake: int = NOTHING) -> Invariance:
    """Many chains from exact draws of a Gaussian posterior, against it, after some steps."""
    law, start = exact(1.0), exact_draws(0, 1.0, NUM_CHAINS)
    params, _ = advance(jax.random.key(1), linear_target(), start, num_steps, mistake)
    gap = np.abs(np.asarray(flat(params) - flat(start))) / np.sqrt(np.diag(law.covariance))
    check = check_gaussian(np.asarray(flat(params), float), law.mean, law.covariance)
    return Invariance(check, float(np.mean(np.any(gap > 0, axis=1))), float(np.mean(gap)))


@pytest.mark.parametrize("num_steps", [1, 5])
def test_leaves_a_gaussian_posterior_invariant(num_steps: int) -> None:
    result = invariance(num_steps)
    assert result.law.deviation < 1
    assert result.law.detectable < 0.04  # standard deviations
    assert result.share_moved == 1
    assert result.distance > 0.2


def test_a_bracket_that_does_not_close_on_zero_is_caught() -> None:
    """It still proposes symmetrically, so the law holds; but most searches find nothing."""
    assert invariance(1, AWAY_FROM_ZERO).share_moved < 0.5


def test_a_momentum_of_the_wrong_variance_is_caught() -> None:
    assert invariance(5, TOO_WIDE).law.deviation > 1.5


def test_without_a_likelihood_the_first_angle_is_taken() -> None:
    start = exact_draws(0, 0.0, NUM_CHAINS)
    _, n_steps = advance(jax.random.key(1), linear_target(0.0), start, 1)
    assert np.all(n_steps == 1)


@pytest.mark.certify
def test_leaves_a_skewed_posterior_invariant() -> None:
    """Exact draws of a network's posterior, moved, against as many that were not.

    Two distribution functions differ by at most the sum of two DKWM bounds.
    """
    accepted = bayes_posterior()
    half = len(accepted.log_odds) // 2
    start = jax.tree.map(lambda leaf: leaf[:half], accepted.params)
    params, _ = advance(jax.random.key(1), boolean_target(), start, 3)
    moved = np.asarray(jax.jit(jax.vmap(outputs))(params))
    assert np.mean(np.abs(moved - accepted.log_odds[:half])) > 0.2
    bound = 2 * np.sqrt(np.log(2 * 2 * 8 / FALSE_ALARM) / (2 * half))
    assert bound < 0.12  # detectable distance of the distribution functions
    for point in range(8):
        left, right = np.sort(moved[:, point]), np.sort(accepted.log_odds[half:, point])
        at = np.concatenate([left, right])
        gap = np.searchsorted(left, at, "right") / len(left) - np.searchsorted(right, at, "right") / len(
            right
        )
        assert np.max(np.abs(gap)) < bound


def zero_one_log_likelihood(params: Any, batch: Batch) -> jax.Array:
    assert MODEL.errors is not None
    return jnp.where(MODEL.errors(params, batch), -jnp.inf, 0.0)


def best_of_many(key: jax.Array) -> Any:
    """The prior draw of a thousand with the fewest training errors: mostly, but not surely, none."""
    params = jax.vmap(MODEL.sample_prior)(jax.random.split(key, 1000))
    errors = jax.vmap(lambda one: training_errors(boolean_target(), one))(params)
    return jax.tree.map(lambda leaf: leaf[jnp.argmin(errors)], params)


@pytest.mark.certify
def test_samples_a_zero_one_posterior_as_rejection_does() -> None:
    """A likelihood of zero or one: functions as often as by rejection."""
    model = MODEL._replace(log_likelihood=zero_one_log_likelihood)
    draws = sample(
        jax.random.key(2),
        elliptical_slice(num_warmup=500, num_steps_per_draw=8),
        posterior(model, boolean_data(), num_data=6),
        observe_outputs,
        (),
        num_chains=64,
        start=best_of_many,
        num_draws=100,
        chunk=100,
        block=32,
    )
    assert draws.status == ["ok"] * 64
    counts = fitting_counts(boolean_data())
    functions = np.flatnonzero(counts)
    share = counts[functions] / np.sum(counts)
    found = identity(draws.observed["log_odds"])
    frequencies = np.mean(found[..., None] == functions, axis=1)
    assert np.isin(found, functions).all()
    check = check_means(frequencies, share, np.sqrt(share * (1 - share) / np.sum(counts)))
    assert check.deviation < 1
    assert check.detectable < 0.15


def is_nan_above_zero(params: jax.Array) -> jax.Array:
    return jnp.where(params[0] > 0, jnp.nan, 0.0)


def only_above_one(params: jax.Array) -> jax.Array:
    return jnp.where(params[0] > 1, 0.0, -jnp.inf)


@pytest.fixture
def plain_target() -> Target:
    """A standard normal prior over two numbers; the likelihood is given to the kernel."""
    return Target(
        log_prior=lambda params: -jnp.sum(params**2) / 2,
        log_likelihood=lambda params, data: jnp.zeros(1),
        errors=None,
        sample_prior=lambda key: jax.random.normal(key, (2,)),
        data=jnp.zeros(1),
        num_data=jnp.ones(()),
        beta=jnp.ones(()),
        prior_scale=jnp.ones(2),
    )


def steps(target: Target, log_factor: Callable[[Any], jax.Array], start: jax.Array, count: int) -> jax.Array:
    kernel = elliptical_module.elliptical_kernel(target, log_factor)

    def step(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
        state, _ = kernel.step(key, state)
        return state, kernel.position(state)

    state = kernel.init(jax.random.key(0), start)
    return jax.jit(lambda keys: jax.lax.scan(step, state, keys)[1])(
        jax.random.split(jax.random.key(3), count)
    )


def test_never_accepts_a_likelihood_that_is_not_a_number(plain_target: Target) -> None:
    """blackjax's kernel does: that is why this one is ours."""
    start = jnp.array([-1.0, 0.0])
    path = steps(plain_target, is_nan_above_zero, start, 200)
    assert np.all(path[:, 0] <= 0)
    assert len(np.unique(path[:, 0])) == 200
    theirs = blackjax.elliptical_slice(is_nan_above_zero, mean=jnp.zeros(()), cov=jnp.ones(2))
    moved, _ = jax.jit(jax.vmap(theirs.step, (0, None)))(
        jax.random.split(jax.random.key(4), 20), theirs.init(start)
    )
    assert np.any(np.isnan(moved.logdensity))


def test_finds_its_way_out_of_zero_likelihood(plain_target: Target) -> None:
    path = steps(plain_target, only_above_one, jnp.array([-1.0, 0.0]), 200)
    inside = np.asarray(path[:, 0] > 1)
    assert inside.any()
    assert inside[np.argmax(inside) :].all()  # once inside, inside for good


def test_refuses_a_prior_that_is_not_gaussian() -> None:
    model = bayesian_model(NETWORK, laplace_prior(NETWORK), bernoulli())
    with pytest.raises(ValueError, match=r"prior_scale None.*use hmc"):
        sample(
            jax.random.key(0),
            elliptical_slice(),
            posterior(model, boolean_data(), num_data=6),
            observe_outputs,
            (),
            num_chains=2,
            num_draws=2,
        )
