r"""Parallel tempering over the inverse temperature: chains that cross between basins.

Replicas :math:`\theta_0, \dots, \theta_R` sample the posteriors at
:math:`0 = \beta_0 < \dots < \beta_R = \beta`. A step moves every replica by a kernel of
its own temperature, the first by an exact draw from the prior, and then proposes to swap
neighbours ``(r, r + 1)``, accepted with probability

.. math:: \alpha_r = \min\{1, \exp[(\beta_{r+1} - \beta_r)(\ell(\theta_r) - \ell(\theta_{r+1}))]\},
          \qquad \ell = -N L,

for even ``r`` in even steps and odd ``r`` in odd steps: a prior draw then travels
towards the target in a straight line, where random pairs would make it diffuse.

Law: the posterior of the target, exactly invariant (jointly over replicas, each at its
own temperature); only the replica at ``beta`` is recorded.

Sources: Geyer 1991; Syed et al. 2021, algorithm 1 (deterministic even-odd swaps).
"""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp

from .hmc import hmc
from .kernel import Info, Kernel, Sampler, Tuning
from .options import check_count, check_share
from .target import Key, Params, Target, loss

type Array = jax.Array


class Replicas(NamedTuple):
    """All replicas, coldest last."""

    positions: Params  # (replica, ...)
    from_prior: Array  # (replica,) whether it was a prior draw since it last was at the target
    step: Array  # its parity says which pairs swap


class Replica(NamedTuple):
    """What warm-up found: the tuning of replicas 1 .. R and the positions of all."""

    tuning: Tuning
    positions: Params


@cache
def parallel_tempering(
    moves: Sampler | None = None,
    num_temperatures: int = 10,
    hottest: float = 1e-3,
    ladder: tuple[float, ...] | None = None,
    num_warmup: int = 200,
    num_steps_per_draw: int = 1,
) -> Sampler:
    """Parallel tempering; within a replica any exact sampler, HMC unless given.

    The ladder is 0, then ``num_temperatures - 1`` shares of the target's ``beta`` in
    geometric progression from ``hottest`` to 1, or ``ladder`` itself, also in shares.
    Warm-up tunes ``moves`` at every temperature on its own, then takes ``num_warmup``
    steps with swaps. Each step runs ``moves.num_steps_per_draw`` transitions in every
    replica. Info: ``swap_rate_r`` is the probability of swapping pair ``(r, r + 1)``,
    ``swap_rate`` their mean, ``restarts`` counts prior draws that reach the target; the
    rest is the info of ``moves`` at the target. Raises ``ValueError`` for a ladder that
    does not rise from 0 to 1.

    >>> parallel_tempering(ladder=(0.0, 0.1, 1.0)).name
    'parallel_tempering'
    """
    check_count(num_warmup=num_warmup, num_steps_per_draw=num_steps_per_draw)
    shares = geometric_ladder(num_temperatures, hottest) if ladder is None else ladder
    rising = all(low < high for low, high in pairwise(shares))
    if len(shares) < 2 or shares[0] != 0 or shares[-1] != 1 or not rising:
        raise ValueError(f"ladder must rise from 0 to 1, in shares of the target's beta, got {shares}")
    inner = hmc(num_integration_steps=20) if moves is None else moves

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, Replica]:
        key_start, key_tune, key_init, key_run = jax.random.split(key, 4)
        positions = jax.vmap(target.sample_prior)(jax.random.split(key_start, len(shares)))
        positions = _set_last(positions, position)
        tune = jax.vmap(lambda key, beta, start: inner.warmup(key, replace(target, beta=beta), start))
        keys = jax.random.split(key_tune, len(shares) - 1)
        tuned, tuning = tune(keys, _betas(shares, target)[1:], _tail(positions))
        positions = jax.tree.map(lambda all_, rest: all_.at[1:].set(rest), positions, tuned)
        state_kernel = kernel(target, Replica(tuning, positions))

        def step(t: int, state: Replicas) -> Replicas:
            return state_kernel.step(jax.random.fold_in(key_run, t), state)[0]

        state = state_kernel.init(key_init, jax.tree.map(lambda leaf: leaf[-1], positions))
        state = jax.lax.fori_loop(0, num_warmup, step, state)
        return state_kernel.position(state), Replica(tuning, state.positions)

    def kernel(target: Target, tuning: Replica) -> Kernel:
        return _tempered_kernel(inner, shares, target, tuning)

    citation = f"Geyer 1991; Syed et al. 2021; {inner.citation}"
    law = "the posterior, exactly invariant"
    return Sampler("parallel_tempering", law, citation, warmup, kernel, num_steps_per_draw)


def geometric_ladder(num_temperatures: int, hottest: float) -> tuple[float, ...]:
    """0, then a geometric progression from ``hottest`` to 1.

    >>> geometric_ladder(4, 0.01)
    (0.0, 0.01, 0.1, 1.0)
    """
    if num_temperatures < 2:
        raise ValueError(
            f"num_temperatures must be at least 2, the prior and the target, got {num_temperatures}"
        )
    check_share(hottest=hottest)
    ratios = num_temperatures - 2
    middle = (hottest ** (1 - r / ratios) for r in range(ratios))
    return (0.0, *middle, 1.0)


def _tempered_kernel(inner: Sampler, shares: tuple[float, ...], target: Target, tuning: Replica) -> Kernel:
    betas = _betas(shares, target)

    def move(key: Key, beta: Array, tuned: Tuning, position: Params) -> tuple[Params, Info]:
        one = inner.kernel(replace(target, beta=beta), tuned)
        key_init, key_steps = jax.random.split(key)
        keys = jax.random.split(key_steps, inner.num_steps_per_draw)
        state, info = jax.lax.scan(
            lambda state, key: one.step(key, state), one.init(key_init, position), keys
        )
        return one.position(state), info

    def init(key: Key, position: Params) -> Replicas:
        positions = _set_last(tuning.positions, position)
        return Replicas(positions, jnp.zeros(len(shares), bool), jnp.asarray(0))

    def step(key: Key, state: Replicas) -> tuple[Replicas, Info]:
        key_prior, key_move, key_swap = jax.random.split(key, 3)
        keys = jax.random.split(key_move, len(shares) - 1)
        moved, info = jax.vmap(move)(keys, betas[1:], tuning.tuning, _tail(state.positions))
        positions = jax.tree.map(
            lambda new, rest: jnp.concatenate([new[None], rest]), target.sample_prior(key_prior), moved
        )
        log_likelihood = jax.vmap(lambda params: -target.num_data * loss(target, params))(positions)
        rates = swap_probabilities(betas, log_likelihood)
        sources = swap_sources(key_swap, rates, state.step % 2)
        positions = jax.tree.map(lambda leaf: leaf[sources], positions)
        from_prior = state.from_prior.at[0].set(True)[sources]
        stats = {name: _of_target(values) for name, values in info.items()}
        stats |= {"swap_rate": jnp.mean(rates), "restarts": from_prior[-1].astype(int)}
        stats |= {f"swap_rate_{r}": rates[r] for r in range(len(shares) - 1)}
        return Replicas(positions, from_prior.at[-1].set(False), state.step + 1), stats

    return Kernel(init, step, lambda state: jax.tree.map(lambda leaf: leaf[-1], state.positions))


def swap_probabilities(betas: Array, log_likelihood: Array) -> Array:
    """Acceptance probability of every neighbouring pair, ``(R,)`` from ``(R + 1,)`` each."""
    gain = (betas[1:] - betas[:-1]) * (log_likelihood[:-1] - log_likelihood[1:])
    return jnp.exp(jnp.minimum(jnp.where(jnp.isnan(gain), -jnp.inf, gain), 0.0))


def swap_sources(key: Key, probabilities: Array, parity: Array) -> Array:
    """Where each replica's next position comes from, after swaps of the pairs of one parity.

    >>> swap_sources(jax.random.key(0), jnp.ones(3), jnp.asarray(0)).tolist()
    [1, 0, 3, 2]
    """
    pairs = jnp.arange(probabilities.shape[0])
    swapped = (pairs % 2 == parity) & (jax.random.uniform(key, pairs.shape) < probabilities)
    sources = jnp.arange(probabilities.shape[0] + 1)
    return sources.at[:-1].add(swapped).at[1:].add(-swapped.astype(int))


def _betas(shares: tuple[float, ...], target: Target) -> Array:
    return target.beta * jnp.asarray(shares)


def _tail(positions: Params) -> Params:
    """Replicas 1 .. R."""
    return jax.tree.map(lambda leaf: leaf[1:], positions)


def _set_last(positions: Params, position: Params) -> Params:
    return jax.tree.map(lambda leaf, last: leaf.at[-1].set(last), positions, position)


def _of_target(values: Array) -> Array:
    """One number for the transitions of the target's replica, from ``(replica, step)``."""
    values = values[-1]
    if values.dtype == bool:
        return jnp.any(values)
    if jnp.issubdtype(values.dtype, jnp.integer):
        return jnp.sum(values)
    return jnp.mean(values)
