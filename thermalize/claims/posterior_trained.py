"""Endpoints of training for the claim ``posterior_sample``: optimisers, stops, functions and losses."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import FunctionCounts, count_functions
from models import Task, boolean_inputs
from samplers import Sampler, Stop, optimise_through, posterior
from samplers.draws import Progress
from samplers.named import optax_optimiser

from .boolean import System
from .claim import Check
from .posterior_family import function_of
from .posterior_rule import FEWEST

type Array = np.ndarray

EXTRA_STEPS = 500
MAX_STEPS = 20_000
STOPS = (Stop("first_fit", max_steps=MAX_STEPS), Stop("first_fit", EXTRA_STEPS, max_steps=MAX_STEPS))
STOP_NAMES = ("first fit", f"{EXTRA_STEPS} steps on")
MOST_FAILED = 0.01  # share of endpoints


class Trained(NamedTuple):
    """Endpoints of one stop."""

    functions: Array  # (endpoint, num_bytes) of those that met the stop
    met: Array  # (endpoint,) all of them
    loss: float  # mean of those that met it, nats per datum

    @property
    def counts(self) -> FunctionCounts | None:
        """The functions counted; ``None`` for too few endpoints."""
        return count_functions(self.functions) if len(self.functions) >= FEWEST else None

    @property
    def gate(self) -> Check:
        """Enough endpoints, and hardly any that failed."""
        num, failed = len(self.functions), int((~self.met).sum())
        passed = num >= FEWEST and failed <= MOST_FAILED * len(self.met)
        return Check(
            "endpoints that met their stop",
            passed,
            f"{num}, needed {FEWEST}; {failed} did not, at most {MOST_FAILED:.0%}",
        )


def trainer(name: str, num_train: int) -> Sampler:
    """The optimiser by its name: full batches for ``gd`` and ``adam``, half batches for the others."""
    match name:
        case "gd":
            return optax_optimiser("sgd", 0.1)
        case "sgd":
            return optax_optimiser("sgd", 0.1, batch_size=num_train // 2)
        case "momentum":
            return optax_optimiser("sgd", 0.02, (("momentum", 0.9),), batch_size=num_train // 2)
    return optax_optimiser("adam", 0.01)


SETTINGS = {
    "gd": "learning rate 0.1, full batches",
    "sgd": "learning rate 0.1, batches of half the data",
    "momentum": "learning rate 0.02, momentum 0.9, batches of half the data",
    "adam": "learning rate 0.01, full batches",
}


def train(
    key: jax.Array, chosen: System, task: Task, name: str, num: int, progress: Progress
) -> list[Trained]:
    """Networks trained from the prior through all stops, one :class:`Trained` for each."""
    num_train = len(task.train.targets)
    found = optimise_through(
        key,
        trainer(name, num_train),
        posterior(chosen.model, task.train, num_data=num_train),
        function_of(chosen.network),
        jnp.asarray(boolean_inputs(chosen.num_bits)),
        num_endpoints=num,
        stops=STOPS,
        progress=progress,
    )
    trained = []
    for draws in found:
        met = np.array([status == "ok" for status in draws.status])
        losses = np.asarray(draws.stats["loss"])[met, 0]
        loss = float(losses.mean()) if len(losses) else float("nan")
        trained.append(Trained(np.asarray(draws.observed["function"])[met, 0], met, loss))
    return trained
