r"""Stochastic gradient Langevin dynamics: SGD with noise, and without Metropolis test.

.. math:: \theta_{t+1} = \theta_t + \epsilon_t G\, \hat g(\theta_t) + \sqrt{2\epsilon_t G}\,\xi_t

with :math:`\hat g` the gradient of the *full* logdensity (nats, not nats per datum)
estimated from a minibatch, plain or with control variates (``gradients.py``); an SGD step
of learning rate ``eta`` on the mean loss is ``epsilon = eta / (beta N)``. ``epsilon`` follows
a polynomial or a cyclical schedule (``schedule.py``). ``G`` is 1 or diagonal.

Law: the posterior up to two biases of order ``epsilon``. On a Gaussian posterior of
precision ``H`` with minibatch noise of covariance ``C`` the stationary covariance solves
``S = A S A' + 2 epsilon G + epsilon^2 G C G`` with ``A = I - epsilon G H``: too hot by the
discretisation, for ``G = 1`` by ``1 / (1 - epsilon H / 2)`` in each direction, and by the noise.

Preconditioner ``"frozen"``: RMSprop's ``G`` is found in warm-up and then held. It does not
depend on the position any more, and the law is as above, exactly.

Preconditioner ``"adaptive"`` is pSGLD: ``G`` follows the recent gradients while draws are
recorded, and the drift ``sum_j dG_ij / d theta_j``, which the law of a moving ``G`` needs, is
dropped as in the paper's practice. The bias does not vanish with ``epsilon``: without
memory (``decay = 0``) and with all data, one parameter has the law ``exp(-U) / G``, that
is ``exp(-U) (lambda + |U'| / N)``, pushed out of its mode; with ``decay -> 1`` ``G`` moves
slower than the chain and the bias goes to zero. Prefer ``"frozen"`` for a reference.

With a cyclical schedule one draw is recorded at the end of each cycle, where ``epsilon`` is
smallest. With a polynomial one of power in (1/2, 1] both biases go to zero, and averages
must be weighted by the step size, which is recorded.

Sources: Welling and Teh 2011, section 3; Mandt et al. 2017, section 3.2 (the covariance);
Teh et al. 2016, section 4 (weighted averages); Li et al. 2016, algorithm 1 (pSGLD);
Baker et al. 2019 (control variates); Zhang et al. 2020, algorithm 1 (cycles).
"""

from functools import cache
from typing import Literal, NamedTuple

import blackjax
import jax
import jax.numpy as jnp

from .gradients import (
    Anchor,
    check_gradient_options,
    estimated_gradient,
    find_anchor,
    gradient_statistics,
)
from .kernel import Info, Kernel, Sampler
from .options import check_batch, check_count, check_positive
from .preconditioner import preconditioner as preconditioner_of
from .preconditioner import updated_second_moment
from .schedule import cyclical, polynomial
from .target import Key, Params, Target

type Array = jax.Array
type Preconditioning = Literal["none", "frozen", "adaptive"]


class SgldState(NamedTuple):
    params: Params
    step: Array  # steps taken since warm-up
    second_moment: Params | None  # of the gradients; None without a preconditioner


class SgldTuning(NamedTuple):
    anchor: Anchor | None
    second_moment: Params | None


@cache
def sgld(
    step_size: float,
    batch_size: int | None = None,
    num_warmup: int = 1000,
    decay_power: float = 0.0,
    decay_steps: int = 1000,
    num_steps_per_draw: int = 100,
    *,
    anchor_steps: int = 0,
    preconditioning: Preconditioning = "none",
    preconditioner_decay: float = 0.99,
    preconditioner_offset: float = 1e-5,
    cycle_steps: int = 0,
    exploration: float = 0.25,
) -> Sampler:
    """SGLD with the step size ``step_size * (1 + t / decay_steps) ** -decay_power``.

    ``decay_power = 0`` keeps it constant. Warm-up runs ``num_warmup`` steps at the
    first step size, then ``t`` counts from zero. ``batch_size = None`` uses all data:
    that is the unadjusted Langevin algorithm. ``anchor_steps > 0`` finds an anchor by
    that many steps of Adam and uses control variates. ``cycle_steps > 0`` replaces
    the decay by cycles of that many steps, the first share ``exploration`` of each
    without noise. Raises ``ValueError`` for a step size that is not positive and
    finite, counts below one, a ``decay_power`` outside 0 to 1, an unknown
    ``preconditioning``, and draws that do not end cycles.

    >>> sgld(1e-4, batch_size=32).name
    'sgld'
    """
    check_positive(step_size=step_size, preconditioner_offset=preconditioner_offset)
    check_count(num_warmup=num_warmup, decay_steps=decay_steps, num_steps_per_draw=num_steps_per_draw)
    check_gradient_options(batch_size, anchor_steps)
    if not 0 <= decay_power <= 1:
        raise ValueError(f"decay_power must lie between 0 and 1, got {decay_power}")
    if preconditioning not in ("none", "frozen", "adaptive"):
        raise ValueError(f"preconditioning must be 'none', 'frozen' or 'adaptive', got {preconditioning!r}")
    if not 0 <= preconditioner_decay < 1:
        raise ValueError(f"preconditioner_decay must lie in [0, 1), got {preconditioner_decay}")
    _check_cycles(cycle_steps, exploration, decay_power, num_steps_per_draw)
    transition = blackjax.sgld.build_kernel()

    def move(
        key: Key,
        target: Target,
        anchor: Anchor | None,
        state: SgldState,
        epsilon: Array,
        temperature: float | Array,
        adapt: bool,
    ) -> tuple[SgldState, Info]:
        key_batch, key_noise = jax.random.split(key)
        params, step, second_moment = state
        gradient = estimated_gradient(key_batch, target, params, batch_size, anchor)
        info = gradient_statistics(params, gradient, epsilon)
        if second_moment is not None:
            if adapt:
                second_moment = updated_second_moment(second_moment, gradient, target, preconditioner_decay)
            # In the coordinates theta / sqrt(G) a preconditioned step is a plain one.
            root = jax.tree.map(jnp.sqrt, preconditioner_of(second_moment, preconditioner_offset))
            params = jax.tree.map(jnp.divide, params, root)
            gradient = jax.tree.map(jnp.multiply, gradient, root)
        params = transition(key_noise, params, lambda *_: gradient, None, epsilon, temperature)
        if second_moment is not None:
            params = jax.tree.map(jnp.multiply, params, root)
        return SgldState(params, step + 1, second_moment), info

    def begin(position: Params, second_moment: Params | None) -> SgldState:
        return SgldState(position, jnp.zeros((), int), second_moment)

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, SgldTuning]:
        check_batch(batch_size, target.data)
        anchor = find_anchor(target, position, anchor_steps)
        key_first, key_steps = jax.random.split(key)
        second_moment = None
        if preconditioning != "none":
            gradient = estimated_gradient(key_first, target, position, batch_size, anchor)
            zero = jax.tree.map(jnp.zeros_like, position)
            second_moment = updated_second_moment(zero, gradient, target, decay=0.0)

        def step(state: SgldState, key: Key) -> tuple[SgldState, None]:
            return move(key, target, anchor, state, jnp.asarray(step_size), 1.0, adapt=True)[0], None

        keys = jax.random.split(key_steps, num_warmup)
        state, _ = jax.lax.scan(step, begin(position, second_moment), keys)
        return state.params, SgldTuning(anchor, state.second_moment)

    def kernel(target: Target, tuning: SgldTuning) -> Kernel:
        check_batch(batch_size, target.data)

        def step(key: Key, state: SgldState) -> tuple[SgldState, Info]:
            if cycle_steps:
                epsilon, temperature = cyclical(state.step, step_size, cycle_steps, exploration)
            else:
                epsilon = polynomial(state.step, step_size, decay_power, decay_steps)
                temperature = jnp.ones(())
            adapt = preconditioning == "adaptive"
            return move(key, target, tuning.anchor, state, epsilon, temperature, adapt)

        return Kernel(
            lambda key, position: begin(position, tuning.second_moment), step, lambda state: state.params
        )

    law = "the posterior up to a bias of the order of the step size"
    if preconditioning == "adaptive":
        law += " and the dropped drift of a moving preconditioner"
    citation = "Welling and Teh 2011" + _citations(preconditioning, anchor_steps, cycle_steps)
    return Sampler("sgld", law, citation, warmup, kernel, num_steps_per_draw)


def _check_cycles(cycle_steps: int, exploration: float, decay_power: float, num_steps_per_draw: int) -> None:
    if cycle_steps < 0:
        raise ValueError(f"cycle_steps must not be negative, got {cycle_steps}: 0 means no cycles")
    if not 0 <= exploration < 1:
        raise ValueError(f"exploration must lie in [0, 1), got {exploration}: it is a share of each cycle")
    if cycle_steps and decay_power:
        raise ValueError(
            f"decay_power = {decay_power} and cycle_steps = {cycle_steps} exclude each other: "
            "step sizes either decay or go in cycles; leave one of them at 0"
        )
    if cycle_steps and num_steps_per_draw % cycle_steps:
        raise ValueError(
            f"num_steps_per_draw = {num_steps_per_draw} must be a multiple of cycle_steps = {cycle_steps}: "
            "draws are taken at the ends of cycles, where the step size is smallest"
        )


def _citations(preconditioning: Preconditioning, anchor_steps: int, cycle_steps: int) -> str:
    more = ["Li et al. 2016"] if preconditioning != "none" else []
    more += ["Baker et al. 2019"] if anchor_steps else []
    more += ["Zhang et al. 2020"] if cycle_steps else []
    return "".join(f"; {citation}" for citation in more)
