"""The contract of kernels, for every kernel of the table: shapes, keys, no recompiling."""

import functools
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from samplers import (
    Sampler,
    adjusted_mclmc,
    hmc,
    mala,
    mclmc,
    numpyro_nuts,
    nuts,
    optimiser,
    sgld,
)
from samplers.target import Target

from .problems import line, stacked_betas
from .table import TABLE

type Array = jax.Array

LINE = line()
NAMES = list(TABLE)
# Names of ArviZ's sample_stats, and ours where it has none.
STATISTICS = {
    "acceptance_rate": float,
    "configurational_temperature": float,
    "diverging": bool,
    "energy": float,
    "energy_error": float,
    "energy_variance": float,
    "grad_norm": float,
    "kinetic_temperature": float,
    "n_steps": int,
    "objective": float,
    "step_size": float,
    "thermostat_friction": float,
}


class Shapes(NamedTuple):
    """What every stage of a sampler hands on, without running it."""

    position: Any
    tuning: Any
    state: Any
    next_state: Any
    info: dict[str, Any]
    moved: Any


def stages(sampler: Sampler, key: Array, target: Target) -> Shapes:
    key_start, key_warmup, key_init, key_step = jax.random.split(key, 4)
    position, tuning = sampler.warmup(key_warmup, target, target.sample_prior(key_start))
    kernel = sampler.kernel(target, tuning)
    state = kernel.init(key_init, position)
    next_state, info = kernel.step(key_step, state)
    return Shapes(position, tuning, state, next_state, info, kernel.position(next_state))


@functools.cache
def shapes(name: str) -> Shapes:
    """Traced under jax's check that no key is used twice."""
    with jax.debug_key_reuse(True):
        return jax.eval_shape(functools.partial(stages, TABLE[name].sampler), jax.random.key(0), LINE.target)


class Step(NamedTuple):
    """One transition from given parameters, compiled once, and a count of its traces."""

    run: Callable[[Array, Target, Any], tuple[Any, dict[str, Array]]]
    traces: list[int]


@functools.cache
def step_of(name: str) -> Step:
    sampler, traces = TABLE[name].sampler, []

    def run(key: Array, target: Target, params: Any) -> tuple[Any, dict[str, Array]]:
        traces.append(1)
        key_init, key_step = jax.random.split(key)
        # Every option that warm-up finds here is a scale: any positive number will do.
        tuning = jax.tree.map(lambda leaf: jnp.full(leaf.shape, 0.01, leaf.dtype), shapes(name).tuning)
        kernel = sampler.kernel(target, tuning)
        state, info = kernel.step(key_step, kernel.init(key_init, params))
        return kernel.position(state), info

    return Step(jax.jit(run), traces)


def start() -> Any:
    return LINE.target.sample_prior(jax.random.key(7))


def same(left: Any, right: Any) -> bool:
    return jax.tree.all(jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), left, right))


def described(tree: Any) -> Any:
    """Shape, type and whether the type is weak: a weak one that turns strong compiles again."""
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), tree)


@pytest.mark.parametrize("name", NAMES)
def test_positions_have_the_shapes_and_types_of_the_parameters(name: str) -> None:
    params = described(jax.eval_shape(LINE.target.sample_prior, jax.random.key(0)))
    assert described(shapes(name).position) == params
    assert described(shapes(name).moved) == params


@pytest.mark.parametrize("name", NAMES)
def test_the_state_is_a_fixed_point_of_the_step(name: str) -> None:
    assert described(shapes(name).next_state) == described(shapes(name).state)


@pytest.mark.parametrize("name", NAMES)
def test_info_is_scalars_under_known_names(name: str) -> None:
    for statistic, value in shapes(name).info.items():
        assert value.shape == (), statistic
        assert jnp.issubdtype(
            value.dtype, {float: jnp.floating, int: jnp.integer}.get(STATISTICS[statistic], bool)
        )


@pytest.mark.parametrize("name", NAMES)
def test_no_key_is_used_twice(name: str) -> None:
    shapes(name)  # raises


def test_the_key_check_sees_a_key_used_twice() -> None:
    def careless(key: Array) -> Array:
        return jax.random.normal(key) + jax.random.uniform(key)

    with jax.debug_key_reuse(True), pytest.raises(jax.errors.KeyReuseError):
        jax.eval_shape(careless, jax.random.key(0))


@pytest.mark.parametrize("name", NAMES)
def test_a_step_depends_on_its_key_and_on_nothing_hidden(name: str) -> None:
    """At the posterior mean, where minibatch gradients differ in sign: Adam's first step is a sign."""
    run, b, w = step_of(name).run, *np.split(LINE.mean, [1])
    mean = [{"b": jnp.asarray(b, float), "w": jnp.asarray(w[:, None], float)}]
    once, again, other = (run(jax.random.key(seed), LINE.target, mean) for seed in (1, 1, 2))
    assert same(once, again)
    if TABLE[name].uses_key:
        moved = [run(jax.random.key(seed), LINE.target, mean)[0] for seed in range(3, 8)]
        assert not all(same(once[0], position) for position in moved)
    else:
        assert same(once, other)


@pytest.mark.parametrize("name", NAMES)
def test_it_moves_and_stays_finite(name: str) -> None:
    params, run = start(), step_of(name).run
    for seed in range(10):
        params, info = run(jax.random.key(seed), LINE.target, params)
    assert not same(params, start())
    assert jax.tree.all(jax.tree.map(lambda leaf: bool(jnp.isfinite(leaf).all()), (params, info)))


@pytest.mark.parametrize("name", NAMES)
def test_another_beta_or_data_set_acts_and_does_not_recompile(name: str) -> None:
    step, key = step_of(name), jax.random.key(1)
    targets = [LINE.target, line(beta=0.5).target, line(seed=1).target]
    first, hotter, elsewhere = (step.run(key, target, start()) for target in targets)
    assert len(step.traces) == 1
    assert same(first, hotter) != TABLE[name].uses_beta
    assert same(first, elsewhere) == (name == "prior")


@pytest.mark.parametrize("name", NAMES)
def test_beta_may_be_vmapped(name: str) -> None:
    target, axes = stacked_betas(LINE.target, jnp.array([0.5, 1.0, 2.0]))
    mapped = jax.vmap(functools.partial(stages, TABLE[name].sampler), (None, axes))
    many = jax.eval_shape(mapped, jax.random.key(0), target)
    single = described(shapes(name)._replace(info={}))
    without = jax.tree.map(lambda leaf: (leaf.shape[1:], leaf.dtype, leaf.weak_type), many._replace(info={}))
    assert without == single
    assert {value.shape for value in many.info.values()} <= {(3,)}


@pytest.mark.parametrize("name", NAMES)
def test_a_law_is_stated(name: str) -> None:
    sampler = TABLE[name].sampler
    assert "Law" in str(sys.modules[sampler.kernel.__module__].__doc__)
    assert sampler.law
    assert sampler.name


def test_equal_options_give_the_same_sampler() -> None:
    assert hmc(5, num_warmup=20) is hmc(5, num_warmup=20)
    transform = optax.sgd(0.1)
    assert optimiser(transform, 4) is optimiser(transform, 4)


BAD: list[tuple[Callable[..., Sampler], dict[str, Any], str]] = [
    (hmc, {"num_integration_steps": 0}, "num_integration_steps .* got 0"),
    (hmc, {"num_warmup": 0}, "num_warmup .* got 0"),
    (hmc, {"num_warmup": 2.5}, "num_warmup .* got 2.5"),
    (hmc, {"target_acceptance_rate": 1.0}, "target_acceptance_rate .* got 1.0"),
    (nuts, {"max_num_doublings": 0}, "max_num_doublings .* got 0"),
    (nuts, {"num_steps_per_draw": -1}, "num_steps_per_draw .* got -1"),
    (numpyro_nuts, {"max_num_doublings": 0}, "max_num_doublings .* got 0"),
    (numpyro_nuts, {"target_acceptance_rate": float("nan")}, "target_acceptance_rate .* got nan"),
    (mala, {"num_warmup": 0}, "num_warmup .* got 0"),
    (mala, {"target_acceptance_rate": 57.4}, "target_acceptance_rate .* got 57.4"),
    (mclmc, {"num_warmup": 5}, "num_warmup .* got 5"),
    (mclmc, {"desired_energy_variance": 0.0}, "desired_energy_variance .* got 0.0"),
    (adjusted_mclmc, {"mean_num_integration_steps": 1.0}, "mean_num_integration_steps .* got 1.0"),
    (adjusted_mclmc, {"num_warmup": 29}, "num_warmup .* got 29"),
    (sgld, {"step_size": 0.0}, "step_size .* got 0.0"),
    (sgld, {"step_size": float("inf")}, "step_size .* got inf"),
    (sgld, {"step_size": 0.1, "batch_size": 0}, "batch_size .* got 0"),
    (sgld, {"step_size": 0.1, "decay_power": -0.5}, "decay_power .* got -0.5"),
    (optimiser, {"transform": optax.sgd(0.1), "batch_size": 0}, "batch_size .* got 0"),
    (optimiser, {"transform": optax.sgd(0.1), "prior_weight": -1.0}, "prior_weight .* got -1.0"),
]


@pytest.mark.parametrize(("factory", "options", "message"), BAD)
def test_bad_options_are_refused_with_their_value(
    factory: Callable[..., Sampler], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        factory(**options)


@pytest.mark.parametrize("sampler", [optimiser(optax.sgd(0.1), 13), sgld(0.1, batch_size=13)])
def test_a_batch_larger_than_the_data_is_refused(sampler: Sampler) -> None:
    with pytest.raises(ValueError, match="at most the number of training rows, 12, got 13"):
        jax.eval_shape(functools.partial(stages, sampler), jax.random.key(0), LINE.target)
