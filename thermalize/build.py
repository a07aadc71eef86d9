"""From checked options to samplers and arms: the only place where options meet code."""

from collections.abc import Callable
from typing import Any

from models import Network, Prior, scaled_init
from samplers import Sampler, Stop, hmc, nuts, prior_draws
from samplers.named import optax_optimiser

from .arms import OPTIMISERS
from .catalogue import INITIALISATIONS, load
from .roster import ArmConfig
from .run import Arm


def build_arm(config: ArmConfig, network: Network, prior: Prior) -> Arm:
    """The arm as the runner takes it. Equal options give equal samplers: nothing compiles twice."""
    options, sampler = config.options, build_sampler(config)
    if config.kind not in OPTIMISERS:
        return Arm(
            config.name,
            sampler,
            config.role,
            num_chains=options["num_chains"],
            num_draws=options["num_draws"],
            keep_params=options["keep_params"],
            options=dict(options),
        )
    matched = options["stop"] == "match"
    stop = Stop(
        "loss" if matched else options["stop"],
        options["extra_steps"],
        options["threshold"] or 0.0,
        options["max_steps"],
    )
    return Arm(
        config.name,
        sampler,
        config.role,
        num_chains=options["num_endpoints"],
        stop=stop,
        match_reference=matched,
        start=starting_law(options["init"], options["init_scale"], network, prior),
        keep_params=options["keep_params"],
        options=dict(options),
    )


def build_sampler(config: ArmConfig) -> Sampler:
    """The sampler or optimiser of an arm."""
    options = config.options
    if config.kind in OPTIMISERS:
        kind = OPTIMISERS[config.kind]
        return optax_optimiser(
            config.kind,
            options["learning_rate"],
            tuple((name, options[name]) for name in kind.settings),
            None if options["batch_size"] == "full" else options["batch_size"],
            options["prior_weight"],
            kind.citation,
        )
    match config.kind:
        case "hmc":
            return hmc(
                options["num_integration_steps"],
                options["num_warmup"],
                options["target_acceptance_rate"],
                options["num_steps_per_draw"],
            )
        case "nuts":
            return nuts(
                options["max_num_doublings"],
                options["num_warmup"],
                options["target_acceptance_rate"],
                options["num_steps_per_draw"],
            )
        case "prior":
            return prior_draws()
    raise ValueError(f"no sampler is built for {config.kind!r}")


def starting_law(init: str, scale: float | None, network: Network, prior: Prior) -> Callable[[Any], Any]:
    """The law that training starts from, a function of a key."""
    match init:
        case "prior":
            return prior.sample
        case "scaled":
            assert scale is not None
            return scaled_init(prior, scale)
    law: Callable[[Any], Any] = load(INITIALISATIONS[init])(network)
    return law
