r"""The static side of ``grokking_is_search``: how much of the posterior has the rule.

The network is two embeddings added, squared and read out, fitted by least squares. Its weight decay is the
prior at every inverse temperature (``basins.prior_scale``), so that descent and posterior share
their minima. Chains of HMC start at a rule that was written into the weights, at memory that
descent from large weights found, and at the prior, and are judged by what they forget.

Sources: Gromov 2023 (weights that add); Duane et al. 1987; Geyer 1991.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from models import (
    Model,
    Network,
    Task,
    bayesian_model,
    gaussian_prior,
    modular_task,
    one_hot_gaussian,
    periodic_weights,
    quadratic_pairs,
    scaled_init,
)
from samplers import Target, hmc, posterior
from samplers.draws import Progress

from ..basins import Start, Weighed, from_prior, prior_scale, quenched_from, rule_or_memory, sample_basins
from .claim import Check, Number, Sampled

type Array = np.ndarray
RULE, MEMORY, PRIOR = "rule", "memory", "prior"
QUENCH = (0.5, 300)  # learning rate and steps of descent to memory: it fits, and has not generalised yet
JITTER = 0.02  # of the weights at the rule, so that its chains do not begin alike
MOST_STORED = 1000  # draws of each chain in the store


class Setting(NamedTuple):
    """What all cases of a system share."""

    modulus: int
    width: int
    decay: float
    init_scale: float  # of training's starts, in standard deviations of 1 / sqrt(fan-in)


class Chains(NamedTuple):
    """How long the posterior is sampled."""

    num_chains: int  # from each start
    num_draws: int
    num_warmup: int
    num_integration_steps: int


def network_of(setting: Setting) -> Network:
    """The network of a system, wide enough to hold the rule; raises ``ValueError`` if it is not.

    >>> network_of(Setting(5, 8, 1e-3, 1.0))
    Traceback (most recent call last):
    ValueError: width must be at least 12 for modulus 5, got 8: the written rule takes 3 (p - 1) units
    """
    needed = 3 * (setting.modulus - 1)
    if setting.width < needed:
        raise ValueError(
            f"width must be at least {needed} for modulus {setting.modulus}, got {setting.width}: the "
            "written rule takes 3 (p - 1) units"
        )
    return quadratic_pairs(setting.modulus, setting.width)


def task_of(setting: Setting, share: float, seed: int) -> Task:
    """The pairs that training and the posterior are given, and those that they are asked."""
    return modular_task(seed, setting.modulus, train_share=share)


def target_of(setting: Setting, task: Task, beta: float) -> tuple[Model, Target]:
    """The posterior at ``beta`` whose prior is the weight decay."""
    network, num_data = network_of(setting), len(task.train.targets)
    prior = gaussian_prior(network, prior_scale(setting.decay, beta, num_data), fan_in=False)
    model = bayesian_model(network, prior, one_hot_gaussian())
    return model, posterior(model, task.train, num_data=num_data, beta=beta)


def weighed(
    key: jax.Array, setting: Setting, task: Task, beta: float, chains: Chains, progress: Progress
) -> tuple[Weighed, list[Check]]:
    """Both basins at one share and temperature, and where the chains began."""
    model, target = target_of(setting, task, beta)
    key_draws, key_starts = jax.random.split(key)
    starts = starts_of(setting)
    found = sample_basins(
        key_draws,
        hmc(chains.num_integration_steps, chains.num_warmup),
        target,
        rule_or_memory(_errors(model)),
        (task.train, task.probe),
        starts=starts,
        num_chains=chains.num_chains,
        num_draws=chains.num_draws,
        chunk=min(250, chains.num_draws),
        progress=progress,
    )
    return found, began_in_both(key_starts, model, target, task, starts)


@cache
def starts_of(setting: Setting) -> Mapping[str, Start]:
    """Where chains begin: one object a system."""
    network = network_of(setting)
    return {
        RULE: rule_of(setting),
        MEMORY: quenched_from(scaled_init(gaussian_prior(network), setting.init_scale), *QUENCH),
        PRIOR: from_prior,
    }


@cache
def rule_of(setting: Setting) -> Start:
    """Weights that add exactly, their outputs those of least squares: the one-hot vector less its mean."""
    written = periodic_weights(setting.modulus)
    factor = (1.5 * setting.modulus) ** (-1 / 3)  # outputs are cubic in the weights
    spare = setting.width - written[0]["w"].shape[1]
    embed = jnp.pad(factor * written[0]["w"], ((0, 0), (0, spare)))
    read = jnp.pad(factor * written[1]["w"], ((0, spare), (0, 0)))

    def start(key: jax.Array, target: Target) -> Any:
        key_embed, key_read = jax.random.split(key)
        return [
            {"w": embed + JITTER * jax.random.normal(key_embed, embed.shape)},
            {"w": read + JITTER * jax.random.normal(key_read, read.shape)},
        ]

    return start


def began_in_both(
    key: jax.Array, model: Model, target: Target, task: Task, starts: Mapping[str, Start], num: int = 16
) -> list[Check]:
    """Whether starts at the rule have it, and most of those at memory do not."""
    observe = rule_or_memory(_errors(model))

    @jax.jit
    def basins(keys: jax.Array, target: Target, batches: Any) -> dict[str, jax.Array]:
        return {
            name: jax.vmap(lambda key, s=start: observe(s(key, target), batches)["basin"])(keys)
            for name, start in starts.items()
            if name != PRIOR
        }

    found = jax.device_get(basins(jax.random.split(key, num), target, (task.train, task.probe)))
    has_rule, has_memory = float((found[RULE] == 1).mean()), float((found[MEMORY] == 2).mean())
    return [
        Check(
            "chains began in both basins",
            has_rule == 1 and has_memory > 0.5,
            f"{has_rule:.0%} of starts at the rule have it, {has_memory:.0%} of those at memory do not",
        )
    ]


def gate_checks(found: Weighed) -> list[Check]:
    """The gates of the masses as checks of the case."""
    return [
        Check(gate.name, gate.passed, f"{gate.value:.4g}, allowed {gate.threshold:g}: {gate.meaning}")
        for gate in found.basins.trust.gates
    ]


def mass_numbers(found: Weighed) -> list[Number]:
    """Free-energy difference and masses, the difference first; ends that are endless are ``None``."""
    basins = found.basins
    by_start = [
        Number(f"mass from chains begun at {name}, {what}", value, None, None)
        for name, masses in basins.by_start.items()
        for what, value in zip(("generalising", "memorising"), masses, strict=True)
    ]
    value, low, high = map(finite, basins.log_ratio)
    return [
        Number("F of memorising less F of generalising", value, low, high, "nats"),
        Number("posterior mass that generalises", *basins.first),
        Number("posterior mass that memorises", *basins.second),
        Number("posterior mass with training errors", basins.neither, None, None),
        Number("crossings between basins", float(basins.num_crossings), None, None),
        Number("independent draws that the chains are worth", basins.effective, None, None),
        *by_start,
    ]


def stored(arm: str, found: Weighed) -> Sampled:
    """Basins and accuracies of every chain, thinned."""
    step = -(-found.labels.shape[1] // MOST_STORED)
    variables = {name: values[:, ::step] for name, values in found.observed.items()}
    return Sampled(arm, variables, "the posterior, exactly invariant")


def finite(value: float) -> float | None:
    """The value, ``None`` where it is endless or none."""
    return value if np.isfinite(value) else None


def _errors(model: Model) -> Any:
    if model.errors is None:
        raise ValueError(f"basins need classes to be right about, got the model {model}")
    return model.errors
