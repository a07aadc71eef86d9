r"""The kinetic side of ``grokking_is_search``: when training, and when tempered chains, find the rule.

Gradient descent, SGD, AdamW and SGLD are trained as ``passage_table`` says. Tempered chains are
started like them, at draws of the networks' initial law, *after* their step sizes were tuned
elsewhere, and every one of their draws is looked at: their passages are exact, in draws. What a draw
costs in gradients is told beside them.

Sources: Power et al. 2022; Geyer 1991.
"""

from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

from compare import Passages, first_passages, median_passage, median_ratio
from models import gaussian_prior, one_hot_gaussian, scaled_init
from samplers import Sampler, Target, hmc, parallel_tempering, sample
from samplers.draws import Draws, Progress
from samplers.kernel import Tuning

from ..basins import Start, rule_or_memory
from ..passage_table import Arm, Condition, Row, passage_table
from .claim import Sampled
from .grokking_posterior import Setting, errors_of, in_units, network_of, posed, task_of, unit_of
from .grokking_rule import Passing

type Array = np.ndarray
type Params = Any
ACCURACY = 0.95  # of the pairs not trained on: the rule is known
# Learning rate, weight decay (``None``: the setting's), batch size. AdamW's decay pulls otherwise.
RATES: dict[str, tuple[float, float | None, int | None]] = {
    "gd": (1.0, None, None),
    "sgd": (1.0, None, 32),
    "adamw": (0.01, 1.0, None),
    "sgld": (0.5, None, None),
}


class Training(NamedTuple):
    """How much is trained."""

    arms: tuple[Arm, ...]
    num_networks: int
    max_steps: int
    num_looks: int


class Tempering(NamedTuple):
    """How tempered chains search: temperatures from ``hottest`` of the target's to it, and the prior."""

    num_chains: int
    num_draws: int
    num_temperatures: int
    hottest: float
    num_integration_steps: int
    num_warmup: int


def condition_of(setting: Setting, arm: Arm, share: float, beta: float) -> Condition:
    """The condition of one arm; ``beta`` is SGLD's noise and moves none of the others."""
    rate, decay, batch_size = RATES[arm]
    return Condition(
        arm,
        setting.modulus,
        share,
        rate,
        setting.decay if decay is None else decay,
        setting.init_scale,
        batch_size,
        beta,
    )


def trained(
    key: jax.Array,
    setting: Setting,
    arm: Arm,
    share: float,
    beta: float,
    training: Training,
    seed: int,
    progress: Progress,
) -> Row:
    """The passages of one arm under one condition."""
    (row,) = passage_table(
        key,
        network_of(setting),
        one_hot_gaussian(),
        [condition_of(setting, arm, share, beta)],
        num_networks=training.num_networks,
        max_steps=training.max_steps,
        num_looks=training.num_looks,
        accuracy=ACCURACY,
        seed=seed,
        progress=progress,
    )
    return row


def passing(row: Row) -> Passing:
    """What the rule reads of a row."""
    return Passing(
        row.memorised,
        row.generalised,
        row.delay,
        row.num_networks,
        row.num_never_memorised,
        row.num_never_generalised,
        row.num_failed,
    )


def tempered(
    key: jax.Array,
    setting: Setting,
    share: float,
    beta: float,
    tempering: Tempering,
    seed: int,
    progress: Progress,
) -> tuple[Passing, Draws]:
    """Passages of tempered chains begun as training begins, in draws."""
    model, target, batches = posed(setting, task_of(setting, share, seed), beta)
    draws = sample(
        key,
        begun_anew(tempering_of(tempering), training_start(setting)),
        target,
        rule_or_memory(errors_of(model), ACCURACY),
        batches,
        num_chains=tempering.num_chains,
        num_draws=tempering.num_draws,
        chunk=min(100, tempering.num_draws),
        progress=progress,
    )
    return passing_of(draws, seed), draws


def passing_of(draws: Draws, seed: int) -> Passing:
    """First passages of chains whose every draw was looked at."""
    steps = np.arange(1, draws.observed["basin"].shape[1] + 1)
    memorised, generalised = (
        _exact(first_passages(draws.observed[name] >= least, steps))
        for name, least in (("train_accuracy", 1.0), ("probe_accuracy", ACCURACY))
    )
    return Passing(
        median_passage(memorised),
        median_passage(generalised),
        median_ratio(generalised, memorised, np.random.default_rng([seed, 2])),
        len(draws.status),
        int((~memorised.seen).sum()),
        int((~generalised.seen).sum()),
        sum(sentence != "ok" for sentence in draws.status),
    )


@cache
def tempering_of(tempering: Tempering) -> Sampler:
    """The sampler of tempered chains."""
    ratios = tempering.num_temperatures - 1
    rungs = (tempering.hottest ** (1 - place / ratios) for place in range(ratios))
    return parallel_tempering(
        hmc(tempering.num_integration_steps, tempering.num_warmup),
        ladder=(0.0, *rungs, 1.0),
        num_warmup=1,
    )


def gradients_per_draw(tempering: Tempering) -> int:
    """Gradients on all pairs that one draw of a tempered chain takes."""
    return tempering.num_temperatures * tempering.num_integration_steps


@cache
def training_start(setting: Setting) -> Start:
    """Where training starts, in the units of a posterior's parameters."""
    begin = scaled_init(gaussian_prior(network_of(setting)), setting.init_scale)
    return lambda key, target: in_units(begin(key), 1 / unit_of(target))


@cache
def begun_anew(sampler: Sampler, start: Start) -> Sampler:
    """Tempered chains that are tuned first and then put back to draws of ``start``, all replicas."""

    def warmup(key: jax.Array, target: Target, position: Params) -> tuple[Params, Tuning]:
        key_warmup, key_start = jax.random.split(key)
        _, tuned = sampler.warmup(key_warmup, target, position)
        num = jax.tree.leaves(tuned.positions)[0].shape[0]
        positions = jax.vmap(start, (0, None))(jax.random.split(key_start, num), target)
        return jax.tree.map(lambda leaf: leaf[-1], positions), tuned._replace(positions=positions)

    return sampler._replace(warmup=warmup)


def stored(arm: str, row: Row) -> Sampled:
    """What every network knew at every look, ``(network, look)``."""
    return Sampled(arm, {"probe_accuracy": row.times.probe_accuracy}, "not known in general")


def _exact(passages: Passages) -> Passages:
    """Every draw was looked at: nothing was passed between two looks."""
    return passages._replace(before=passages.steps)
