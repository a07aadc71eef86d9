r"""The static side of ``grokking_is_search``: how much of the posterior has the rule.

Chains of HMC on ``grokking_posterior`` start at a rule that was written into the weights, at memory that
descent from large weights found, and at the prior, and are judged by what they forget.

Sources: Gromov 2023 (weights that add); Duane et al. 1987; Geyer 1991.
"""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from models import Model, Task, gaussian_prior, periodic_weights, scaled_init
from samplers import Target, hmc
from samplers.draws import Observe, Progress

from ..basins import Start, Weighed, from_prior, quenched_from, rule_or_memory, sample_basins
from .claim import Check, Number, Sampled
from .grokking_posterior import Setting, Weights, errors_of, in_units, network_of, posed, unit_of

type Array = np.ndarray
RULE, MEMORY, PRIOR = "rule", "memory", "prior"
QUENCH = (0.5, 300)  # learning rate and steps of descent to memory: it fits, and has not generalised yet
JITTER = 0.02  # of the weights at the rule, so that its chains do not begin alike
MOST_STORED = 1000  # draws of each chain in the store


class Chains(NamedTuple):
    """How long the posterior is sampled."""

    num_chains: int  # from each start
    num_draws: int
    num_warmup: int
    num_integration_steps: int


def weighed(
    key: jax.Array, setting: Setting, task: Task, beta: float, chains: Chains, progress: Progress
) -> tuple[Weighed, list[Check]]:
    """Both basins at one share and temperature, and where the chains began."""
    model, target, batches = posed(setting, task, beta)
    key_draws, key_starts = jax.random.split(key)
    starts = starts_of(setting)
    found = sample_basins(
        key_draws,
        hmc(chains.num_integration_steps, chains.num_warmup),
        target,
        rule_or_memory(errors_of(model)),
        batches,
        starts=starts,
        num_chains=chains.num_chains,
        num_draws=chains.num_draws,
        chunk=min(250, chains.num_draws),
        progress=progress,
    )
    return found, began_in_both(key_starts, model, target, batches, starts)


@cache
def starts_of(setting: Setting) -> Mapping[str, Start]:
    """Where chains begin: one object a system."""
    network = network_of(setting)
    return {
        RULE: rule_of(setting),
        MEMORY: quenched_from(scaled_init(gaussian_prior(network), setting.init_scale), *QUENCH, unit_of),
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
        weights = [
            {"w": embed + JITTER * jax.random.normal(key_embed, embed.shape)},
            {"w": read + JITTER * jax.random.normal(key_read, read.shape)},
        ]
        return in_units(weights, 1 / unit_of(target))

    return start


def began_in_both(
    key: jax.Array,
    model: Model,
    target: Target,
    batches: tuple[Weights, Weights],
    starts: Mapping[str, Start],
    num: int = 16,
) -> list[Check]:
    """Whether starts at the rule have it, and most of those at memory do not."""
    observe = rule_or_memory(errors_of(model))
    known = {name: start for name, start in starts.items() if name != PRIOR}
    basins = _basins(tuple(known.values()), observe, jax.random.split(key, num), target, batches)
    found = dict(zip(known, jax.device_get(basins), strict=True))
    has_rule, has_memory = float((found[RULE] == 1).mean()), float((found[MEMORY] == 2).mean())
    return [
        Check(
            "chains began in both basins",
            has_rule == 1 and has_memory > 0.5,
            f"{has_rule:.0%} of starts at the rule have it, {has_memory:.0%} of those at memory do not",
        )
    ]


@partial(jax.jit, static_argnames=("starts", "observe"))
def _basins(
    starts: tuple[Start, ...], observe: Observe, keys: jax.Array, target: Target, batches: Any
) -> list[jax.Array]:
    return [
        jax.vmap(lambda key, s=start: observe(s(key, target), batches)["basin"])(keys) for start in starts
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
