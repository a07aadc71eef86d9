"""The driver of populations: streaming, order, status, compilation. Its samplers are toys."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from samplers import Draws, Population, PopulationSampler, Target, populations
from samplers.population import num_distinct, prior_particles

from .linear_gaussian import flat, linear_target, observe_flat

NUM_PARTICLES = 100  # more than are recorded at once, and no multiple of it


@cache
def prior_population(
    num_ancestors: int = NUM_PARTICLES,
    log_evidence: float = -2.0,
    finished: bool = True,
    bad_draw: bool = False,
) -> PopulationSampler:
    """Prior draws with made-up evidence and ancestors."""

    def run(key: jax.Array, target: Target) -> Population:
        params = prior_particles(key, target, NUM_PARTICLES)
        if bad_draw:
            params = jax.tree.map(lambda leaf: leaf.at[7].set(jnp.inf), params)
        stats = {
            "num_stages": jnp.asarray(3),
            "num_ancestors": jnp.asarray(num_ancestors),
            "finished": jnp.asarray(finished),
        }
        return Population(params, jnp.asarray(log_evidence) + 0 * target.beta, stats)

    return PopulationSampler("toy", "the prior", "", run)


def run(sampler: PopulationSampler, num_chains: int = 5, **options: Any) -> Any:
    return populations(
        jax.random.key(0), sampler, linear_target(), observe_flat, (), num_chains=num_chains, **options
    )


def test_draws_have_population_and_particle_axes() -> None:
    draws, evidence = run(prior_population(), keep_params=True)
    assert draws.observed["theta"].shape == (5, NUM_PARTICLES, 4)
    assert draws.stats["lp"].shape == draws.stats["num_stages"].shape == (5, NUM_PARTICLES)
    assert np.array_equal(flat(draws.params), draws.observed["theta"])  # the order of the particles
    assert len(np.unique(draws.observed["theta"][..., 0])) == 5 * NUM_PARTICLES
    assert draws.status == ["ok"] * 5
    assert evidence.populations == [-2.0] * 5
    assert evidence.log_evidence == -2
    assert evidence.standard_error == 0


def test_a_sink_gets_every_population_once_and_in_order() -> None:
    pieces: list[tuple[Draws, int]] = []
    seen: list[tuple[int, int]] = []
    draws, evidence = run(
        prior_population(),
        sink=lambda piece, first: pieces.append((piece, first)),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert draws.observed == {}
    assert draws.status == ["ok"] * 5
    assert [first for _, first in pieces] == [0, 2, 4]  # two devices, one population each
    assert seen == [(0, 5), (2, 5), (4, 5), (5, 5)]
    whole, same = run(prior_population())
    joined = np.concatenate([piece.observed["theta"] for piece, _ in pieces])
    assert np.array_equal(joined, whole.observed["theta"])
    assert evidence == same


def test_a_population_does_not_depend_on_how_many_others_run() -> None:
    three, _ = run(prior_population(), num_chains=3)
    five, _ = run(prior_population(), num_chains=5)
    assert np.array_equal(three.observed["theta"], five.observed["theta"][:3])


@pytest.mark.parametrize(
    ("sampler", "sentence"),
    [
        (
            prior_population(num_ancestors=4),
            "collapsed: 100 particles descend from 4 prior draws, fewer than 5",
        ),
        (prior_population(log_evidence=-np.inf), "extinct after 3 stages: none of 100 particles"),
        (prior_population(finished=False), "unfinished: the target was not reached in 3 stages"),
        (prior_population(bad_draw=True), "log density not finite at draw 7"),
    ],
    ids=["collapsed", "extinct", "unfinished", "not finite"],
)
def test_failures_have_a_sentence_and_no_evidence(sampler: PopulationSampler, sentence: str) -> None:
    draws, evidence = run(sampler, num_chains=2)
    assert all(status.startswith(sentence) for status in draws.status)
    assert evidence.log_evidence is None
    assert evidence.reason.startswith("not available: 2 of 2 populations are not usable; " + sentence)
    assert evidence.populations == [None, None]


def test_the_wanted_number_of_ancestors_is_an_option() -> None:
    draws, _ = run(prior_population(num_ancestors=4), num_chains=2, min_ancestors=4)
    assert draws.status == ["ok", "ok"]


def test_another_beta_does_not_compile_again() -> None:
    traces = []

    def observe(params: Any, inputs: Any) -> dict[str, jax.Array]:
        traces.append(1)
        return observe_flat(params, inputs)

    counts = []
    for beta in (0.5, 1.0, 2.0):
        populations(jax.random.key(0), prior_population(), linear_target(beta), observe, (), num_chains=2)
        counts.append(len(traces))
    assert counts[0] == counts[-1] > 0  # jax 0.11 traces twice before it compiles once


def refuses(target: Target) -> None:
    raise ValueError("this toy serves nobody")


def test_refusals() -> None:
    with pytest.raises(ValueError, match="num_chains must be a whole number of at least 1, got 0"):
        run(prior_population(), num_chains=0)
    with pytest.raises(ValueError, match="this toy serves nobody"):
        run(prior_population()._replace(check=refuses))


def test_distinct_ancestors_are_counted() -> None:
    assert int(num_distinct(jnp.array([3, 3, 0, 1, 3]))) == 3
