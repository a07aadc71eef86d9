"""From a checked configuration to a task, a model and arms: here, and in every worker of a cluster."""

from typing import NamedTuple, cast

import jax

from models import Model, Network, Prior, Task, bayesian_model, input_shift, label_noise, mlp
from models.transforms import Shift

from .arm import Arm
from .blocks import Blocks
from .build import build_arms, starting_law
from .catalogue import LIKELIHOODS, PRIORS, TASKS
from .config import RunConfig


class Parts(NamedTuple):
    """What a configuration describes."""

    task: Task
    model: Model
    arms: list[Arm]
    blocks: Blocks


def build_parts(config: RunConfig) -> Parts:
    """Everything that a configuration describes."""
    task = build_task(config)
    network = build_network(config, task)
    prior, model = build_model(config, network)
    arms = [built for arm in config.arms for built in build_arms(arm, network, prior, model.likelihood)]
    return Parts(task, model, arms, Blocks(*(getattr(config, name) for name in Blocks._fields)))


def build_task(config: RunConfig) -> Task:
    """The task of a configuration, with its label noise and input shift."""
    key_data, key_noise, key_shift = jax.random.split(jax.random.key(config.seed), 3)
    task: Task = TASKS[config.task].load()(key_data, config.num_train, config.num_probe)
    if config.label_noise > 0:
        task = label_noise(key_noise, task, config.label_noise)
    if config.shift != "none":
        assert config.shift_strength is not None
        task = input_shift(key_shift, task, cast(Shift, config.shift), config.shift_strength)
    return task


def build_network(config: RunConfig, task: Task) -> Network:
    """The multilayer perceptron of a configuration, as wide at its ends as the task asks."""
    num_outputs = task.num_classes if TASKS[config.task].likelihood == "categorical" else 1
    assert num_outputs is not None
    return mlp([task.num_inputs, *config.widths, num_outputs], config.activation)


def build_model(config: RunConfig, network: Network) -> tuple[Prior, Model]:
    """Prior and model of a configuration."""
    scales = {"weight_scale": config.weight_scale, "bias_scale": config.bias_scale}
    if config.degrees_of_freedom is not None:
        scales["degrees_of_freedom"] = config.degrees_of_freedom
    prior: Prior = PRIORS[config.prior].load()(network, **scales)
    make_likelihood = LIKELIHOODS[TASKS[config.task].likelihood].load()
    likelihood = make_likelihood() if config.noise_scale is None else make_likelihood(config.noise_scale)
    start = starting_law(config.init, config.init_scale, network, prior)
    return prior, bayesian_model(network, prior, likelihood, init=start)
