r"""The kinetic side of grokking: passages of GD, SGD, AdamW and SGLD under conditions side by side.

All arms have one learning rate ``eta`` and one weight decay ``lambda``, on the same objective
``J = L + lambda |theta|^2 / 2``, N pairs and the posterior at ``beta``:

.. math::

    \text{GD, SGD} &: \theta \leftarrow \theta - \eta \nabla J \\
    \text{AdamW} &: \theta \leftarrow \theta - \eta (\text{Adam's step on } L + \lambda \theta) \\
    \text{SGLD} &: \theta \leftarrow \theta - \eta \nabla J + \sqrt{2 \eta / (\beta N)}\, \xi

The decay of GD, SGD and SGLD is the posterior's prior, see :func:`.basins.prior_scale`. AdamW's
is decoupled: it minimises no such objective, and the same number means another pull.

Sources: Loshchilov and Hutter 2019 (AdamW); Welling and Teh 2011 (SGLD).
"""

from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple

import jax
import numpy as np

from compare import Median, median_passage, median_ratio
from models import (
    Likelihood,
    Network,
    bayesian_model,
    gaussian_prior,
    modular_task,
    scaled_init,
)
from models.modular import Operation
from samplers import Sampler
from samplers.draws import Progress, share_of, silent
from samplers.named import optax_optimiser

from .basins import prior_scale
from .grokking import Times, grokking_times, langevin_training

type Arm = Literal["gd", "sgd", "adamw", "sgld"]


class Condition(NamedTuple):
    """What a row of the table holds fixed."""

    arm: Arm
    modulus: int
    train_share: float
    learning_rate: float
    decay: float
    init_scale: float  # of the standard deviations of weights at the start, 1 / sqrt(fan-in) at 1
    batch_size: int | None = None  # of SGD and SGLD; all pairs for None
    beta: float = 1.0  # of the posterior: SGLD's noise
    operation: Operation = "addition"


class Row(NamedTuple):
    """Medians over networks with their intervals, in steps, and the networks that never got there."""

    condition: Condition
    num_networks: int
    memorised: Median
    generalised: Median
    delay: Median  # times as long to generalise as to memorise
    num_never_memorised: int
    num_never_generalised: int
    num_failed: int
    times: Times


def passage_table(
    key: jax.Array,
    network: Network,
    likelihood: Likelihood,
    conditions: Sequence[Condition],
    *,
    num_networks: int,
    max_steps: int,
    num_looks: int = 40,
    accuracy: float = 0.95,
    seed: int = 0,
    progress: Progress = silent,
) -> list[Row]:
    """Train ``num_networks`` networks under each condition; a row each, in order.

    The pairs of a modulus and share are dealt by ``seed``, the same for all arms. Raises
    ``ValueError`` for a decay, learning rate or beta that is not positive, and as
    :func:`.grokking.grokking_times` does.

    >>> from models import one_hot_gaussian, quadratic_pairs
    >>> (row,) = passage_table(jax.random.key(0), quadratic_pairs(5, 12), one_hot_gaussian(),
    ...                        [Condition("adamw", 5, 0.6, 0.03, 0.1, 1.0)],
    ...                        num_networks=2, max_steps=200, num_looks=3)
    >>> row.num_networks, row.num_never_memorised, row.memorised.value < 100
    (2, 0, True)
    """
    rows = []
    for place, condition in enumerate(conditions):
        task = modular_task(seed, condition.modulus, condition.operation, condition.train_share)
        num_data = len(task.train.targets)
        scale = prior_scale(condition.decay, condition.beta, num_data)
        start = gaussian_prior(network)
        times = grokking_times(
            jax.random.fold_in(key, place),
            trainer(condition, num_data),
            bayesian_model(network, gaussian_prior(network, scale, fan_in=False), likelihood),
            task,
            num_networks=num_networks,
            max_steps=max_steps,
            num_looks=num_looks,
            accuracy=accuracy,
            start=scaled_init(start, condition.init_scale),
            beta=condition.beta,
            progress=share_of(progress, place, len(conditions)),
        )
        rows.append(row_of(condition, times, np.random.default_rng([seed, place])))
    return rows


def row_of(condition: Condition, times: Times, rng: np.random.Generator) -> Row:
    """The medians of one condition; the runs that never got there are censored, and counted."""
    return Row(
        condition,
        len(times.status),
        median_passage(times.memorised),
        median_passage(times.generalised),
        median_ratio(times.generalised, times.memorised, rng),
        times.num_never_memorised,
        times.num_never_generalised,
        times.num_failed,
        times,
    )


@cache
def trainer(condition: Condition, num_data: int) -> Sampler:
    """The arm of a condition as an optimiser or sampler; equal arguments give the same object."""
    rate, decay, batch = condition.learning_rate, condition.decay, condition.batch_size
    if not 0 < rate < float("inf"):
        raise ValueError(f"learning_rate must be positive and finite, got {rate}: 0.01, say")
    match condition.arm:
        case "gd":
            return optax_optimiser("sgd", rate, prior_weight=1.0)
        case "sgd":
            return optax_optimiser("sgd", rate, batch_size=batch, prior_weight=1.0)
        case "adamw":
            return optax_optimiser("adamw", rate, (("weight_decay", decay),), batch_size=batch)
        case "sgld":
            return langevin_training(rate / (condition.beta * num_data), batch)
    raise ValueError(f"arm must be gd, sgd, adamw or sgld, got {condition.arm!r}")
