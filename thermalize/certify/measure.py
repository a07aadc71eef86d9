r"""Measure a sampler against the law that its own update has on a quadratic target.

A :class:`Case` is a sampler, a quadratic target and the map that each transition is on it.
:func:`certify_case` runs many chains from over-dispersed starts, drops the draws before the
start is forgotten (known from the map), and compares means, covariances, covariances of
successive draws and the configurational temperature, ``tr(H S) / d``, with the law. No
allowance is made for discretisation: it is in the law.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from samplers import Sampler, Target

from .check import Check, Matrix, Moment, check_moments, law_moments
from .linear import Map, compose, num_steps_to_forget, stationary_covariance, stationary_law
from .quadratic import Quadratic, flat

type Array = jax.Array
type Key = jax.Array
type Stats = dict[str, Array]

FEWEST_DRAWS = 8


@dataclass(frozen=True, eq=False)
class Case:
    """A sampler and what its transitions do on ``problem``, positions first, momenta last.

    ``steps`` has one map for every transition between two recorded draws.
    """

    sampler: Sampler
    problem: Quadratic
    steps: tuple[Map, ...]
    law: str  # in words and symbols


def certify_case(key: Key, case: Case, *, num_chains: int = 8192, num_transitions: int = 80) -> Check:
    """Run chains past burn-in for about ``num_transitions`` more and compare with the law.

    Raises ``ValueError`` if the scheme is unstable, for it then has no law, and if the
    case has not one map for every transition between draws.
    """
    per_draw = case.sampler.num_steps_per_draw
    if len(case.steps) != per_draw:
        raise ValueError(f"{per_draw} maps are needed, got {len(case.steps)}")
    draw = compose(*case.steps)
    law = stationary_law(draw, case.problem)
    num_draws = max(FEWEST_DRAWS, num_transitions // per_draw)
    draws, stats = run_chains(
        case.sampler, case.problem.target, key, num_chains, num_steps_to_forget(draw), num_draws
    )
    moments = law_moments(draws, law)
    if "configurational_temperature" in stats:
        averages = stats["configurational_temperature"].mean(axis=1)
        moments.append(Moment("configurational temperature", averages, _expected_temperature(case)))
    return check_moments(case.sampler.name, case.law, moments)


def run_chains(
    sampler: Sampler, target: Target, key: Key, num_chains: int, burn_in: int, num_draws: int
) -> tuple[Matrix, dict[str, Matrix]]:
    """Positions ``(chain, draw, d)`` and statistics ``(chain, draw)``, averaged between draws.

    The driver's own keys in the driver's own order, in one program that compiles fast.
    """
    return jax.tree.map(
        lambda leaf: np.asarray(leaf, np.float64), _run(sampler, target, key, num_chains, burn_in, num_draws)
    )


@partial(jax.jit, static_argnames=("sampler", "num_chains", "burn_in", "num_draws"))
def _run(
    sampler: Sampler, target: Target, key: Key, num_chains: int, burn_in: int, num_draws: int
) -> tuple[Array, Stats]:
    steps = sampler.num_steps_per_draw

    def one(key: Key) -> tuple[Array, Stats]:
        key_start, key_warmup, key_init, key_run = jax.random.split(key, 4)
        position, tuning = sampler.warmup(key_warmup, target, target.sample_prior(key_start))
        kernel = sampler.kernel(target, tuning)

        def transition(state: object, t: Array) -> tuple[object, tuple[Array, Stats]]:
            state, info = kernel.step(jax.random.fold_in(key_run, t), state)
            return state, (flat(kernel.position(state)), info)

        times = jnp.arange((burn_in + num_draws) * steps)
        _, (theta, info) = jax.lax.scan(transition, kernel.init(key_init, position), times)
        averages = jax.tree.map(lambda values: values.reshape(-1, steps).mean(axis=1)[burn_in:], info)
        return theta[steps - 1 :: steps][burn_in:], averages

    return jax.vmap(one)(jax.vmap(partial(jax.random.fold_in, key))(jnp.arange(num_chains)))


def _expected_temperature(case: Case) -> float:
    """``tr(H S) / d``, averaged over the transitions between draws: each reports where it starts."""
    d = len(case.problem.mean)
    covariance = stationary_covariance(compose(*case.steps))
    temperatures = []
    for step in case.steps:
        temperatures.append(float(np.trace(case.problem.hessian @ covariance[:d, :d])) / d)
        covariance = step.matrix @ covariance @ step.matrix.T + step.noise(covariance)
    return float(np.mean(temperatures))
