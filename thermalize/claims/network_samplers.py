"""Draws and endpoints of networks on images: chains, a second sampler, tempered passes, prior, training."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from compare import Arm
from samplers import (
    Sampler,
    Stop,
    numpyro_nuts,
    optimise_through,
    posterior,
    prior_draws,
    sample,
)
from samplers.draws import Progress, joined, silent
from samplers.named import optax_optimiser

from ..family import Rung, Size, draw_pass
from ..prepare import observer
from .network_systems import Member, NetworkSystem
from .trusted_chains import Chains, mean_over, sample_until_trusted

EXTRA_STEPS = 500
MARGIN_STEPS = 5000  # of Adam past the first fit: towards the largest margin
MAX_STEPS = 20_000
STOP_NAMES = ("first fit", "matched loss", f"{EXTRA_STEPS} steps past matched loss")


def draw_chains(
    key: jax.Array, system: NetworkSystem, member: Member, chains: Chains, progress: Progress = silent
) -> tuple[Arm, float]:
    """HMC from draws of the prior, run on until it is trusted, and its mean training loss, nats per datum."""
    pieces, _ = sample_until_trusted(
        key,
        system.target(member),
        system.whitened.observe,
        system.probes(member.scale),
        chains,
        lambda piece: system.as_arm(piece).behaviours(),
        progress,
    )
    return system.as_arm(joined(pieces, axis=1)), mean_over(pieces, "loss")


def draw_second(
    key: jax.Array,
    system: NetworkSystem,
    member: Member,
    num_chains: int,
    num_draws: int,
    num_warmup: int,
    progress: Progress = silent,
) -> Arm:
    """The same posterior by another library's NUTS, from other draws of the prior."""
    draws = sample(
        key,
        numpyro_nuts(num_warmup=num_warmup),
        system.target(member),
        system.whitened.observe,
        system.probes(member.scale),
        num_chains=num_chains,
        num_draws=num_draws,
        block=1,  # trees differ in size: side by side, every chain would wait for the largest
        progress=progress,
    )
    return system.as_arm(draws)


def draw_prior(key: jax.Array, system: NetworkSystem, scale: float, num: int) -> Arm:
    """Independent draws of the prior."""
    draws = sample(
        key,
        prior_draws(),
        system.target(Member(scale, 1.0)),
        system.whitened.observe,
        system.probes(scale),
        num_chains=8,
        num_draws=-(-num // 8),
    )
    return system.as_arm(draws, independent=True)


def draw_tempered(
    key: jax.Array,
    system: NetworkSystem,
    scale: float,
    betas: Sequence[float],
    size: Size,
    progress: Progress = silent,
) -> list[Rung]:
    """One tempered pass through the posteriors of one prior scale."""
    return draw_pass(
        key,
        system.target(Member(scale, 1.0)),
        system.whitened.observe,
        system.probes(scale),
        system.as_arm,
        betas=betas,
        size=size,
        progress=progress,
    )


def trainer(name: str, num_train: int) -> Sampler:
    """The optimiser of an arm, in batches of a quarter of the training set."""
    batch_size = max(num_train // 4, 1)
    if name == "sgd":
        return optax_optimiser("sgd", 0.1, batch_size=batch_size)
    return optax_optimiser("adam", 0.01, batch_size=batch_size)


def train(
    key: jax.Array,
    system: NetworkSystem,
    name: str,
    stops: Sequence[Stop],
    num: int,
    progress: Progress = silent,
) -> list[Arm]:
    """Endpoints from draws of the prior of scale 1, trained once, at every stop."""
    found = optimise_through(
        key,
        trainer(name, len(system.task.train.targets)),
        posterior(system.model, system.task.train, num_data=len(system.task.train.targets)),
        observer(system.network.apply),
        jnp.asarray(system.task.probe.inputs),
        num_endpoints=num,
        stops=list(stops),
        progress=progress,
    )
    return [system.as_arm(draws, independent=True) for draws in found]


def stops_at(loss: float) -> list[Stop]:
    """First fit; the posterior's own training loss; and some steps past it."""
    return [
        Stop("first_fit", max_steps=MAX_STEPS),
        Stop("loss", 0, loss, MAX_STEPS),
        Stop("loss", EXTRA_STEPS, loss, MAX_STEPS),
    ]


def max_margin(key: jax.Array, system: NetworkSystem, num: int, steps: int, progress: Progress) -> Arm:
    """Networks trained by Adam far past their first fit: nearly certain of every probe.

    Gradient descent on the logistic loss of separable data goes to the largest margin (Soudry et al.
    2018; Lyu and Li 2020); no posterior at beta 1 is like that.
    """
    (arm,) = train(
        key, system, "adam", [Stop("first_fit", steps, max_steps=MAX_STEPS + steps)], num, progress
    )
    return arm
