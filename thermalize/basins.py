r"""The static side of grokking: how much of the posterior generalises, how much memorises.

A network that fits its training pairs generalises if it also knows the probe, and memorises if it
does not; one with a training error does neither. Their masses under the posterior are those of two
basins. Tempered chains weigh them, and are started in both and from the prior: with all their
temperatures, since a ladder that is stuck keeps its warm replicas where they began too.

The weight decay is the prior. Descent on ``L + decay |theta|^2 / 2`` descends the potential of the
posterior whose prior is

.. math:: \theta \sim N(0, s^2), \qquad s = (\lambda \beta N)^{-1/2},

``lambda`` being the decay: at every ``beta`` the same minima, with entropy the larger the hotter.

Sources: Geyer 1991 (parallel tempering); Power et al. 2022 (grokking).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import Basins, weigh_basins
from samplers import Draws, Sampler, Target, objective, sample
from samplers.draws import Observe, Progress, share_of, silent
from samplers.kernel import Tuning

type Array = np.ndarray
type Params = Any
type Start = Callable[[jax.Array, Target], Params]  # a key and the target; one object a place
type OfData = Callable[[Params, Any], jax.Array]  # (n,)


class Weighed(NamedTuple):
    """Basins, and the draws that they were weighed by, start after start."""

    basins: Basins
    labels: Array  # (chain, draw): 1 the first basin, 2 the second, 0 neither
    observed: dict[str, Array]
    draws: dict[str, Draws]  # of each start


def sample_basins(
    key: jax.Array,
    sampler: Sampler,
    target: Target,
    observe: Observe,
    inputs: Any,
    *,
    starts: Mapping[str, Start],
    num_chains: int,
    num_draws: int,
    chunk: int = 50,
    progress: Progress = silent,
) -> Weighed:
    """Run ``num_chains`` chains from each of ``starts`` and weigh the basins that ``observe`` names.

    ``observe`` gives ``basin``, ``()``: 1, 2 or 0, and scalars that are judged beside it, as the
    loss is. Where the sampler is :func:`samplers.parallel_tempering` every replica starts there,
    and its restarts are counted. Raises ``ValueError`` as :func:`compare.weigh_basins` does.

    >>> from models import bayesian_model, categorical, gaussian_prior, modular_task, quadratic_pairs
    >>> from samplers import elliptical_slice, posterior
    >>> task, network = modular_task(0, 3, train_share=0.5), quadratic_pairs(3, 4)
    >>> model = bayesian_model(network, gaussian_prior(network), categorical())
    >>> weighed = sample_basins(
    ...     jax.random.key(0), elliptical_slice(1, 1), posterior(model, task.train, num_data=4, beta=0.1),
    ...     rule_or_memory(model.errors), (task.train, task.probe),
    ...     starts={"prior": from_prior, "quenched": quenched_from(model.sample_prior, 0.1, 10)},
    ...     num_chains=2, num_draws=20)
    >>> weighed.labels.shape, weighed.basins.certified
    ((4, 20), False)
    """
    begun = started(sampler, _one_of(tuple(starts.values()), target.log_likelihood, target.errors))
    draws = {
        name: sample(
            jax.random.fold_in(key, place),
            begun,
            _placed(target, place),
            observe,
            inputs,
            num_chains=num_chains,
            num_draws=num_draws,
            chunk=min(chunk, num_draws),
            progress=share_of(progress, place, len(starts)),
        )
        for place, name in enumerate(starts)
    }
    every = draws.values()
    observed = {
        name: np.concatenate([one.observed[name] for one in every]) for name in next(iter(every)).observed
    }
    labels = observed["basin"]
    scalars = [values for name, values in observed.items() if name != "basin"]
    behaviours = np.stack([*scalars, np.concatenate([one.stats["loss"] for one in every])], axis=-1)
    tempered = all("restarts" in one.stats for one in every)
    restarts = np.concatenate([one.stats["restarts"] for one in every]) if tempered else None
    names = [name for name in draws for _ in range(num_chains)]
    status = [sentence for one in every for sentence in one.status]
    return Weighed(weigh_basins(labels, behaviours, names, status, restarts), labels, observed, draws)


class Placed(NamedTuple):
    """The data of a target, and where its chains begin, repeated for every row."""

    data: Any
    place: jax.Array  # (n,) number of the start


def _placed(target: Target, place: int) -> Target:
    """The target with its chains' start among the data, so that one program serves all starts."""
    num_rows = jax.tree.leaves(target.data)[0].shape[0]
    return replace(
        target,
        data=Placed(target.data, jnp.full(num_rows, place)),
        log_likelihood=_without_place(target.log_likelihood),
        errors=None if target.errors is None else _without_place(target.errors),
    )


@cache
def _without_place(of_data: OfData) -> OfData:
    return lambda params, placed: of_data(params, placed.data)


@cache
def _one_of(starts: tuple[Start, ...], log_likelihood: OfData, errors: OfData | None) -> Start:
    """The start whose number is among the data, on the target without it."""

    def start(key: jax.Array, target: Target) -> Params:
        placed = target.data
        plain = replace(target, data=placed.data, log_likelihood=log_likelihood, errors=errors)
        return jax.lax.switch(placed.place[0], [partial(_begin, one, plain) for one in starts], key)

    return start


def _begin(start: Start, target: Target, key: jax.Array) -> Params:
    return start(key, target)


@cache
def started(sampler: Sampler, start: Start) -> Sampler:
    """The sampler, its chains and all their replicas begun at draws of ``start`` on the target.

    Only the warm-up takes ``start`` for the prior: what is recorded has the sampler's own law.
    """

    def warmup(key: jax.Array, target: Target, position: Params) -> tuple[Params, Tuning]:
        key_start, key_warmup = jax.random.split(key)
        elsewhere = replace(target, sample_prior=lambda key: start(key, target))
        return sampler.warmup(key_warmup, elsewhere, start(key_start, target))

    return sampler._replace(warmup=warmup)


def from_prior(key: jax.Array, target: Target) -> Params:
    """A start at a draw of the prior."""
    return target.sample_prior(key)


@cache
def quenched_from(
    begin: Callable[[jax.Array], Params],
    learning_rate: float,
    num_steps: int,
    unit: Callable[[Target], jax.Array] | None = None,
) -> Start:
    """A start at the end of gradient descent on the target's own objective, from draws of ``begin``.

    Where the target reads its parameters in a ``unit``, ``begin`` and descent are of the weights, unit times
    parameters.
    """

    def start(key: jax.Array, target: Target) -> Params:
        size = jnp.ones(()) if unit is None else unit(target)

        def value(weights: Params) -> jax.Array:
            return objective(target, jax.tree.map(lambda leaf: leaf / size, weights), prior_weight=1.0)

        def step(_: int, weights: Params) -> Params:
            return jax.tree.map(
                lambda leaf, one: leaf - learning_rate * one, weights, jax.grad(value)(weights)
            )

        weights = jax.lax.fori_loop(0, num_steps, step, begin(key))
        return jax.tree.map(lambda leaf: leaf / size, weights)

    return start


@cache
def rule_or_memory(errors: OfData, accuracy: float = 0.95) -> Observe:
    """Whether a network has the rule (1), has memorised (2) or has training errors (0), and its accuracies.

    ``inputs`` are the training and the probe data. One object a model, so that nothing compiles twice.
    """

    def observe(params: Params, inputs: tuple[Any, Any]) -> dict[str, jax.Array]:
        train, probe = (jnp.mean(errors(params, batch)) for batch in inputs)
        basin = jnp.where(train > 0, 0, jnp.where(1 - probe >= accuracy, 1, 2))
        return {"basin": basin, "train_accuracy": 1 - train, "probe_accuracy": 1 - probe}

    return observe


def prior_scale(decay: float, beta: float, num_data: int) -> float:
    """The standard deviation of the prior that a weight decay is at ``beta``, ``(decay beta N)^(-1/2)``.

    >>> prior_scale(0.01, 4.0, 25)
    1.0
    """
    if not (decay > 0 and beta > 0 and num_data >= 1):
        raise ValueError(
            f"decay and beta must be positive and num_data at least 1, got {decay}, {beta} and {num_data}: "
            "without decay no prior holds the weights"
        )
    return float((decay * beta * num_data) ** -0.5)
