"""Basins: two Gaussian wells of known masses are weighed; chains that sit where they began are not."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from models import (
    bayesian_model,
    categorical,
    gaussian_prior,
    modular_task,
    periodic_weights,
    quadratic_pairs,
)
from samplers import Sampler, Target, elliptical_slice, hmc, objective, parallel_tempering, posterior
from thermalize.basins import (
    Start,
    Weighed,
    from_prior,
    prior_scale,
    quenched_from,
    rule_or_memory,
    sample_basins,
    started,
)

WELLS, WIDTH, WEIGHTS = ((-2.0, 0.5), (1.5, -1.0)), 0.15, (0.4, 0.6)


def two_wells() -> Target:
    """A standard normal prior in the plane; a likelihood of two far narrow bumps of unlike weights."""

    def log_likelihood(params: jax.Array, data: jax.Array) -> jax.Array:
        bumps = [
            jnp.log(weight) - jnp.sum((params - jnp.array(well)) ** 2) / (2 * WIDTH**2)
            for well, weight in zip(WELLS, WEIGHTS, strict=True)
        ]
        return jax.nn.logsumexp(jnp.stack(bumps))[None] + 0 * data

    return Target(
        log_prior=lambda params: -jnp.sum(params**2) / 2,
        log_likelihood=log_likelihood,
        errors=None,
        sample_prior=lambda key: jax.random.normal(key, (2,)),
        data=jnp.zeros(1),
        num_data=jnp.ones(()),
        beta=jnp.ones(()),
        prior_scale=jnp.ones(2),
    )


def exact_masses() -> np.ndarray:
    """Prior times a bump is the bump's evidence times a Gaussian, 15 or more widths from the other."""
    evidence = [
        weight * multivariate_normal.pdf(well, cov=(1 + WIDTH**2) * np.eye(2))
        for well, weight in zip(WELLS, WEIGHTS, strict=True)
    ]
    return np.array(evidence) / sum(evidence)


def which(params: jax.Array, inputs: Any) -> dict[str, jax.Array]:
    far = jnp.stack([jnp.linalg.norm(params - jnp.array(well)) for well in WELLS])
    return {"basin": jnp.where(jnp.min(far) < 6 * WIDTH, 1 + jnp.argmin(far), 0), "along": params[0]}


def in_well(well: tuple[float, float], key: jax.Array, target: Target) -> jax.Array:
    return jnp.array(well) + WIDTH * jax.random.normal(key, (2,))


STARTS: dict[str, Start] = {
    "first": partial(in_well, WELLS[0]),
    "second": partial(in_well, WELLS[1]),
    "prior": from_prior,
}


def weighed(sampler: Sampler, num_draws: int, starts: dict[str, Start]) -> Weighed:
    return sample_basins(
        jax.random.key(0), sampler, two_wells(), which, (), starts=starts, num_chains=4, num_draws=num_draws
    )


@pytest.mark.certify
def test_two_wells_are_weighed_by_tempered_chains() -> None:
    ladder = (0.0, 0.01, 0.05, 0.2, 1.0)
    found = weighed(parallel_tempering(elliptical_slice(1, 1), ladder=ladder, num_warmup=50), 1500, STARTS)
    basins, (first, second) = found.basins, exact_masses()
    assert basins.certified, basins.reason
    assert basins.first.low < first < basins.first.high
    assert basins.second.low < second < basins.second.high
    assert basins.log_ratio.low < np.log(first / second) < basins.log_ratio.high
    assert basins.first.high - basins.first.low < 0.15  # so narrow that even weights would be seen:
    assert not basins.first.low < 0.5 < basins.first.high
    assert basins.neither < 0.001
    assert basins.num_crossings > 100
    assert set(basins.by_start) == set(STARTS)


@pytest.mark.parametrize(
    ("sampler", "words", "sits"),
    [
        (hmc(8, num_warmup=50), "agreement of starts", True),
        (
            parallel_tempering(elliptical_slice(1, 1), ladder=(0.0, 1.0), num_warmup=1),
            "R-hat of the basins",
            False,
        ),
    ],
)
def test_chains_that_cross_never_or_rarely_are_not_believed(sampler: Sampler, words: str, sits: bool) -> None:
    basins = weighed(sampler, 100, {name: STARTS[name] for name in ("first", "second")}).basins
    assert not basins.certified
    assert words in basins.reason
    assert (basins.num_crossings == 0) == sits


def test_all_replicas_begin_where_they_are_told() -> None:
    """Told of the first well alone, a warm-up leaves even the replica of the prior there."""
    base = parallel_tempering(elliptical_slice(1, 1), ladder=(0.0, 0.99, 1.0), num_warmup=1)
    told = started(base, STARTS["first"])
    warmup = jax.jit(lambda key, position: told.warmup(key, two_wells(), position))
    _, tuning = warmup(jax.random.key(0), jnp.zeros(2))
    assert tuning.positions.shape == (3, 2)
    assert (np.linalg.norm(np.asarray(tuning.positions) - np.array(WELLS[0]), axis=-1) < 6 * WIDTH).all()
    assert started(base, STARTS["first"]) is told


P = 5
NETWORK = quadratic_pairs(P, 3 * (P - 1))
MODEL = bayesian_model(NETWORK, gaussian_prior(NETWORK), categorical())
TASK = modular_task(0, P, train_share=0.6)


def test_the_rule_is_told_from_memory() -> None:
    assert MODEL.errors is not None
    observe = jax.jit(rule_or_memory(MODEL.errors))
    batches = (TASK.train, TASK.probe)
    rule = periodic_weights(P)
    right = observe(rule, batches)
    assert (int(right["basin"]), float(right["probe_accuracy"])) == (1, 1.0)
    wrong = [rule[0], {"w": -rule[1]["w"]}]
    assert int(observe(wrong, batches)["basin"]) == 0
    start = quenched_from(MODEL.sample_prior, 0.1, 400)
    target = posterior(MODEL, TASK.train, num_data=15, beta=100.0)
    params = jax.jit(start)(jax.random.key(0), target)
    found = observe(params, batches)
    assert float(found["train_accuracy"]) == 1
    assert int(found["basin"]) == (1 if found["probe_accuracy"] >= 0.95 else 2)
    assert int(observe(params, (TASK.train, TASK.train))["basin"]) == 1


def test_a_quench_goes_downhill_as_written_out() -> None:
    target = posterior(MODEL, TASK.train, num_data=15, beta=2.0)
    first = MODEL.sample_prior(jax.random.key(1))
    found = quenched_from(lambda key: first, 0.05, 3)(jax.random.key(0), target)
    params = first
    for _ in range(3):
        slope = jax.grad(lambda p: objective(target, p, prior_weight=1.0))(params)
        params = jax.tree.map(lambda leaf, one: leaf - 0.05 * one, params, slope)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5), found, params)


@pytest.mark.parametrize(("decay", "beta"), [(1e-3, 50.0), (0.1, 1.0)])
def test_the_decay_is_the_prior_at_every_beta(decay: float, beta: float) -> None:
    """Descent on the posterior's potential is descent on the loss with that decay, up to a constant."""
    prior = gaussian_prior(NETWORK, prior_scale(decay, beta, 15), fan_in=False)
    model = bayesian_model(NETWORK, prior, categorical())
    target = posterior(model, TASK.train, num_data=15, beta=beta)
    params = NETWORK.init(jax.random.key(0))

    def by_hand(params: Any) -> jax.Array:
        squares = sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(params))
        return -jnp.mean(model.log_likelihood(params, TASK.train)) + decay * squares / 2

    slopes = jax.grad(by_hand)(params), jax.grad(lambda p: objective(target, p, prior_weight=1.0))(params)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6), *slopes)
    with pytest.raises(ValueError, match="without decay no prior holds the weights"):
        prior_scale(0.0, beta, 15)
