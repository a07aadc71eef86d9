r"""Nested slice sampling: the log evidence with its error, and posterior draws.

``n`` live points start as prior draws. Each stage removes the ``k`` of lowest likelihood
and replaces them by copies of survivors, moved by slice sampling of the prior within
``{l(theta) > l*}``. Every removed point stands for the prior volume between contours:

.. math::

    X_t = \Bigl(1 - \frac kn\Bigr)^t, \qquad
    \hat Z = \sum_{\text{removed}} \frac{X_t}{n}\, e^{\ell} + \sum_{\text{live}} \frac{X_T}{n}\, e^{\ell},
    \qquad \ell = -\beta N L,

until the live points hold less than ``e^-remainder`` of the whole. With these volumes the
estimate is unbiased for moves that leave the constrained prior invariant, however short;
too short ones show as scatter, with a mean held up by rare large values, so a single run
then comes out low. The textbook's error of one run is ``sqrt(H / n)``, ``H`` the nats of
information; here the error comes from independent runs.

Law: the posterior, by resampling the removed and live points by weight.

Sources: Skilling 2006; Yallup, Kroupa and Handley 2026 (blackjax's kernel); volumes:
Bréhier et al. 2016 (unbiasedness of adaptive multilevel splitting).
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import blackjax
import jax
import jax.numpy as jnp
from blackjax.ns.base import delete_fn
from blackjax.smc.resampling import systematic

from .options import check_count, check_positive
from .population import (
    Population,
    PopulationSampler,
    num_distinct,
    prior_particles,
    take,
    tempered_log_likelihood,
)
from .target import Key, Target

type Array = jax.Array


@cache
def nested(
    num_live: int = 500,
    num_delete: int = 50,
    inner_steps_per_parameter: int = 5,
    remainder: float = 3.0,
    max_stages: int = 1000,
) -> PopulationSampler:
    """Nested slice sampling; as many draws as live points.

    ``inner_steps_per_parameter`` slices for each parameter of the network move a copied
    point: fewer leave it too close to its parent. Raises ``ValueError`` for counts below
    one, for ``num_delete`` above half of ``num_live``, and for targets with fewer live
    points than twice the parameters (their covariance shapes the moves), or with a log
    likelihood that is not finite or has ties at prior draws.

    >>> nested().name
    'nested'
    """
    check_count(
        num_live=num_live,
        num_delete=num_delete,
        inner_steps_per_parameter=inner_steps_per_parameter,
        max_stages=max_stages,
    )
    if 2 * num_delete > num_live:
        raise ValueError(f"num_delete must be at most half of num_live = {num_live}, got {num_delete}")
    check_positive(remainder=remainder)

    def run(key: Key, target: Target) -> Population:
        return _compress(key, target, num_live, num_delete, inner_steps_per_parameter, remainder, max_stages)

    return PopulationSampler(
        "nested",
        "the posterior, from weighted points resampled",
        "Skilling 2006; Yallup, Kroupa and Handley 2026",
        run,
        partial(check_contours, num_live=num_live),
    )


def check_contours(target: Target, num_live: int, num_draws: int = 64) -> None:
    """Raises ``ValueError`` where contours of the likelihood cannot order the prior."""
    num_parameters = _num_parameters(target)
    if num_live < 2 * num_parameters:
        raise ValueError(
            f"num_live must be at least twice the {num_parameters} parameters, got {num_live}: "
            "the live points' covariance shapes the moves; give more live points, or use smc"
        )
    values = jax.vmap(partial(tempered_log_likelihood, target))(
        prior_particles(jax.random.key(0), target, num_draws)
    )
    if not jnp.all(jnp.isfinite(values)) or (target.beta > 0 and len(jnp.unique(values)) < num_draws):
        raise ValueError(
            f"the log likelihood has ties or is not finite at {num_draws} prior draws: nested sampling needs "
            "contours that order all points; use level_smc for zero training errors"
        )


class _Run(NamedTuple):
    key: Key
    state: Any  # blackjax's
    ancestors: Array  # (live,) index of the prior draw
    removed: Any  # (stage, removed at once, ...): position, log likelihood, ancestor
    log_volume: Array  # log X_t
    log_removed: Array  # log of the evidence of removed points
    stage: Array
    acceptance_rate: Array


class _Copies(NamedTuple):
    parents: Array  # (removed at once,) live points that were copied
    acceptance_rate: Array  # share of slices that found a point


def _num_parameters(target: Target) -> int:
    leaves = jax.tree.leaves(jax.eval_shape(target.sample_prior, jax.random.key(0)))
    return sum(leaf.size for leaf in leaves)


def _copy_and_move(step: Callable[..., Any], num_steps: int, num_delete: int) -> Callable[..., Any]:
    """blackjax's own update of removed points, which also says whom each one copies."""

    def update(key: Key, state: Any, threshold: Array, covariance_factor: Array) -> tuple[Any, _Copies]:
        key_parents, key_moves = jax.random.split(key)
        points = state.particles
        survives = (points.loglikelihood > threshold).astype(float)
        weights = jnp.where(jnp.sum(survives) > 0, survives, 1.0)
        parents = jax.random.choice(
            key_parents, weights.shape[0], (num_delete,), p=weights / jnp.sum(weights)
        )

        def move(key: Key, point: Any) -> tuple[Any, Any]:
            keys = jax.random.split(key, num_steps)
            slice_step = partial(step, loglikelihood_0=threshold, covariance_factor=covariance_factor)
            return jax.lax.scan(lambda p, k: slice_step(k, p), point, keys)

        moved, info = jax.vmap(move)(jax.random.split(key_moves, num_delete), take(points, parents))
        born = jnp.full_like(moved.loglikelihood_birth, threshold)
        return moved._replace(loglikelihood_birth=born), _Copies(parents, jnp.mean(info.is_accepted))

    return update


def _compress(
    key: Key,
    target: Target,
    num_live: int,
    num_delete: int,
    inner_steps_per_parameter: int,
    remainder: float,
    max_stages: int,
) -> Population:
    algorithm = blackjax.nss(
        logprior_fn=target.log_prior,
        loglikelihood_fn=partial(tempered_log_likelihood, target),
        num_inner_steps=inner_steps_per_parameter * _num_parameters(target),
        num_delete=num_delete,
        update_strategy=_copy_and_move,
    )
    log_share = -jnp.log(num_live)

    def log_live(run: _Run) -> Array:
        return run.log_volume + log_share + jax.nn.logsumexp(run.state.particles.loglikelihood)

    def ended(run: _Run) -> Array:
        return log_live(run) - run.log_removed <= -remainder

    def advance(run: _Run) -> _Run:
        key, key_step = jax.random.split(run.key)
        slots, _ = delete_fn(run.state, num_delete)
        state, info = algorithm.step(key_step, run.state)
        dead = (info.particles.position, info.particles.loglikelihood, run.ancestors[slots])
        lost = run.log_volume + log_share + jax.nn.logsumexp(info.particles.loglikelihood)
        return _Run(
            key,
            state,
            run.ancestors.at[slots].set(run.ancestors[info.update_info.parents]),
            jax.tree.map(lambda store, new: store.at[run.stage].set(new), run.removed, dead),
            run.log_volume + jnp.log1p(-num_delete / num_live),
            jnp.logaddexp(run.log_removed, lost),
            run.stage + 1,
            info.update_info.acceptance_rate,
        )

    key_prior, key_run, key_draw = jax.random.split(key, 3)
    live = algorithm.init(prior_particles(key_prior, target, num_live))
    ids = jnp.arange(num_live)
    empty = jax.tree.map(
        lambda leaf: jnp.zeros((max_stages, num_delete, *leaf.shape[1:]), leaf.dtype),
        (live.particles.position, live.particles.loglikelihood, ids),
    )
    zero = jnp.zeros(())
    first = _Run(key_run, live, ids, empty, zero, jnp.asarray(-jnp.inf), jnp.asarray(0), zero)
    last = jax.lax.while_loop(lambda run: ~ended(run) & (run.stage < max_stages), advance, first)
    return _summary(key_draw, last, num_delete, finished=ended(last))


def _summary(key: Key, run: _Run, num_delete: int, *, finished: Array) -> Population:
    """Weights of all points, the evidence, and an equally weighted resample."""
    points = run.state.particles
    num_live = points.loglikelihood.shape[0]
    positions, log_likelihood, ancestors = jax.tree.map(
        lambda gone, here: jnp.concatenate([gone.reshape(-1, *gone.shape[2:]), here]),
        run.removed,
        (points.position, points.loglikelihood, run.ancestors),
    )
    stages = jnp.arange(run.removed[1].shape[0])
    log_volume = jnp.where(stages < run.stage, stages * jnp.log1p(-num_delete / num_live), -jnp.inf)
    log_volume = jnp.concatenate(
        [jnp.repeat(log_volume, num_delete), jnp.full(num_live, 1.0) * run.log_volume]
    )
    log_weights = log_likelihood + log_volume - jnp.log(num_live)
    log_evidence = jax.nn.logsumexp(log_weights)
    weights = jnp.exp(log_weights - log_evidence)
    key_resample, key_order = jax.random.split(key)
    chosen = systematic(key_resample, weights, num_live)
    # Relatives side by side, but in no order of likelihood: see population.py
    rank = jax.random.permutation(key_order, weights.shape[0])
    chosen = chosen[jnp.lexsort((rank[chosen], ancestors[chosen]))]
    stats = {
        "num_stages": run.stage,
        "smallest_ess": 1 / jnp.sum(weights**2),
        "num_ancestors": num_distinct(ancestors[chosen]),
        "acceptance_rate": run.acceptance_rate,
        "information": jnp.sum(jnp.where(weights > 0, weights * (log_likelihood - log_evidence), 0.0)),
        "finished": finished,
    }
    return Population(take(positions, chosen), log_evidence, stats)
