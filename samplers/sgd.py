r"""Any optax optimiser as a kernel.

Law: none that is known in general, which is the question of this project. With a
constant step on a quadratic, ``theta <- theta - eps (H theta + noise)``, the stationary
covariance solves ``S = (I - eps H) S (I - eps H)' + eps^2 C / B``.
"""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from .kernel import Info, Kernel, Sampler, no_warmup
from .options import check_batch, check_count
from .target import Key, Params, Target, draw_batch, objective


class OptimiserState(NamedTuple):
    params: Params
    optimiser: Any


@cache
def optimiser(
    transform: optax.GradientTransformation,
    batch_size: int | None = None,
    prior_weight: float = 0.0,
    name: str = "optimiser",
    citation: str = "",
) -> Sampler:
    """A kernel that takes one optax step on the objective ``L - w/(beta N) log pi``.

    ``batch_size = None`` uses all data; otherwise each step draws its batch with
    replacement. Info, all of the minibatch and before the step: ``objective`` (nats per
    datum), ``grad_norm``, ``diverging`` (objective not finite) and, where there are
    labels, ``batch_errors`` (whether any is wrong).
    Make one and keep it: optax transforms made twice are never equal, so a second
    optimiser compiles its programs again. Raises ``ValueError`` for a batch size below
    one or above the number of training rows and for a negative ``prior_weight``.

    >>> optimiser(optax.sgd(0.1), batch_size=32, name="sgd").name
    'sgd'
    """

    if batch_size is not None:
        check_count(batch_size=batch_size)
    if not 0 <= prior_weight < float("inf"):
        raise ValueError(f"prior_weight must be finite and not negative, got {prior_weight}")

    def kernel(target: Target, tuning: Any) -> Kernel:
        check_batch(batch_size, target.data)

        def init(key: Key, position: Params) -> OptimiserState:
            return OptimiserState(position, transform.init(position))

        def step(key: Key, state: OptimiserState) -> tuple[OptimiserState, Info]:
            batch = draw_batch(key, target.data, batch_size)
            value, grad = jax.value_and_grad(
                lambda params: objective(target, params, batch, prior_weight=prior_weight)
            )(state.params)
            # All of it before any update, or every step copies the parameters that others still read.
            grad = jax.lax.optimization_barrier(grad)
            updates, optimiser_state = transform.update(grad, state.optimiser, state.params)
            params = optax.apply_updates(state.params, updates)
            # A gradient that is not finite shows in the next objective; to look here costs a fifth of a step.
            stats = {
                "objective": value,
                "grad_norm": optax.tree.norm(grad),
                "diverging": ~jnp.isfinite(value),
            }
            if target.errors is not None:  # shares the forward pass of the objective
                stats["batch_errors"] = jnp.any(target.errors(state.params, batch))
            return OptimiserState(params, optimiser_state), stats

        return Kernel(init, step, lambda state: state.params)

    law = "not known in general: the question of this project"
    return Sampler(name, law, citation, no_warmup, kernel)
