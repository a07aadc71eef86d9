"""From checked options to samplers and arms: the only place where options meet code."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from models import Likelihood, Network, Prior, scaled_init
from samplers import (
    PopulationSampler,
    Sampler,
    Stop,
    adjusted_mclmc,
    deep_ensemble,
    elliptical_slice,
    hmc,
    mala,
    numpyro_nuts,
    nuts,
    parallel_tempering,
    prior_draws,
)
from samplers.named import optax_optimiser
from samplers.stopping import Rule

from .arm import Arm
from .build_approximate import batch_size, build_fitted, build_population, build_stochastic
from .catalogue import INITIALISATIONS
from .fitted_kinds import FITTED
from .optimisers import OPTIMISERS
from .population_kinds import POPULATIONS
from .roster import ArmConfig
from .stochastic_kinds import STOCHASTIC
from .stops import checkpoint


def build_arm(config: ArmConfig, network: Network, prior: Prior, likelihood: Likelihood | None = None) -> Arm:
    """The arm as the runner takes it. Equal options give equal samplers: nothing compiles twice.

    With the ``likelihood`` Laplace's curvature is Gauss-Newton; without, the Hessian.
    """
    options = config.options
    sampler: Sampler | PopulationSampler
    if config.kind in POPULATIONS:
        sampler = build_population(config.kind, options)
    else:
        sampler = build_sampler(config, network, likelihood)
    if config.kind not in OPTIMISERS:
        return Arm(
            config.name,
            sampler,
            config.role,
            num_chains=options["num_chains"],
            num_draws=options.get("num_draws", 1),  # a population has as many draws as particles
            keep_params=options["keep_params"],
            options=dict(options),
        )
    return _trained(
        config, sampler, options["stop"], options["threshold"], options["extra_steps"], network, prior
    )


def build_arms(
    config: ArmConfig, network: Network, prior: Prior, likelihood: Likelihood | None = None
) -> list[Arm]:
    """The arm, or one arm for each of its several stops, trained as one."""
    if config.options.get("stops") is None:
        return [build_arm(config, network, prior, likelihood)]
    arms = []
    for text in config.options["stops"]:
        rule, threshold, extra_steps, suffix = checkpoint(text)
        arm = _trained(config, build_sampler(config), rule, threshold, extra_steps, network, prior)
        arms.append(replace(arm, name=f"{config.name}@{suffix}", trained_as=config.name))
    return arms


def _trained(
    config: ArmConfig,
    sampler: Sampler | PopulationSampler,
    rule: str,
    threshold: float | None,
    extra_steps: int,
    network: Network,
    prior: Prior,
) -> Arm:
    options, matched = config.options, rule == "match"
    return Arm(
        config.name,
        sampler,
        config.role,
        num_chains=options["num_endpoints"],
        stop=Stop(
            cast(Rule, "loss" if matched else rule), extra_steps, threshold or 0.0, options["max_steps"]
        ),
        match_reference=matched,
        start=starting_law(options["init"], options["init_scale"], network, prior),
        keep_params=options["keep_params"],
        options=dict(options),
    )


def build_sampler(
    config: ArmConfig, network: Network | None = None, likelihood: Likelihood | None = None
) -> Sampler:
    """The sampler or optimiser of an arm; populations have ``build_population``."""
    options = config.options
    if config.kind in OPTIMISERS:
        return _optimiser(config)
    if config.kind in STOCHASTIC:
        return build_stochastic(config.kind, options)
    if config.kind in FITTED:
        return build_fitted(config.kind, options, network, likelihood)
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
        case "parallel_tempering":
            return parallel_tempering(
                hmc(options["num_integration_steps"], options["num_warmup"]),
                options["num_temperatures"],
                options["hottest"],
                None,
                options["num_warmup"],
                options["num_steps_per_draw"],
            )
        case "elliptical_slice":
            return elliptical_slice(options["num_warmup"], options["num_steps_per_draw"])
    raise ValueError(f"no sampler is built for {config.kind!r}")


def _optimiser(config: ArmConfig) -> Sampler:
    kind, options = OPTIMISERS[config.kind], config.options
    if config.kind == "deep_ensemble":
        return deep_ensemble(options["learning_rate"], batch_size(options))
    return optax_optimiser(
        config.kind,
        options["learning_rate"],
        tuple((name, options[name]) for name in kind.settings),
        batch_size(options),
        options["prior_weight"],
        kind.citation,
    )


def _adapted(options: Mapping[str, Any]) -> tuple[int, float, int]:
    """What every adapted sampler takes after its own options, in its order."""
    return options["num_warmup"], options["target_acceptance_rate"], options["num_steps_per_draw"]


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
