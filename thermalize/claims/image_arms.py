"""Small tanh networks on images of digits: trained to several stops, and drawn from their posterior.

The same networks, prior and data on both sides. The posterior's draws are trusted only by
the gates of :func:`compare.judge_reference` on whatever a claim compares.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import judge_reference
from models import (
    Model,
    Network,
    Task,
    bayesian_model,
    categorical,
    digits,
    digits_binary,
    gaussian_prior,
    mlp,
)
from samplers import Draws, Sampler, Stop, Target, hmc, optimise_through, posterior, sample
from samplers.draws import Inputs, Observe, Progress
from samplers.named import optax_optimiser

from .claim import Check

type Array = np.ndarray
type Params = Any
NUM_TRAIN = 300
MAX_STEPS = 20_000
BLOCK = 64  # networks evaluated together
TASKS = {"digits": digits, "digits-binary": digits_binary}
OPTIMISERS = {
    "sgd": optax_optimiser("sgd", 0.1, batch_size=32),
    "adam": optax_optimiser("adam", 0.01, batch_size=32),
}
STOPS = ("first fit", "matched loss")
CITATIONS = ["Alpaydin and Kaynak 1998", "Duane et al. 1987; Neal 2011", "Kingma and Ba 2015"]


class Chains(NamedTuple):
    """How long the posterior is sampled."""

    num_chains: int
    num_draws: int
    num_warmup: int = 300


class System(NamedTuple):
    """One task, the network that learns it, and the posterior; weights N(0, 1 / fan-in), biases N(0, 1)."""

    name: str
    widths: tuple[int, ...]
    task: Task
    network: Network
    model: Model
    target: Target

    @property
    def labels(self) -> Array:
        """True labels of the probe, ``(probe,)``."""
        return np.asarray(self.task.probe.targets)

    def conditions(self) -> dict[str, Any]:
        return {
            "system": self.name,
            "widths": "-".join(map(str, self.widths)),
            "activation": "tanh",
            "prior": "weights N(0, 1 / fan-in), biases N(0, 1)",
            "training images": NUM_TRAIN,
            "probe images": len(self.labels),
        }


def system(name: str, seed: int, num_probe: int, hidden: int = 16) -> System:
    """A task of ``TASKS``, its images dealt to training set and probe by the seed."""
    task = TASKS[name](seed, NUM_TRAIN, num_probe)
    widths = (task.num_inputs, hidden, task.num_classes or 1)
    network = mlp(widths, "tanh")
    model = bayesian_model(network, gaussian_prior(network), categorical())
    return System(
        name, widths, task, network, model, posterior(model, task.train, num_data=len(task.train.targets))
    )


def drawn(
    key: jax.Array, chosen: System, observe: Observe, inputs: Inputs, chains: Chains, progress: Progress
) -> Draws:
    """Draws of the posterior with their parameters, by HMC."""
    return sample(
        key,
        hmc(25, chains.num_warmup, 0.8, 2),
        chosen.target,
        observe,
        inputs,
        num_chains=chains.num_chains,
        num_draws=chains.num_draws,
        chunk=min(50, chains.num_draws),
        keep_params=True,
        progress=progress,
    )


def trained(
    key: jax.Array, chosen: System, sampler: Sampler, num: int, matched: float, progress: Progress
) -> list[Draws]:
    """Endpoints at each of ``STOPS``: no training error, and a training loss of at most ``matched``."""
    stops = [Stop("first_fit", max_steps=MAX_STEPS), Stop("loss", threshold=matched, max_steps=MAX_STEPS)]
    return optimise_through(
        key,
        sampler,
        chosen.target,
        _nothing,
        None,
        num_endpoints=num,
        stops=stops,
        keep_params=True,
        progress=progress,
    )


def _nothing(params: Params, inputs: None) -> dict[str, jax.Array]:
    return {}


def usable(draws: Draws) -> Params:
    """Parameters ``(network, ...)`` of the chains that are ok."""
    rows = np.flatnonzero([status == "ok" for status in draws.status])
    return flat(jax.tree.map(lambda leaf: leaf[rows], draws.params))


def flat(params: Params) -> Params:
    """Chains and draws as one axis of networks, chain by chain."""
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), params)


def some(params: Params, rows: Any) -> Params:
    """The networks in these rows."""
    return jax.tree.map(lambda leaf: leaf[rows], params)


def count(params: Params) -> int:
    """The number of networks."""
    return int(jax.tree.leaves(params)[0].shape[0])


def probabilities_of(network: Network, params: Params, inputs: Any) -> Array:
    """Predicted probabilities ``(network, input, class)``; a network whose outputs overflow gives nan."""
    return np.asarray(_probabilities(network.apply, params, jnp.asarray(inputs)))


@partial(jax.jit, static_argnames=("apply",))
def _probabilities(apply: Any, params: Params, inputs: jax.Array) -> jax.Array:
    def one(params: Params) -> jax.Array:
        return jax.nn.softmax(jax.vmap(apply, (None, 0))(params, inputs), axis=-1)

    return jax.lax.map(one, params, batch_size=BLOCK)


def gates(draws: Draws, behaviours: Array) -> list[Check]:
    """What the posterior's draws must show on the behaviours compared, ``(chain, draw, behaviour)``."""
    trust = judge_reference(behaviours, draws.stats["diverging"], draws.status)
    return [
        Check(f"posterior: {gate.name}", gate.passed, f"{gate.value:.4g}, allowed {gate.threshold:g}")
        for gate in trust.gates
    ]
