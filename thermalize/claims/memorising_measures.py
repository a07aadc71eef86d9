"""What is measured on one draw of the data at one label noise: evidences, a coefficient, cuts.

Every estimator says when it is out of its range; its number is then missing, with the reason.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from models import Task
from samplers import (
    Stop,
    Target,
    adjusted_mclmc,
    elliptical_moves,
    hmc_moves,
    level_smc,
    optimise,
    populations,
)
from samplers.named import optax_optimiser
from samplers.volume import (
    FitEvidence,
    cuttable_share,
    fit_evidence,
    learning_coefficient,
    scaled_last_layer,
)

from .input_span import span_of
from .memorising_systems import System, lifted, reduced_target, restricted, whole_target

LEVELS = "log evidence by levels"
INTEGRAL = "log evidence by integration"
GIBBS = "log evidence of the Gibbs posterior, beta = 1"
COEFFICIENT = "learning coefficient"
NEEDED = "share of weights needed"
ACCURACY = "test accuracy of the posterior"
TRAINED = "test accuracy of endpoints"
NEEDED_AT_RANDOM = "share of weights needed, random order"
UNITS = {
    LEVELS: "nats",
    INTEGRAL: "nats",
    GIBBS: "nats",
    COEFFICIENT: "",
    NEEDED: "share",
    NEEDED_AT_RANDOM: "share",
    ACCURACY: "share",
    TRAINED: "share",
}
MOST_APART = 1.0  # nats, between the ways there and back of one integral
MOST_STAGES = 100  # of levels, each of which halves: what lies below 2^-100 is out of reach
WALK = hmc_moves(3, 5)  # steps of each on every rung, of so many leapfrog steps
TRAINED_TO = 1e-4  # nats per datum: low enough to be a minimum for the chains
STOP = Stop("loss", threshold=TRAINED_TO, max_steps=20_000)
SAMPLER = adjusted_mclmc(10.0, 200, num_steps_per_draw=1)
OPTIMISER = optax_optimiser("adam", 0.01)


class Effort(NamedTuple):
    """How much is spent on each measurement."""

    num_particles: int  # of each of two populations that come down by levels
    num_moves: int  # of each of them on every level
    num_walkers: int  # of each of two passes along ever sharper losses
    num_draws: int  # of each of four chains of the coefficient
    num_endpoints: int


class Measured(NamedTuple):
    """Values by name, missing ones ``None``, and the reasons for those."""

    values: dict[str, float | None]
    reasons: dict[str, str]


def measure(key: jax.Array, chosen: System, task: Task, effort: Effort) -> Measured:
    """All measures on one draw of the data at one noise."""
    keys = jax.random.split(key, 7)
    span = span_of(task.train.inputs)
    reduced, whole = reduced_target(chosen, task, span), whole_target(chosen, task)
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}

    def keep(name: str, value: float | None, reason: str) -> None:
        values[name] = value
        if value is None:
            reasons[name] = reason

    particles, found = by_levels(keys[0], reduced, effort)
    keep(LEVELS, found, "a population did not reach zero errors or collapsed")
    integrated = by_integration(keys[1], reduced, effort)
    keep(INTEGRAL, *in_range(integrated))
    keep(GIBBS, integrated.gibbs.value, integrated.gibbs.reason)
    if particles is not None:
        keep(ACCURACY, accuracy(chosen, task, lifted(keys[2], particles, span)), "")
    trained = endpoints(keys[3], whole, effort.num_endpoints)
    if trained is None:
        reason = f"fewer than half of the networks were trained to a loss of {TRAINED_TO:g}"
        for name in (COEFFICIENT, NEEDED, NEEDED_AT_RANDOM, TRAINED):
            keep(name, None, reason)
        return Measured(values, reasons)
    keep(TRAINED, accuracy(chosen, task, trained), "")
    cut = cuttable_share(keys[4], whole, trained, num_cuts=100, num_orders=4)
    keep(NEEDED, float(1 - np.mean(cut.magnitude)), "")
    keep(NEEDED_AT_RANDOM, float(1 - np.mean(cut.random)), "")
    point = restricted(jax.tree.map(lambda leaf: leaf[0], trained), span)
    coefficient = learning_coefficient(keys[5], reduced, point, sampler=SAMPLER, num_draws=effort.num_draws)
    keep(COEFFICIENT, coefficient.estimate.value, coefficient.estimate.reason)
    return Measured(values, reasons)


def by_integration(key: jax.Array, target: Target, effort: Effort) -> FitEvidence:
    """The integral along ever sharper losses, there and back, by moves that levels have no use of."""
    return fit_evidence(
        key, target, scaled_last_layer, moves=WALK, num_passes=2, num_particles=effort.num_walkers
    )


def in_range(found: FitEvidence) -> tuple[float | None, str]:
    """The integral, unless the ways there and back say different numbers: particles then lagged behind.

    >>> from samplers.volume import Estimate
    >>> there, back = Estimate(-9.0, 0.1), Estimate(-11.0, 0.1)
    >>> in_range(FitEvidence(Estimate(-10.0, 1.0), there, back, -2.0, there))
    (None, 'integral there -9.00 and back -11.00 are more than 1 nat apart')
    """
    value = found.estimate.value
    if value is None:
        return None, found.estimate.reason
    if abs(found.hysteresis) > MOST_APART:
        how = f"integral there {found.there.value:.2f} and back {found.back.value:.2f}"
        return None, f"{how} are more than {MOST_APART:g} nat apart"
    return value, ""


def by_levels(key: jax.Array, target: Target, effort: Effort) -> tuple[Any, float | None]:
    """The particles of two populations and the mean of their log evidences, or nothing."""
    draws, evidence = populations(
        key,
        level_smc(elliptical_moves(effort.num_moves), effort.num_particles, max_stages=MOST_STAGES),
        target,
        _nothing,
        (),
        num_chains=2,
        min_ancestors=1,  # the resampling that matters is many levels back; the spread over data sees it
        keep_params=True,
    )
    if any(sentence != "ok" for sentence in draws.status):
        return None, None
    particles = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), draws.params)
    return particles, float(np.mean([value for value in evidence.populations if value is not None]))


def endpoints(key: jax.Array, target: Target, num: int) -> Any:
    """Parameters ``(endpoint, ...)`` of those that were trained, ``None`` where fewer than half were."""
    draws = optimise(
        key, OPTIMISER, target, _nothing, (), num_endpoints=num, stop=STOP, keep_params=True, lanes=8
    )
    met = np.array([sentence == "ok" for sentence in draws.status])
    if met.sum() < max(1, num / 2):
        return None
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[met, 0]), draws.params)


def accuracy(chosen: System, task: Task, params: Any) -> float:
    """Share of true labels found on the probe, mean over networks."""
    assert chosen.whole.errors is not None
    return float(1 - jnp.mean(_of_all(chosen.whole.errors)(params, task.probe)))


@cache  # a function made anew would be compiled anew
def _of_all(errors: Callable[[Any, Any], jax.Array]) -> Callable[[Any, Any], jax.Array]:
    return jax.jit(jax.vmap(errors, (0, None)))


def _nothing(params: Any, inputs: Any) -> dict[str, jax.Array]:
    return {}
