"""Every sign, N and beta against numpyro's log density of the same model, in double precision.

The check is tried on mutants of the formulas, one slip each, and must refuse them all.
"""

import functools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from numpyro import handlers
from numpyro.infer.util import log_density

from models import (
    Batch,
    Likelihood,
    Prior,
    bayesian_model,
    bernoulli,
    categorical,
    gaussian,
    gaussian_prior,
    laplace_prior,
    mlp,
    student_t_prior,
)
from samplers import Target, logdensity, loss, objective, posterior, training_errors
from samplers.target import fit_statistics

type Array = jax.Array
type Params = Any

ROWS, NUM_DATA, BETA = 7, 21, 0.6  # N is not the number of rows, so that neither stands in for the other
LIKELIHOODS: dict[str, tuple[Likelihood, int]] = {
    "categorical": (categorical(), 3),
    "bernoulli": (bernoulli(), 1),
    "gaussian": (gaussian(0.3), 1),
}
PRIORS: dict[str, Callable[[Any], Prior]] = {
    "gaussian": gaussian_prior,
    "laplace": laplace_prior,
    "student_t": student_t_prior,
}


# The two enter the target as a sum: pairs that name each once are enough. The first is used throughout.
PAIRS = [("gaussian", "categorical"), ("laplace", "bernoulli"), ("student_t", "gaussian")]


class Problem(NamedTuple):
    target: Target
    reference: Callable[[Params], Array]  # numpyro's log density, nats
    params: Params


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def problem(prior_name: str, likelihood_name: str) -> Problem:
    likelihood, num_outputs = LIKELIHOODS[likelihood_name]
    network = mlp([3, 4, num_outputs])
    prior = PRIORS[prior_name](network)
    rng = np.random.default_rng(0)
    targets = rng.normal(size=ROWS) if likelihood_name == "gaussian" else rng.integers(0, 2, ROWS)
    data = Batch(jnp.asarray(rng.normal(size=(ROWS, 3))), jnp.asarray(targets))

    def model() -> None:
        params = [
            {
                leaf: numpyro.sample(f"{i}.{leaf}", law.to_event(len(law.batch_shape)))
                for leaf, law in laws.items()
            }
            for i, laws in enumerate(prior.distributions)
        ]
        outputs = jax.vmap(network.apply, (None, 0))(params, data.inputs)
        with handlers.scale(scale=BETA * NUM_DATA / ROWS):
            numpyro.sample("y", likelihood.distribution(outputs.T).to_event(1), obs=data.targets)

    def reference(params: Params) -> Array:
        sites = {f"{i}.{name}": leaf for i, layer in enumerate(params) for name, leaf in layer.items()}
        return log_density(model, (), {}, sites)[0]

    target = posterior(bayesian_model(network, prior, likelihood), data, num_data=NUM_DATA, beta=BETA)
    shapes = jax.eval_shape(prior.sample, jax.random.key(0))
    return Problem(
        target, reference, jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape)), shapes)
    )


# Of the target, the log prior and the loss. All are linear in the last two, so that the gradient
# of a slip is the slip of their gradients: nothing more to compile.
type Formula = Callable[[Target, Any, Any], Any]
LOGDENSITY_SLIPS: dict[str, Formula] = {
    "sign of the loss": lambda t, prior, risk: prior + t.beta * t.num_data * risk,
    "sign of the prior": lambda t, prior, risk: -prior - t.beta * t.num_data * risk,
    "N missing": lambda t, prior, risk: prior - t.beta * risk,
    "N inferred from the rows": lambda t, prior, risk: prior - t.beta * ROWS * risk,
    "beta missing": lambda t, prior, risk: prior - t.num_data * risk,
    "beta on the prior too": lambda t, prior, risk: t.beta * (prior - t.num_data * risk),
    "prior missing": lambda t, prior, risk: -t.beta * t.num_data * risk,
    "sum for mean": lambda t, prior, risk: prior - t.beta * t.num_data * ROWS * risk,
}
OBJECTIVE_SLIPS: dict[str, Formula] = {
    "sign of the prior": lambda t, prior, risk: risk + prior / (t.beta * t.num_data),
    "prior not divided by N": lambda t, prior, risk: risk - prior / t.beta,
    "prior not divided by beta": lambda t, prior, risk: risk - prior / t.num_data,
    "prior divided by the rows": lambda t, prior, risk: risk - prior / (t.beta * ROWS),
    "beta on the loss": lambda t, prior, risk: t.beta * risk - prior / t.num_data,
}


class Judged(NamedTuple):
    """Values and gradients at one point, all from one compilation."""

    reference: tuple[Array, Params]
    logdensity: tuple[Array, Params]
    objective: tuple[Array, Params]
    log_prior: tuple[Array, Params]
    loss: tuple[Array, Params]
    target: Target

    def slipped(self, formula: Formula) -> tuple[Array, Params]:
        found: tuple[Array, Params] = jax.tree.map(
            lambda prior, risk: formula(self.target, np.asarray(prior), np.asarray(risk)),
            self.log_prior,
            self.loss,
        )
        return found


@functools.cache
def judged(prior_name: str, likelihood_name: str) -> Judged:
    target, reference, params = problem(prior_name, likelihood_name)

    def at(target: Target, params: Params) -> Judged:
        return Judged(
            jax.value_and_grad(reference)(params),
            jax.value_and_grad(logdensity, argnums=1)(target, params),
            jax.value_and_grad(partial(objective, prior_weight=1.0), argnums=1)(target, params),
            jax.value_and_grad(target.log_prior)(params),
            jax.value_and_grad(loss, argnums=1)(target, params),
            target,
        )

    return jax.jit(at)(target, params)


def check(found: tuple[Array, Params], expected: tuple[Array, Params], scale: float = 1.0) -> None:
    """Fails unless value and gradient equal ``scale`` times the expected ones to rounding."""

    def agree(a: Array, b: Array) -> None:
        np.testing.assert_allclose(a, scale * b, rtol=1e-9, atol=1e-11)

    jax.tree.map(agree, found, expected)


TO_OBJECTIVE = -1 / (BETA * NUM_DATA)


@pytest.mark.parametrize(("prior", "likelihood"), PAIRS)
def test_logdensity_and_objective_equal_numpyro(prior: str, likelihood: str) -> None:
    found = judged(prior, likelihood)
    check(found.logdensity, found.reference)
    check(found.objective, found.reference, TO_OBJECTIVE)


@pytest.mark.parametrize("slip", LOGDENSITY_SLIPS)
def test_the_check_refuses_slips_in_the_logdensity(slip: str) -> None:
    found = judged("gaussian", "categorical")
    with pytest.raises(AssertionError):
        check(found.slipped(LOGDENSITY_SLIPS[slip]), found.reference)


@pytest.mark.parametrize("slip", OBJECTIVE_SLIPS)
def test_the_check_refuses_slips_in_the_objective(slip: str) -> None:
    found = judged("gaussian", "categorical")
    with pytest.raises(AssertionError):
        check(found.slipped(OBJECTIVE_SLIPS[slip]), found.reference, TO_OBJECTIVE)


def test_the_formulas_without_a_slip_pass() -> None:
    found = judged("gaussian", "categorical")
    check(found.slipped(lambda t, prior, risk: prior - t.beta * t.num_data * risk), found.reference)


def test_the_prior_weight_moves_the_objective_from_the_risk_linearly() -> None:
    target, _, params = problem("student_t", "gaussian")
    risk, between, mean_loss = jax.jit(
        lambda target, params: (
            objective(target, params, prior_weight=0.0),
            objective(target, params, prior_weight=0.3),
            loss(target, params),
        )
    )(target, params)
    full = TO_OBJECTIVE * judged("student_t", "gaussian").reference[0]
    np.testing.assert_allclose(risk, mean_loss)
    np.testing.assert_allclose(between, risk + 0.3 * (full - risk))


def test_a_minibatch_estimates_the_logdensity_without_bias() -> None:
    """The mean over all batches of one row is the logdensity of all data, exactly."""
    target, _, params = problem("student_t", "gaussian")
    singles = jax.tree.map(lambda leaf: leaf[:, None], target.data)
    estimates = jax.jit(jax.vmap(logdensity, (None, None, 0)))(target, params, singles)
    np.testing.assert_allclose(jnp.mean(estimates), judged("student_t", "gaussian").reference[0])


def test_training_statistics_are_counted_by_hand() -> None:
    target, reference, params = problem("gaussian", "categorical")
    params[-1]["b"] = jnp.array([1.0, 1.0, -9.0])  # never the third class, which is no label
    first, last = jax.tree.map(np.asarray, params)
    hidden = np.tanh(np.asarray(target.data.inputs) @ first["w"] + first["b"])
    wrong = np.sum(np.argmax(hidden @ last["w"] + last["b"], axis=1) != np.asarray(target.data.targets))
    assert 0 < wrong < ROWS
    errors, recorded, lp, mean_loss = jax.jit(
        lambda target, params: (
            training_errors(target, params),
            fit_statistics(target, params),
            reference(params),
            loss(target, params),
        )
    )(target, params)
    assert errors == wrong
    np.testing.assert_allclose(recorded["train_error"], wrong / ROWS)
    np.testing.assert_allclose(recorded["lp"], lp, rtol=1e-5)
    np.testing.assert_allclose(recorded["loss"], mean_loss)


def test_a_regression_has_no_training_errors() -> None:
    target, _, params = problem("student_t", "gaussian")
    assert "train_error" not in jax.eval_shape(fit_statistics, target, params)
    with pytest.raises(ValueError, match="regression"):
        training_errors(target, params)
