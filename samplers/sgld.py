r"""Stochastic gradient Langevin dynamics: SGD with noise, and without Metropolis test.

.. math:: \theta_{t+1} = \theta_t + \epsilon_t\, \hat g(\theta_t) + \sqrt{2\epsilon_t}\,\xi_t,
    \qquad \epsilon_t = \epsilon\,(1 + t/\tau)^{-\gamma}

with :math:`\hat g` the gradient of the *full* logdensity (nats, not nats per datum)
estimated from a minibatch; an SGD step of learning rate ``eta`` on the mean loss is
``epsilon = eta / (beta N)``.

Law: the posterior up to two biases of order ``epsilon``. On a Gaussian posterior of
precision ``H`` with minibatch noise of covariance ``C`` the stationary covariance solves
``S = A S A' + 2 epsilon I + epsilon^2 C`` with ``A = I - epsilon H``: too hot by the
discretisation, by ``1 / (1 - epsilon H / 2)`` in each direction, and by the noise.
With ``gamma`` in (1/2, 1] the steps shrink to zero and both biases with them; averages
must then be weighted by the step size, which is recorded.

Sources: Welling and Teh 2011, section 3; Mandt et al. 2017, section 3.2 (the covariance);
Teh et al. 2016, section 4 (weighted averages).
"""

from functools import cache
from typing import Any, NamedTuple

import blackjax
import jax
import jax.numpy as jnp
import optax

from .kernel import Info, Kernel, Sampler
from .options import check_batch, check_count, check_positive
from .target import Key, Params, Target, draw_batch, logdensity

type Array = jax.Array


class LangevinState(NamedTuple):
    params: Params
    step: Array  # steps taken since warm-up


@cache
def sgld(
    step_size: float,
    batch_size: int | None = None,
    num_warmup: int = 1000,
    decay_power: float = 0.0,
    decay_steps: int = 1000,
    num_steps_per_draw: int = 100,
) -> Sampler:
    """SGLD with the step size ``step_size * (1 + t / decay_steps) ** -decay_power``.

    ``decay_power = 0`` keeps it constant. Warm-up runs ``num_warmup`` steps at the
    first step size, then ``t`` counts from zero. ``batch_size = None`` uses all data:
    that is the unadjusted Langevin algorithm. Info: ``step_size``, ``grad_norm``
    (of the logdensity's estimate) and ``diverging`` (gradient not finite). Raises
    ``ValueError`` for a step size that is not positive and finite, counts below one
    and a ``decay_power`` outside 0 to 1.

    >>> sgld(1e-4, batch_size=32).name
    'sgld'
    """
    check_positive(step_size=step_size)
    check_count(num_warmup=num_warmup, decay_steps=decay_steps, num_steps_per_draw=num_steps_per_draw)
    if batch_size is not None:
        check_count(batch_size=batch_size)
    if not 0 <= decay_power <= 1:
        raise ValueError(f"decay_power must lie between 0 and 1, got {decay_power}")
    transition = blackjax.sgld.build_kernel()

    def move(key: Key, target: Target, params: Params, epsilon: Array) -> tuple[Params, Array]:
        key_batch, key_noise = jax.random.split(key)
        batch = draw_batch(key_batch, target.data, batch_size)
        grad = jax.grad(logdensity, argnums=1)(target, params, batch)
        return transition(key_noise, params, lambda *_: grad, batch, epsilon), optax.tree.norm(grad)

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, tuple[()]]:
        check_batch(batch_size, target.data)

        def step(params: Params, key: Key) -> tuple[Params, None]:
            return move(key, target, params, jnp.asarray(step_size))[0], None

        params, _ = jax.lax.scan(step, position, jax.random.split(key, num_warmup))
        return params, ()

    def kernel(target: Target, tuning: Any) -> Kernel:
        check_batch(batch_size, target.data)

        def init(key: Key, position: Params) -> LangevinState:
            return LangevinState(position, jnp.zeros((), int))

        def step(key: Key, state: LangevinState) -> tuple[LangevinState, Info]:
            epsilon = step_size * (1 + state.step / decay_steps) ** -decay_power
            params, grad_norm = move(key, target, state.params, epsilon)
            info = {"step_size": epsilon, "grad_norm": grad_norm, "diverging": ~jnp.isfinite(grad_norm)}
            return LangevinState(params, state.step + 1), info

        return Kernel(init, step, lambda state: state.params)

    law = "the posterior up to a bias of the order of the step size"
    return Sampler("sgld", law, "Welling and Teh 2011", warmup, kernel, num_steps_per_draw)
