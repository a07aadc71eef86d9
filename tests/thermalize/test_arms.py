"""The tables of arms agree with the code that they name, and every option reaches it."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models import gaussian_prior, mlp
from samplers import Kernel, PopulationSampler, Sampler, Target, loss
from thermalize.arms import KINDS, SAMPLERS
from thermalize.build import build_arm, build_sampler
from thermalize.build_approximate import build_population
from thermalize.config import Layer, make_config
from thermalize.optimisers import INITS, OPTIMISERS
from thermalize.population_kinds import POPULATIONS
from thermalize.roster import ArmConfig


def arm(kind: str, **options: object) -> ArmConfig:
    names = [kind, "sgd"] if kind in SAMPLERS else [kind]
    return make_config(
        Layer({"arms": {kind: options}}), select=names if kind != "prior" else ["sgd", "prior"]
    ).arms[0 if kind != "prior" else 1]


def built(config: ArmConfig) -> Sampler | PopulationSampler:
    if config.kind in POPULATIONS:
        return build_population(config.kind, config.options)
    return build_sampler(config)


# Another value of an option, where adding to the default or halving it would not do.
OTHERS: dict[str, dict[str, object]] = {
    "batch_size": {"batch_size": 7},
    "decay_power": {"decay_power": 0.5},
    "preconditioning": {"preconditioning": "adaptive"},
    "preconditioner_decay": {"preconditioning": "frozen", "preconditioner_decay": 0.5},
    "preconditioner_offset": {"preconditioning": "frozen", "preconditioner_offset": 0.5},
    "cycle_steps": {"cycle_steps": 50},
    "exploration": {"cycle_steps": 50, "exploration": 0.5},
    "moves": {"moves": "random_walk"},
    "break_ties": {"break_ties": False},
}
# What an option needs to have an effect at all.
BESIDE: dict[str, dict[str, object]] = {
    "preconditioner_decay": {"preconditioning": "frozen"},
    "preconditioner_offset": {"preconditioning": "frozen"},
    "exploration": {"cycle_steps": 50},
    "anchor_steps": {"batch_size": 7},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_builds_what_it_says(kind: str) -> None:
    sampler = built(arm(kind))
    assert sampler.name == kind
    assert sampler.citation == KINDS[kind].citation
    assert sampler is built(arm(kind))  # equal options compile once
    if kind in SAMPLERS:
        assert ("exactly invariant" in sampler.law) == KINDS[kind].exact
        options = SAMPLERS[kind].options
        for name in options.keys() - {"num_chains", "num_draws", "keep_params"}:
            given, beside = arm(kind).options[name], BESIDE.get(name, {})
            changed = OTHERS.get(name) or {name: given / 2 if isinstance(given, float) else given + 30}
            assert built(arm(kind, **{**beside, **changed})) is not built(arm(kind, **beside)), name


def quadratic() -> Target:
    """Eight centres on a line away from the start; the loss is half the mean squared distance."""

    def log_likelihood(params: jax.Array, centres: jax.Array) -> jax.Array:
        return -0.5 * jnp.sum((params[None] - centres) ** 2, axis=-1)

    def log_prior(params: jax.Array) -> jax.Array:
        return -0.5 * jnp.sum(params**2)

    return Target(
        log_prior=log_prior,
        log_likelihood=log_likelihood,
        errors=None,
        sample_prior=lambda key: jax.random.normal(key, (2,)),
        data=jnp.linspace(2.0, 3.0, 16).reshape(8, 2),
        num_data=jnp.asarray(8.0),
        beta=jnp.asarray(1.0),
        prior_scale=None,
    )


def ends(configs: list[ArmConfig], num_steps: int) -> list[list[float]]:
    """Where each optimiser gets in so many steps from (1, -1); one program for all, to compile once."""
    target = quadratic()

    @jax.jit
    def train(start: jax.Array) -> list[jax.Array]:
        found = []
        for config in configs:
            kernel = build_sampler(config).kernel(target, ())

            def step(state: Any, key: jax.Array, kernel: Kernel = kernel) -> tuple[Any, None]:
                return kernel.step(key, state)[0], None

            state = kernel.init(jax.random.key(3), start)
            state, _ = jax.lax.scan(step, state, jax.random.split(jax.random.key(2), num_steps))
            found.append(kernel.position(state))
        return found

    return [end.tolist() for end in train(jnp.array([1.0, -1.0]))]


def test_every_optimiser_descends() -> None:
    target = quadratic()
    before = float(loss(target, jnp.array([1.0, -1.0])))
    for kind, end in zip(
        OPTIMISERS, ends([arm(kind, batch_size="full") for kind in OPTIMISERS], 60), strict=True
    ):
        assert float(loss(target, jnp.asarray(end))) < 0.999 * before, kind


def test_every_setting_of_an_optimiser_changes_its_path() -> None:
    base: dict[str, object] = {"batch_size": "full", "learning_rate": 0.5}
    values: dict[str, object] = {"nesterov": True, "batch_size": 5, "prior_weight": 1.0, "eps": 0.5}
    cases = [
        (kind, name, {"momentum": 0.9} if name == "nesterov" else {})
        for kind in ("sgd", "adamw", "rmsprop")
        for name in (*OPTIMISERS[kind].settings, "learning_rate", "batch_size", "prior_weight")
    ]
    before = [arm(kind, **base, **extra) for kind, _, extra in cases]
    after = [arm(kind, **{**base, **extra, name: values.get(name, 0.35)}) for kind, name, extra in cases]
    found = ends(before + after, 20)
    for (kind, name, _), left, right in zip(cases, found[: len(cases)], found[len(cases) :], strict=True):
        assert left != right, f"{kind}: {name}"


def test_options_of_training_reach_the_arm() -> None:
    network = mlp([3, 4, 2])
    prior = gaussian_prior(network)
    options = {
        "stop": "loss",
        "threshold": 0.3,
        "extra_steps": 5,
        "max_steps": 70,
        "num_endpoints": 9,
        "keep_params": True,
    }
    built = build_arm(arm("sgd", **options), network, prior)
    assert built.stop is not None
    assert tuple(built.stop) == ("loss", 5, 0.3, 70)
    assert (built.num_chains, built.keep_params, built.match_reference, built.role) == (9, True, False, "arm")
    matched = build_arm(arm("sgd", stop="match"), network, prior)
    assert matched.stop is not None
    assert (matched.stop.rule, matched.match_reference) == ("loss", True)
    chains = build_arm(arm("hmc", num_chains=3, num_draws=11), network, prior)
    assert (chains.num_chains, chains.num_draws, chains.stop, chains.role) == (3, 11, None, "reference")


def test_every_starting_law_is_another_law() -> None:
    network = mlp([3, 4, 2])
    prior = gaussian_prior(network)
    starts = {}
    for init in INITS:
        options = {"init": init} | ({"init_scale": 0.5} if init == "scaled" else {})
        law = build_arm(arm("sgd", **options), network, prior).start
        assert law is not None
        starts[init] = np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(law(jax.random.key(0)))])
    np.testing.assert_array_equal(starts["scaled"], 0.5 * starts["prior"])
    for one, other in itertools.combinations(INITS, 2):
        assert (starts[one] != starts[other]).any()
