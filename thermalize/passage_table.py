r"""The kinetic side of grokking: passages of GD, SGD, AdamW and SGLD under conditions side by side.

All arms have one learning rate ``eta`` and one weight decay ``lambda``, on the same objective
``J = L + lambda |theta|^2 / 2``, N pairs and the posterior at ``beta``:

.. math::

    \text{GD, SGD} &: \theta \leftarrow \theta - \eta \nabla J \\
    \text{AdamW} &: \theta \leftarrow \theta - \eta (\text{Adam's step on } L + \lambda \theta) \\
    \text{SGLD} &: \theta \leftarrow \theta - \eta \nabla J + \sqrt{2 \eta / (\beta N)}\, \xi

The decay of GD, SGD and SGLD is the posterior's prior, see :func:`.basins.prior_scale`. AdamW's
is decoupled: it minimises no such objective, and the same number means another pull. All
conditions of a network and a modulus are one program, compiled once.

Sources: Loshchilov and Hutter 2019 (AdamW); Welling and Teh 2011 (SGLD).
"""

from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple, get_args

import jax
import numpy as np

from compare import Median, median_passage, median_ratio
from models import Likelihood, Network, bayesian_model, gaussian_prior, modular_task
from models.modular import Operation
from samplers.draws import Progress, silent

from .grokking import Dials, Learner, Times, grokking_times
from .pairs import pairs_of

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
    ``ValueError`` for settings that no training has, for a likelihood without classes, and as
    :func:`models.modular_task` and :func:`.grokking.grokking_times` do.

    >>> from models import one_hot_gaussian, quadratic_pairs
    >>> (row,) = passage_table(jax.random.key(0), quadratic_pairs(5, 12), one_hot_gaussian(),
    ...                        [Condition("adamw", 5, 0.6, 0.03, 0.1, 1.0)],
    ...                        num_networks=2, max_steps=200, num_looks=3)
    >>> row.num_networks, row.num_never_memorised, row.memorised.value < 100
    (2, 0, True)
    """
    learner = learner_of(network, likelihood)
    tasks = [modular_task(seed, c.modulus, c.operation, c.train_share) for c in conditions]
    settings = [dials_of(c, len(task.train.targets)) for c, task in zip(conditions, tasks, strict=True)]
    rows = []
    for place, condition in enumerate(conditions):
        progress(place, len(conditions))
        times = grokking_times(
            jax.random.fold_in(key, place),
            learner,
            pairs_of(tasks[place]),
            settings[place],
            num_networks=num_networks,
            max_steps=max_steps,
            num_looks=num_looks,
            accuracy=accuracy,
        )
        rows.append(row_of(condition, times, np.random.default_rng([seed, place])))
    progress(len(conditions), len(conditions))
    return rows


@cache
def learner_of(network: Network, likelihood: Likelihood) -> Learner:
    """A network that starts at draws of ``gaussian_prior``; equal arguments give the same object."""
    model = bayesian_model(network, gaussian_prior(network), likelihood)
    if model.errors is None:
        raise ValueError(
            f"grokking needs classes to be right about, got the likelihood {likelihood.name}: take "
            "categorical or one_hot_gaussian"
        )
    return Learner(model.init, model.log_likelihood, model.errors)


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


def dials_of(condition: Condition, num_data: int) -> Dials:
    """The settings of a condition with ``num_data`` pairs given. Raises ``ValueError`` for impossible ones.

    >>> dials_of(Condition("sgld", 5, 0.6, 0.1, 0.01, 1.0, beta=2.0), 5).temperature
    0.1
    """
    arm, batch = condition.arm, condition.batch_size
    if arm not in get_args(Arm.__value__):
        raise ValueError(f"arm must be gd, sgd, adamw or sgld, got {arm!r}")
    for name in ("learning_rate", "init_scale", "beta"):
        value = getattr(condition, name)
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} must be positive and finite, got {value}: 0.01, say")
    if not 0 <= condition.decay < float("inf"):
        raise ValueError(f"decay must be finite and not negative, got {condition.decay}: 0 is none")
    if batch is not None and not 1 <= batch <= num_data:
        raise ValueError(
            f"batch_size must be from 1 to the {num_data} given pairs, got {batch}: all pairs are None"
        )
    return Dials(
        condition.learning_rate,
        condition.decay,
        condition.init_scale,
        batch or 0,
        arm == "adamw",
        1 / (condition.beta * num_data) if arm == "sgld" else 0.0,
    )
