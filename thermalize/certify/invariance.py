r"""Invariance and reversibility, from exact draws of a network's posterior.

Chains start from exact posterior draws ``theta_0`` and take ``k`` steps. If the kernel leaves
the posterior invariant then for every functional

.. math:: E[f(\theta_k) - f(\theta_0)] = 0,

and if it is reversible too, ``(theta_0, theta_1)`` and ``(theta_1, theta_0)`` have one law:

.. math:: E[f(\theta_0)\, g(\theta_1) - g(\theta_0)\, f(\theta_1)] = 0.

Differences are taken within a chain, so that what the start has by chance cancels. The
functionals are outputs, loss, a weight, their squares, a fourth power and the distribution
function at the quartiles of an output. A chain that does not move passes all this, so most
chains must have moved.

Sources: Gandy and Scott 2020 (exact draws as starts); Roberts and Rosenthal 2004, section 2
(detailed balance).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np

from samplers import Kernel, Target
from samplers.acceptance import Law
from samplers.target import Key, Params, loss

from .check import Check, Matrix, Moment, check_moments
from .networks import boolean_draws, boolean_target, log_odds

type Array = jax.Array
type MakeKernel = Callable[[Target], Kernel]

NUM_STEPS = 5
FEWEST_MOVED = 0.5  # share of chains that must have moved after all steps
SMOOTH = ("log odds at 4", "log odds at 7", "log odds at 0", "loss", "a weight", "log prior")


def invariance_check(
    key: Key,
    name: str,
    make_kernel: MakeKernel,
    *,
    law: Law = "gibbs",
    num_chains: int = 16384,
    target: Target | None = None,
) -> Check:
    """Whether a kernel with fixed tuning leaves the posterior, or the zero-one law, invariant.

    ``target`` replaces the one that the kernel is made for: mutants need another.
    """
    draws = boolean_draws(num_chains, law).params
    aim = boolean_target() if target is None else target
    start, first, last, moved = (
        np.asarray(found, np.float64) for found in _walk(make_kernel, aim, boolean_target(), draws, key)
    )
    quartiles = np.quantile(start[:, 0], [0.25, 0.5, 0.75])
    centre, spread = start.mean(axis=0), start.std(axis=0)
    z_start, z_first, z_last = ((values - centre) / spread for values in (start, first, last))
    names = (*SMOOTH, *(f"{what} squared" for what in SMOOTH), "a weight to the fourth")
    moments = [Moment(what, z_last[:, i] - z_start[:, i], 0.0) for i, what in enumerate(names)]
    moments += [
        Moment(f"distribution at quantile {q}", (last[:, 0] <= cut) * 1.0 - (start[:, 0] <= cut), 0.0)
        for q, cut in zip((0.25, 0.5, 0.75), quartiles, strict=True)
    ]
    moments += [
        Moment(
            f"exchange of {names[i]} and {names[j]}",
            z_start[:, i] * z_first[:, j] - z_start[:, j] * z_first[:, i],
            0.0,
        )
        for i, j in combinations(range(len(SMOOTH)), 2)
    ]
    wanted = "zero training errors" if law == "zero_one" else "the posterior"
    check = check_moments(name, f"invariance and reversibility: {wanted} of a 3-4-1 network", moments)
    return must_move(check, moved)


def must_move(check: Check, moved: Matrix) -> Check:
    """The check, failed if fewer than half of the chains have moved."""
    share = float(moved.mean())
    if share >= FEWEST_MOVED:
        return check
    return replace(check, passed=False, detail=f"only {share:.0%} of the chains moved; {check.detail}")


@partial(jax.jit, static_argnames=("make_kernel",))
def _walk(
    make_kernel: MakeKernel, aim: Target, judge: Target, draws: Params, key: Key
) -> tuple[Array, Array, Array, Array]:
    """Functionals at the start, after one step and after all, and whether chains moved."""
    num_chains = jax.tree.leaves(draws)[0].shape[0]

    def one(key: Key, start: Params) -> tuple[Array, Array, Array, Array]:
        kernel = make_kernel(aim)
        key_init, key_steps = jax.random.split(key)

        def step(state: object, key: Key) -> tuple[object, Array]:
            state, _ = kernel.step(key, state)
            return state, functionals(judge, kernel.position(state))

        keys = jax.random.split(key_steps, NUM_STEPS)
        state, passed = jax.lax.scan(step, kernel.init(key_init, start), keys)
        end = kernel.position(state)
        differs = [jnp.any(a != b) for a, b in zip(jax.tree.leaves(start), jax.tree.leaves(end), strict=True)]
        return functionals(judge, start), passed[0], passed[-1], jnp.any(jnp.stack(differs))

    return jax.vmap(one)(jax.random.split(key, num_chains), draws)


def functionals(target: Target, params: Params) -> Array:
    """Smooth ones, their squares and a fourth power, ``(13,)``."""
    odds = log_odds(params)
    weight = params[0]["w"][0, 0]
    smooth = jnp.stack([odds[4], odds[7], odds[0], loss(target, params), weight, target.log_prior(params)])
    return jnp.concatenate([smooth, smooth**2, weight[None] ** 4])
