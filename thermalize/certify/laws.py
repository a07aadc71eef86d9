r"""The finite-step laws that the certificate lists, one case a line.

Step sizes are large on purpose: on the stiffest direction SGLD's law is a third wider than
the posterior, so that a test which confused the two would fail by many times its
error. See ``linear.py`` for how each law follows from its update.
"""

from functools import cache

import jax.numpy as jnp
import numpy as np

from samplers import Sampler
from samplers.kernel import Tuning
from samplers.langevin import sghmc, underdamped
from samplers.named import optax_optimiser
from samplers.sgld import SgldTuning, sgld
from samplers.sgnht import ThermostatTuning, sgnht

from .check import Matrix
from .linear import Map, baoab, descent, overdamped, trajectory
from .measure import Case
from .quadratic import Params, location, regression

STEP_SIZE = 0.5 / 70  # of the overdamped schemes: half the inverse of the largest curvature
FRICTION = 5.0
TIME_STEP = 0.12  # of the underdamped ones: about one radian of the fastest oscillation
BATCH_SIZE = 4
SGHMC_FRICTION, SGHMC_STEPS = 2.0, 4
SECOND_MOMENT, OFFSET = (0.3, 0.05, 1.2), 0.5
CYCLE_STEPS, EXPLORATION = 20, 0.25
THERMOSTAT_AT_REST = 1e8


@cache
def finite_step_cases() -> tuple[Case, ...]:
    """Every scheme whose exact law on a quadratic is known at any step size."""
    quadratic, linear = location(), regression()
    h, b = TIME_STEP, BATCH_SIZE
    plain, frozen = SgldTuning(None, None), SgldTuning(None, second_moment())
    return (
        sgld_case(),
        Case(
            held(sgld(STEP_SIZE, b, 1, num_steps_per_draw=1), plain),
            linear,
            (overdamped(linear, STEP_SIZE, b),),
            "SGLD, minibatch: noise that grows with the distance from the mode",
        ),
        Case(
            sgld(STEP_SIZE, b, 1, num_steps_per_draw=1, anchor_steps=800),
            linear,
            (overdamped(linear, STEP_SIZE, b, at_anchor=True),),
            "SGLD, control variates: no noise at the mode",
        ),
        Case(
            held(frozen_sgld(), frozen),
            quadratic,
            (overdamped(quadratic, STEP_SIZE, b, preconditioner=preconditioner_matrix()),),
            "SGLD, frozen preconditioner: S = A S A' + 2eG + e^2 GCG, A = I - eGH",
        ),
        Case(
            held(sgld(4 * STEP_SIZE, b, 1, num_steps_per_draw=CYCLE_STEPS, cycle_steps=CYCLE_STEPS), plain),
            quadratic,
            cycle(b),
            "SGLD, cyclical steps: the law at the end of a cycle",
        ),
        underdamped_case(),
        Case(
            held(sghmc(h, SGHMC_FRICTION, SGHMC_STEPS, b), None),
            quadratic,
            (trajectory(quadratic, h, SGHMC_FRICTION, SGHMC_STEPS, b),),
            "SGHMC, minibatch: fresh momentum, four BAOAB steps",
        ),
        Case(
            held(
                sgnht(h, FRICTION, THERMOSTAT_AT_REST, b),
                ThermostatTuning(None, jnp.asarray(FRICTION)),
            ),
            quadratic,
            (baoab(quadratic, h, FRICTION, b),),
            "SGNHT, thermostat at rest: BAOAB",
        ),
        sgd_case(),
    )


def held(sampler: Sampler, tuning: Tuning) -> Sampler:
    """The sampler without its warm-up: the tuning is given, so that the law is known."""
    return sampler._replace(warmup=lambda key, target, position: (position, tuning))


@cache
def sgld_case() -> Case:
    """Plain SGLD on all data, the base of most mutants."""
    problem = location()
    sampler = held(sgld(STEP_SIZE, None, 1, num_steps_per_draw=1), SgldTuning(None, None))
    law = "SGLD, all data: S = A S A' + 2e, A = I - eH"
    return Case(sampler, problem, (overdamped(problem, STEP_SIZE, None),), law)


@cache
def underdamped_case() -> Case:
    """BAOAB with its momentum kept."""
    problem = location()
    sampler = held(underdamped(TIME_STEP, FRICTION, BATCH_SIZE), None)
    step = baoab(problem, TIME_STEP, FRICTION, BATCH_SIZE)
    return Case(sampler, problem, (step,), "BAOAB, minibatch: heated by the noise as h C")


@cache
def sgd_case() -> Case:
    """SGD of constant step on the objective with its prior."""
    problem = regression()
    rate = STEP_SIZE * float(problem.target.beta * problem.target.num_data)
    sampler = optax_optimiser("sgd", rate, (), BATCH_SIZE, prior_weight=1.0)
    step = descent(problem, rate, BATCH_SIZE)
    return Case(sampler, problem, (step,), "SGD of constant step: S = A S A' + e^2 C, A = I - eH")


def frozen_sgld() -> Sampler:
    """SGLD whose preconditioner comes from its tuning."""
    return sgld(
        STEP_SIZE,
        BATCH_SIZE,
        1,
        num_steps_per_draw=1,
        preconditioning="frozen",
        preconditioner_offset=OFFSET,
    )


def preconditioner_matrix() -> Matrix:
    """``G`` of the second moments in the tuning, ``(3, 3)``."""
    return np.diag(1 / (OFFSET + np.sqrt(np.array(SECOND_MOMENT))))


def cycle(batch_size: int | None) -> tuple[Map, ...]:
    """The maps of one cycle, written out here rather than taken from the sampler's schedule."""
    maps = []
    for t in range(CYCLE_STEPS):
        share = t / CYCLE_STEPS
        epsilon = 2 * STEP_SIZE * (np.cos(np.pi * share) + 1)
        temperature = 0.0 if share < EXPLORATION else 1.0
        maps.append(overdamped(location(), epsilon, batch_size, temperature=temperature))
    return tuple(maps)


def second_moment() -> Params:
    """Those of a preconditioner that is given instead of found."""
    values = jnp.asarray(SECOND_MOMENT)
    return {"a": values[:2], "b": values[2:].reshape(1, 1)}
