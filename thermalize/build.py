"""From checked options to samplers and arms: the only place where options meet code."""

from collections.abc import Callable, Mapping
from typing import Any

from models import Network, Prior, scaled_init
from samplers import Sampler, Stop, adjusted_mclmc, hmc, mala, mclmc, numpyro_nuts, nuts, prior_draws, sgld
from samplers.named import optax_optimiser

from .catalogue import INITIALISATIONS
from .optimisers import OPTIMISERS
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
    if config.kind in OPTIMISERS:
        return _optimiser(config)
    options = config.options
    match config.kind:
        case "prior":
            return prior_draws()
        case "hmc":
            return hmc(options["num_integration_steps"], *_adapted(options))
        case "nuts":
            return nuts(options["max_num_doublings"], *_adapted(options))
        case "numpyro_nuts":
            return numpyro_nuts(options["max_num_doublings"], *_adapted(options))
        case "mala":
            return mala(*_adapted(options))
        case "adjusted_mclmc":
            return adjusted_mclmc(options["mean_num_integration_steps"], *_adapted(options))
        case "mclmc":
            return mclmc(
                options["num_warmup"], options["desired_energy_variance"], options["num_steps_per_draw"]
            )
        case "sgld":
            return sgld(
                options["step_size"],
                _batch_size(options),
                options["num_warmup"],
                options["decay_power"],
                options["decay_steps"],
                options["num_steps_per_draw"],
            )
    raise ValueError(f"no sampler is built for {config.kind!r}")


def _optimiser(config: ArmConfig) -> Sampler:
    kind, options = OPTIMISERS[config.kind], config.options
    return optax_optimiser(
        config.kind,
        options["learning_rate"],
        tuple((name, options[name]) for name in kind.settings),
        _batch_size(options),
        options["prior_weight"],
        kind.citation,
    )


def _adapted(options: Mapping[str, Any]) -> tuple[int, float, int]:
    """What every adapted sampler takes after its own options, in its order."""
    return options["num_warmup"], options["target_acceptance_rate"], options["num_steps_per_draw"]


def _batch_size(options: Mapping[str, Any]) -> int | None:
    return None if options["batch_size"] == "full" else options["batch_size"]


def starting_law(init: str, scale: float | None, network: Network, prior: Prior) -> Callable[[Any], Any]:
    """The law that training starts from, a function of a key."""
    match init:
        case "prior":
            return prior.sample
        case "scaled":
            assert scale is not None
            return scaled_init(prior, scale)
    law: Callable[[Any], Any] = INITIALISATIONS[init].load()(network)
    return law
