r"""The joint-distribution test: sampler and model, prior and likelihood, checked together.

Parameters from the prior and labels from the network make an exact draw of the joint law
``p(theta) p(y | theta)``. Then in turn the kernel moves the parameters given the labels, and
labels are drawn again given the parameters. If the kernel leaves every posterior invariant
the joint law stays, so that

.. math:: E[f(\theta_k, y_k) - f(\theta_0, y_0)] = 0.

A mistake in prior, likelihood or kernel accumulates over the rounds.

Source: Geweke 2004, section 3.2; started from exact draws, as Gandy and Scott 2020 do.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from samplers import Target
from samplers.target import Key, Params, loss

from .check import Check, Moment, check_moments
from .invariance import MakeKernel, must_move
from .networks import boolean_target, draw_labels, log_odds, with_labels

type Array = jax.Array

NUM_ROUNDS = 10
ALL_ROWS = tuple(range(8))
NAMES = (
    "log odds at 0",
    "log odds at 7",
    "loss",
    "a weight",
    "log prior",
    *(f"label at {row}" for row in (0, 3, 7)),
    "label times log odds at 0",
    "log odds at 0 squared",
    "loss squared",
    "a weight squared",
)


def joint_check(
    key: Key, name: str, make_kernel: MakeKernel, *, num_chains: int = 8192, target: Target | None = None
) -> Check:
    """Ten rounds of parameters given labels and labels given parameters.

    ``target`` replaces the one that the kernel is made for: mutants need another.
    """
    judge = boolean_target(ALL_ROWS)
    start, end, moved = (
        np.asarray(found, np.float64)
        for found in _rounds(make_kernel, judge if target is None else target, judge, key, num_chains)
    )
    spread = start.std(axis=0)
    moments = [Moment(name, (end[:, i] - start[:, i]) / spread[i], 0.0) for i, name in enumerate(NAMES)]
    check = check_moments(name, "joint distribution of parameters and labels, 3-4-1 network", moments)
    return must_move(check, moved)


@partial(jax.jit, static_argnames=("make_kernel", "num_chains"))
def _rounds(
    make_kernel: MakeKernel, aim: Target, judge: Target, key: Key, num_chains: int
) -> tuple[Array, Array, Array]:
    def one(key: Key) -> tuple[Array, Array, Array]:
        key_prior, key_labels, key_rounds = jax.random.split(key, 3)
        start = judge.sample_prior(key_prior)
        labels = draw_labels(key_labels, start)

        def turn(carry: tuple[Params, Array], key: Key) -> tuple[tuple[Params, Array], None]:
            params, labels = carry
            key_init, key_step, key_labels = jax.random.split(key, 3)
            kernel = make_kernel(with_labels(aim, labels))
            state, _ = kernel.step(key_step, kernel.init(key_init, params))
            params = kernel.position(state)
            return (params, draw_labels(key_labels, params)), None

        keys = jax.random.split(key_rounds, NUM_ROUNDS)
        (end, last), _ = jax.lax.scan(turn, (start, labels), keys)
        moved = jnp.any(start[0]["w"] != end[0]["w"])
        return _functionals(judge, start, labels), _functionals(judge, end, last), moved

    return jax.vmap(one)(jax.random.split(key, num_chains))


def _functionals(target: Target, params: Params, labels: Array) -> Array:
    odds = log_odds(params)
    now = loss(with_labels(target, labels), params)
    weight = params[0]["w"][0, 0]
    parts = [odds[0], odds[7], now, weight, target.log_prior(params)]
    parts += [labels[row].astype(odds.dtype) for row in (0, 3, 7)]
    return jnp.stack([*parts, labels[0] * odds[0], odds[0] ** 2, now**2, weight**2])
