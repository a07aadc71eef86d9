"""Learning a Boolean function from half of its inputs: targets, optimisers and the functions they end at."""

import jax
import jax.numpy as jnp
import numpy as np

from models import Task, boolean_inputs, boolean_labels, majority, parity, random_function, single_bit
from samplers import Sampler, Stop, optimise_through, posterior
from samplers.draws import Progress
from samplers.named import optax_optimiser

from .boolean import System

type Array = np.ndarray
EXTRA_STEPS = 500
MAX_STEPS = 20_000
STOPS = (Stop("first_fit", max_steps=MAX_STEPS), Stop("first_fit", EXTRA_STEPS, max_steps=MAX_STEPS))
STOP_NAMES = ("first fit", f"{EXTRA_STEPS} steps on")


def table_of(target: str, num_bits: int) -> Array:
    """The truth table of a target by its name."""
    match target:
        case "single bit":
            return single_bit(num_bits)
        case "majority":
            return majority(num_bits)
        case "parity":
            return parity(num_bits)
    return random_function(num_bits, num_bits, 1 << (num_bits - 1))


def trainer(name: str, num_train: int) -> Sampler:
    match name:
        case "gd":
            return optax_optimiser("sgd", 0.1)
        case "sgd":
            return optax_optimiser("sgd", 0.1, batch_size=num_train // 2)
    return optax_optimiser("adam", 0.01)


def endpoints_of(
    key: jax.Array, chosen: System, task: Task, name: str, num: int, progress: Progress
) -> list[tuple[Array, Array]]:
    """For every stop the functions of the endpoints, packed, and whether each met it."""
    num_train = len(task.train.targets)
    labels = boolean_labels(chosen.network)
    found = optimise_through(
        key,
        trainer(name, num_train),
        posterior(chosen.model, task.train, num_data=num_train),
        lambda params, inputs: {"function": jnp.packbits(labels(params, inputs))},
        jnp.asarray(boolean_inputs(chosen.num_bits)),
        num_endpoints=num,
        stops=STOPS,
        progress=progress,
    )
    return [
        (np.asarray(draws.observed["function"])[:, 0], np.array([status == "ok" for status in draws.status]))
        for draws in found
    ]
