"""When training ends: the rules, and the looks at the data that they ask for.

The rules are checked at every step. A look at all data every time would cost more than
the step, so what is cheap is asked first. An error in the step's own minibatch is proof
of a training error; so is one among the witnesses, the rows that were hardest at the last
full look; and their losses alone, never negative where there are labels, bound the loss
from below. Only a network that nothing speaks against is looked at in full. The answer is
the same.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from .kernel import Info
from .lanes import where_asked
from .options import check_count
from .target import Data, Params, Target

type Array = jax.Array
NUM_WITNESSES = 32
MANY_ROWS = 256  # below, a look at all rows costs what one at the witnesses costs
NEVER = -1


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


class Limits(NamedTuple):
    """The numbers of some stopping rules, ``(rule,)`` each: traced, so that others never recompile."""

    extra_steps: Array
    threshold: Array
    max_steps: Array


def limits_of(stops: tuple[Stop, ...]) -> Limits:
    """The numbers of the rules, one entry a rule."""
    columns = list(zip(*stops, strict=True))[1:]
    return Limits(*(jnp.asarray(n, kind) for n, kind in zip(columns, (int, float, int), strict=True)))


def check_stop(stop: Stop, target: Target) -> None:
    """Raises ``ValueError`` for a rule that is unknown or makes no sense for this target."""
    if stop.rule not in ("first_fit", "loss", "budget"):
        raise ValueError(f"rule must be 'first_fit', 'loss' or 'budget', got {stop.rule!r}")
    check_count(max_steps=stop.max_steps)
    if stop.extra_steps < 0 or stop.extra_steps != int(stop.extra_steps):
        raise ValueError(f"extra_steps must be a whole number, not negative, got {stop.extra_steps}")
    if stop.rule == "loss" and not abs(stop.threshold) < float("inf"):
        raise ValueError(f"threshold must be finite, got {stop.threshold}")
    if stop.rule == "first_fit" and target.errors is None:
        raise ValueError(
            "first_fit needs labels: this likelihood is a regression; stop at a loss or a budget"
        )


def first_witnesses(rules: tuple[Rule, ...], target: Target) -> Array:
    """Rows to try first before any full look was taken, ``(k,)``; none where they would save little."""
    num_rows = jax.tree.leaves(target.data)[0].shape[0]
    useful = "loss" in rules or ("first_fit" in rules and num_rows >= MANY_ROWS)
    return jnp.arange(min(NUM_WITNESSES, num_rows // 4) if useful and target.errors is not None else 0)


def rules_met(
    rules: tuple[Rule, ...],
    target: Target,
    limits: Limits,
    params: Params,
    asked: Array,
    witnesses: Array,
    info: Info,
) -> tuple[Array, Array]:
    """Which rules are met at ``params``, ``(rule,)``, and the rows to try first next time.

    Never met where not ``asked``, ``(rule,)``: lanes that are done ask no more. A
    budget is never met; its ``max_steps`` ends it. ``info`` is that of a training step
    from ``params``: an error in its minibatch, ``batch_errors`` where the optimiser says
    it, is proof that they do not fit.
    """
    if set(rules) == {"budget"}:
        return jnp.zeros(len(rules), bool), witnesses
    wants_fit, wants_loss = (jnp.array([rule == name for rule in rules]) for name in ("first_fit", "loss"))
    possible = asked & (wants_fit | wants_loss)
    if "first_fit" in rules and "batch_errors" in info:
        possible &= ~(wants_fit & info["batch_errors"])
    if "loss" in rules and len(witnesses):
        possible &= ~(wants_loss & (_least_loss(target, params, witnesses) > limits.threshold))
    unseen = jnp.asarray(False), jnp.asarray(jnp.inf), witnesses
    look = _full_look if "loss" in rules else _cautious_look
    fits, value, witnesses = where_asked(look)(jnp.any(possible), unseen, target, params, witnesses)
    met = (wants_fit & fits) | (wants_loss & (value <= limits.threshold))
    return asked & met, witnesses


def _least_loss(target: Target, params: Params, witnesses: Array) -> Array:
    """A lower bound of the loss: what the witnesses alone contribute to it."""
    data = jax.tree.leaves(target.data)[0]
    return -jnp.sum(target.log_likelihood(params, _rows(target.data, witnesses))) / data.shape[0]


def _cautious_look(target: Target, params: Params, witnesses: Array) -> tuple[Array, Array, Array]:
    """A full look, unless a witness has an error already."""
    assert target.errors is not None
    if not len(witnesses):
        return _full_look(target, params, witnesses)
    wrong = jnp.any(target.errors(params, _rows(target.data, witnesses)))
    no = jnp.asarray(False), jnp.asarray(jnp.inf), witnesses
    return jax.lax.cond(wrong, lambda: no, lambda: _full_look(target, params, witnesses))


def _full_look(target: Target, params: Params, witnesses: Array) -> tuple[Array, Array, Array]:
    """Zero errors on all data? The loss, and the rows with the lowest log likelihood."""
    log_likelihood = target.log_likelihood(params, target.data)
    fits = jnp.asarray(False) if target.errors is None else ~jnp.any(target.errors(params, target.data))
    hardest = jax.lax.top_k(-log_likelihood, len(witnesses))[1].astype(witnesses.dtype)  # 32 bits in any mode
    return fits, -jnp.mean(log_likelihood), hardest


def _rows(data: Data, rows: Array) -> Data:
    return jax.tree.map(lambda leaf: leaf[rows], data)


def record_steps(stop: Stop, record_every: int) -> list[int]:
    """The steps at which ``loss_curve`` is recorded, 0 first and ``max_steps`` last.

    >>> record_steps(Stop("budget", max_steps=120), 50)
    [0, 50, 100, 120]
    """
    return [*range(0, stop.max_steps, record_every), stop.max_steps]
