"""The systems of the references: data, model and the two methods that must agree.

Presets: ``full`` is what is stored; ``quick`` draws less, under the same gates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from models import (
    Batch,
    Model,
    bayesian_model,
    bernoulli,
    boolean_inputs,
    boolean_labels,
    boolean_task,
    gaussian,
    gaussian_prior,
    majority,
    mlp,
)
from samplers import hmc

from ..build import build_sampler
from ..config import Layer, RunConfig, make_config
from ..parts import build_model, build_network, build_task
from .methods import Method, chains, levels, rejection
from .quadrature import quadrature, two_parameter_network

type Labels = Callable[[Any, jax.Array], jax.Array]


@dataclass(frozen=True)
class System:
    """A posterior and two ways to draw from it; the first one's draws are stored."""

    train: Batch
    probe: Batch  # of a Boolean system all inputs: a function is its labels on all of them
    model: Model
    likelihood: dict[str, Any]
    methods: tuple[Method, Method]
    seed: int
    num_stored: int  # draws of each chain
    labels: Labels | None = None  # of a Boolean system
    num_prior_functions: int = 0  # prior draws from which its functions are counted


def boolean_3(preset: str, seed: int = 0) -> System:
    """3-8-1 ReLU, majority, 4 inputs given: 16 functions are left."""
    full = preset == "full"
    return _boolean(
        [3, 8, 1],
        num_train=4,
        methods=(rejection(4000 if full else 1200), levels(750 if full else 600, 20)),
        num_prior_functions=1 << (24 if full else 20),
        seed=seed,
    )


def boolean_5(preset: str, seed: int = 0) -> System:
    """5-16-16-1 ReLU, majority, 12 inputs given: 2^20 functions are left."""
    full = preset == "full"
    return _boolean(
        [5, 16, 16, 1],
        num_train=12,
        methods=(rejection(4000 if full else 2000), levels(750 if full else 600, 20)),
        num_prior_functions=1 << (24 if full else 20),
        seed=seed,
    )


def two_parameter(preset: str, seed: int = 0) -> System:
    """``v tanh(w x)``: singular where either parameter is zero, and symmetric in its signs."""
    noise_scale, network = 0.3, two_parameter_network()
    x = np.linspace(-2, 2, 8)[:, None]
    y = np.array([-0.98, -0.61, -0.93, -0.12, 0.44, 0.55, 1.10, 0.71])  # tanh(1.5 x) and noise
    probe = np.linspace(-3, 3, 30)[:, None]  # shares no input with the training set
    model = bayesian_model(network, gaussian_prior(network, fan_in=False), gaussian(noise_scale))
    num_draws = 250 if preset == "full" else 125
    return System(
        Batch(jnp.asarray(x, float), jnp.asarray(y, float)),
        Batch(jnp.asarray(probe, float), jnp.asarray(np.tanh(1.5 * probe[:, 0]), float)),
        model,
        {"name": "gaussian", "noise_scale": noise_scale},
        # Where w is small v is loose: at the usual acceptance rate HMC and NUTS undersample that end.
        (quadrature(noise_scale, num_draws, 16), chains(hmc(20, 500, 0.95, 8), 16, num_draws)),
        seed,
        num_stored=63,
    )


def regression_1d(preset: str, seed: int = 0) -> System:
    """The task ``regression_1d`` with the main job's network and prior."""
    full = preset == "full"
    settings = {
        "hmc": {"num_integration_steps": 200, "num_warmup": 1000, "num_draws": 600 if full else 150},
        "numpyro_nuts": {"num_warmup": 1000, "num_draws": 1000 if full else 250},
    }
    return _main_job("regression_1d", settings, seed, num_stored=50)


def digits(preset: str, seed: int = 0) -> System:
    """The main job's default with twice its chains; the first eight are those of ``thermalize compare``.

    Eight chains of 400 draws pass the gates too, but leave one class's mean 4.9 standard
    errors from NUTS: a slow direction, whose effective sample size is overestimated.
    """
    full = preset == "full"
    settings = {
        "hmc": {"num_chains": 16, "num_draws": 400 if full else 100},
        "numpyro_nuts": {"num_chains": 16, "num_draws": 300 if full else 100},
    }
    return _main_job("digits", settings, seed, num_stored=25)


def _boolean(
    widths: list[int], num_train: int, methods: tuple[Method, Method], num_prior_functions: int, seed: int
) -> System:
    network = mlp(widths, "relu")
    table = majority(widths[0])
    task = boolean_task(0, table, num_train)  # the rows given belong to the system, not to the seed
    return System(
        task.train,
        Batch(jnp.asarray(boolean_inputs(widths[0])), jnp.asarray(table)),
        bayesian_model(network, gaussian_prior(network), bernoulli()),
        {"name": "bernoulli"},
        methods,
        seed,
        num_stored=125,
        labels=boolean_labels(network),
        num_prior_functions=num_prior_functions,
    )


def _main_job(task_name: str, settings: dict[str, dict[str, Any]], seed: int, num_stored: int) -> System:
    """A system of the command line, whose data belong to seed 0; ``seed`` is that of the draws."""
    config: RunConfig = make_config(
        Layer({"task": {"name": task_name}, "seed": 0, "arms": settings}), select=list(settings)
    )
    task = build_task(config)
    network = build_network(config, task)
    _, model = build_model(config, network)
    likelihood: dict[str, Any] = {"name": model.likelihood.name}
    if config.noise_scale is not None:
        likelihood["noise_scale"] = config.noise_scale
    methods = {}
    for arm in config.arms:
        if arm.name in settings:
            options = dict(arm.options)
            methods[arm.name] = chains(
                build_sampler(arm), options.pop("num_chains"), options.pop("num_draws"), options
            )
    first, second = (methods[name] for name in settings)
    return System(task.train, task.probe, model, likelihood, (first, second), seed, num_stored)
