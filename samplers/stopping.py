"""When training ends: the rules, and the check for zero training errors.

The rules are checked after every step. A look at all data at every step would cost
more than the step, so the rows that were hardest at the last full look are tried
first: one of them wrong is proof of a training error, and only a network that has
them all right is looked at in full. The answer is the same.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from .lanes import where_asked
from .options import check_count
from .target import Params, Target, loss, training_errors

type Array = jax.Array
NUM_WITNESSES = 32


type Rule = Literal["first_fit", "loss", "budget"]


class Stop(NamedTuple):
    """When training ends. Exactly one of:

    ``first_fit``: zero training errors, then ``extra_steps`` more; ``loss``: full-data
    loss at most ``threshold`` (nats per datum), then ``extra_steps`` more; ``budget``:
    ``max_steps`` steps. The rule is checked after every step; ``max_steps`` bounds all.
    """

    rule: Rule = "first_fit"
    extra_steps: int = 0
    threshold: float = 0.0
    max_steps: int = 10_000


def check_stop(stop: Stop, target: Target) -> None:
    """Raises ``ValueError`` for a rule that is unknown or makes no sense for this target."""
    if stop.rule not in ("first_fit", "loss", "budget"):
        raise ValueError(f"rule must be 'first_fit', 'loss' or 'budget', got {stop.rule!r}")
    check_count(max_steps=stop.max_steps)
    if stop.extra_steps < 0:
        raise ValueError(f"extra_steps must not be negative, got {stop.extra_steps}")
    if stop.rule == "loss" and not abs(stop.threshold) < float("inf"):
        raise ValueError(f"threshold must be finite, got {stop.threshold}")
    if stop.rule == "first_fit" and target.errors is None:
        raise ValueError(
            "first_fit needs labels: this likelihood is a regression; stop at a loss or a budget"
        )


def first_witnesses(rule: Rule, target: Target) -> Array:
    """Rows to try first before any full look was taken, ``(k,)``; none for other rules."""
    num_rows = jax.tree.leaves(target.data)[0].shape[0]
    return jnp.arange(min(NUM_WITNESSES, num_rows) if rule == "first_fit" else 0)


def rule_met(
    rule: Rule, target: Target, threshold: Array, params: Params, asked: Array, witnesses: Array
) -> tuple[Array, Array]:
    """Whether the rule is met at ``params``, and the rows to try first next time.

    Never met where not ``asked``: lanes that are done ask no more.
    """
    match rule:
        case "first_fit":
            assert target.errors is not None
            tried = jax.tree.map(lambda leaf: leaf[witnesses], target.data)
            asked &= ~jnp.any(target.errors(params, tried))
            return where_asked(_full_look)(asked, (jnp.asarray(False), witnesses), target, params)
        case "loss":
            return asked & (loss(target, params) <= threshold), witnesses
        case "budget":
            return jnp.zeros((), bool), witnesses


def _full_look(target: Target, params: Params) -> tuple[Array, Array]:
    """Zero errors on all data? And the rows with the lowest log likelihood."""
    log_likelihood = target.log_likelihood(params, target.data)
    num_witnesses = min(NUM_WITNESSES, log_likelihood.shape[0])
    hardest = jax.lax.top_k(-log_likelihood, num_witnesses)[1]
    return training_errors(target, params) == 0, hardest


def record_steps(stop: Stop, record_every: int) -> list[int]:
    """The steps at which ``loss_curve`` is recorded, 0 first and ``max_steps`` last.

    >>> record_steps(Stop("budget", max_steps=120), 50)
    [0, 50, 100, 120]
    """
    return [*range(0, stop.max_steps, record_every), stop.max_steps]
