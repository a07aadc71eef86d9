r"""When trained networks fit their data, and when they first know the rest: grokking in steps.

A network has memorised at its first step without a training error. It has generalised
when its share of right answers on the probe is first seen at ``accuracy`` or more. Training
knows nothing of the probe, so the probe is looked at from outside, at steps that grow in
proportion: a time is known up to the step between two looks, and what was reached and lost
between them is not seen. Networks that do neither are censored at their end and counted.

Source: Power et al. 2022 (the delay between both).
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import Passages, first_passages
from models import Batch, Model, Task
from samplers import Sampler, Stop, optimise_through, posterior, sgld
from samplers.draws import Progress, silent
from samplers.kernel import Kernel, no_warmup
from samplers.sgld import SgldTuning
from samplers.target import Target

type Array = np.ndarray
type Params = Any
type Errors = Callable[[Params, Batch], jax.Array]


class Times(NamedTuple):
    """What some networks reached, and when."""

    memorised: Passages  # first step without a training error, exact
    generalised: Passages  # first look at which the probe was known
    looks: Array  # (look,) steps
    probe_accuracy: Array  # (network, look) shares
    status: list[str]  # of every network at its last look

    @property
    def num_never_memorised(self) -> int:
        return int((~self.memorised.seen).sum())

    @property
    def num_never_generalised(self) -> int:
        return int((~self.generalised.seen).sum())

    @property
    def num_failed(self) -> int:
        """Networks that diverged, which are censored where they did."""
        return sum(sentence != "ok" for sentence in self.status)


def grokking_times(
    key: jax.Array,
    sampler: Sampler,
    model: Model,
    task: Task,
    *,
    num_networks: int,
    max_steps: int,
    num_looks: int = 40,
    accuracy: float = 0.95,
    start: Callable[[jax.Array], Params] | None = None,
    beta: float = 1.0,
    lanes: int = 8,
    progress: Progress = silent,
) -> Times:
    """Train networks for ``max_steps`` steps from draws of ``start``, the model's own unless given.

    ``beta`` is that of the posterior whose prior an optimiser with a ``prior_weight`` uses:
    its L2 penalty is ``w / (beta N sd^2)`` times half the squared weights, per datum. Raises
    ``ValueError`` for a task without classes, counts below one, fewer than 10 steps, or an
    accuracy outside (0, 1].

    >>> import optax
    >>> from models import bayesian_model, categorical, gaussian_prior, modular_task, quadratic_pairs
    >>> from samplers import optimiser
    >>> task, network = modular_task(0, 5, train_share=0.8), quadratic_pairs(5, 12)
    >>> model = bayesian_model(network, gaussian_prior(network), categorical())
    >>> adam = optimiser(optax.adam(0.01), name="adam")
    >>> times = grokking_times(jax.random.key(0), adam, model, task, num_networks=2,
    ...                        max_steps=200, num_looks=3)
    >>> times.looks.tolist(), times.probe_accuracy.shape, times.num_never_memorised
    ([10, 40, 200], (2, 3), 0)
    """
    if task.kind != "classification" or model.errors is None:
        raise ValueError(f"grokking needs classes to be right about, got the task {task.name} ({task.kind})")
    if not 0 < accuracy <= 1:
        raise ValueError(f"accuracy must lie in (0, 1], got {accuracy}: it is the share of probes known")
    looks = look_steps(max_steps, num_looks)
    stops = [Stop("first_fit", max_steps=max_steps), *(Stop("budget", max_steps=int(look)) for look in looks)]
    fits, *seen = optimise_through(
        key,
        sampler,
        posterior(model, task.train, num_data=len(task.train.targets), beta=beta),
        _right(model.errors),
        task.probe,
        num_endpoints=num_networks,
        stops=stops,
        start=start or model.init,
        lanes=lanes,
        record_every=-(-max_steps // 10) * 10,
        progress=progress,
    )
    shares = np.stack([np.asarray(draws.observed["right"])[:, 0] for draws in seen], axis=1)
    steps = np.stack([np.asarray(draws.stats["steps"])[:, 0] for draws in seen], axis=1)
    met = np.asarray(fits.stats["steps_to_fit"])[:, 0]
    end = np.where(met >= 0, met, np.asarray(fits.stats["steps"])[:, 0])
    return Times(
        Passages(end, np.where(met >= 0, met - 1, end), met >= 0),
        first_passages(shares >= accuracy, steps),
        looks,
        shares,
        seen[-1].status,
    )


def look_steps(max_steps: int, num_looks: int) -> Array:
    """At most so many steps from 10 to ``max_steps``, in proportion, at tens: as networks advance.

    >>> look_steps(1000, 5).tolist()
    [10, 30, 100, 320, 1000]
    """
    if max_steps < 10 or num_looks < 1:
        raise ValueError(
            f"max_steps must be at least 10 and num_looks at least 1, got {max_steps} and {num_looks}"
        )
    tens = np.round(np.geomspace(10, max_steps, num_looks) / 10).astype(int) * 10
    return np.unique([*tens[tens < max_steps], max_steps])


@cache
def langevin_training(step_size: float, batch_size: int | None = None) -> Sampler:
    """SGLD as an arm of training: from its start, without warm-up, step by step.

    ``step_size`` is that of :func:`samplers.sgld`, ``theta += step_size grad log posterior +
    sqrt(2 step_size) noise``: a learning rate of SGD on the objective is ``step_size beta N``.

    >>> langevin_training(1e-3).law
    'the posterior up to a bias of the order of the step size'
    """
    base = sgld(step_size, batch_size)

    def kernel(target: Target, tuning: Any) -> Kernel:
        return base.kernel(target, SgldTuning(None, None))

    return base._replace(warmup=no_warmup, kernel=kernel)


@cache
def _right(errors: Errors) -> Callable[[Params, Batch], dict[str, jax.Array]]:
    """The share of the probe that a network knows; one object a model, so that nothing compiles twice."""
    return lambda params, probe: {"right": 1 - jnp.mean(errors(params, probe))}
