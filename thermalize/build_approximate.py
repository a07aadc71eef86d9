"""From checked options to the samplers with a bias: stochastic gradients, populations, fits."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import jax

from models import Batch, Likelihood, Network
from samplers import (
    Outputs,
    PopulationSampler,
    Sampler,
    crank_nicolson_moves,
    elliptical_moves,
    hmc_moves,
    laplace,
    level_smc,
    mclmc,
    mean_field,
    random_walk_moves,
    sghmc,
    sgld,
    sgnht,
    smc,
    swag,
    underdamped,
)
from samplers.moves import Moves

type Options = Mapping[str, Any]


def build_stochastic(kind: str, options: Options) -> Sampler:
    """A sampler of ``STOCHASTIC``."""
    warmup, per_draw = options["num_warmup"], options["num_steps_per_draw"]
    if kind == "mclmc":
        return mclmc(warmup, options["desired_energy_variance"], per_draw)
    step_size, batch, anchor = options["step_size"], batch_size(options), options["anchor_steps"]
    match kind:
        case "sgld":
            return sgld(
                step_size,
                batch,
                warmup,
                options["decay_power"],
                options["decay_steps"],
                per_draw,
                anchor_steps=anchor,
                preconditioning=options["preconditioning"],
                preconditioner_decay=options["preconditioner_decay"],
                preconditioner_offset=options["preconditioner_offset"],
                cycle_steps=options["cycle_steps"],
                exploration=options["exploration"],
            )
        case "underdamped":
            return underdamped(step_size, options["friction"], batch, anchor, warmup, per_draw)
        case "sghmc":
            steps = options["num_integration_steps"]
            return sghmc(step_size, options["friction"], steps, batch, anchor, warmup, per_draw)
        case "sgnht":
            mass = options["thermostat_mass"]
            return sgnht(step_size, options["friction"], mass, batch, anchor, warmup, per_draw)
    raise ValueError(f"no sampler is built for {kind!r}")


def build_population(kind: str, options: Options) -> PopulationSampler:
    """A sampler of ``POPULATIONS``."""
    moves, particles, stages = _moves(options), options["num_particles"], options["max_stages"]
    if kind == "smc":
        return smc(moves, particles, options["target_ess"], stages)
    return level_smc(moves, particles, options["survival"], options["break_ties"], stages)


def build_fitted(
    kind: str, options: Options, network: Network | None, likelihood: Likelihood | None
) -> Sampler:
    """A sampler of ``FITTED``; Laplace needs network and likelihood to be Gauss-Newton."""
    match kind:
        case "laplace":
            outputs = None if network is None or likelihood is None else _outputs(network, likelihood)
            return laplace(
                options["num_steps"],
                options["learning_rate"],
                options["damping"],
                outputs,
                options["max_dense"],
            )
        case "mean_field":
            return mean_field(
                options["num_steps"],
                options["learning_rate"],
                options["num_samples"],
                options["mode_steps"],
                options["first_scale"],
            )
        case "swag":
            return swag(
                options["learning_rate"],
                batch_size(options),
                options["num_training_steps"],
                options["num_snapshots"],
                options["steps_per_snapshot"],
                options["rank"],
                options["momentum"],
            )
    raise ValueError(f"no sampler is built for {kind!r}")


def batch_size(options: Options) -> int | None:
    """Examples a step, ``None`` for all of them."""
    return None if options["batch_size"] == "full" else options["batch_size"]


def _moves(options: Options) -> Moves:
    steps = options["num_moves"]
    match options["moves"]:
        case "hmc":
            return hmc_moves(steps, options["num_integration_steps"])
        case "elliptical_slice":
            return elliptical_moves(steps)
        case "crank_nicolson":
            return crank_nicolson_moves(steps)
    return random_walk_moves(steps)


@cache
def _outputs(network: Network, likelihood: Likelihood) -> Outputs:
    """The model's log likelihood in two stages; cached, so that nothing compiles twice."""

    def apply(params: Any, batch: Batch) -> Any:
        if network.apply_columns is None:
            return jax.vmap(network.apply, (None, 0), out_axes=-1)(params, batch.inputs)
        return network.apply_columns(params, batch.inputs.T)

    return Outputs(apply, lambda outputs, batch: likelihood.log_prob(outputs, batch.targets))
