r"""The learning coefficient: how fast the volume of low loss shrinks, about a point or in all.

.. math::

    V(\epsilon) = P_\pi(L - L(\theta^*) < \epsilon) \sim c\, \epsilon^\lambda (-\log \epsilon)^{m - 1},
    \qquad
    \hat\lambda = N \beta \bigl(\mathrm E_\beta[L] - L(\theta^*)\bigr), \quad
    \beta = \frac1{\log N},

the mean over the posterior at ``beta``. ``lambda`` is ``d / 2`` in a regular model of ``d``
parameters and smaller where the loss is flat; the log evidence is
``-N L(theta*) - lambda log N + (m - 1) log log N``.

Law sampled: with a ``tether`` the neighbourhood of the point (``local.py``), chains starting
at the point; without, the posterior at ``beta``, chains starting from draws of the prior,
which gives the coefficient of the most singular point the prior reaches.

Bias. With ``n = N beta`` the estimate is ``-d log Z / d log n``: where the multiplicity ``m`` is
one its bias falls with a power of ``n``, else the leading term is ``-(m - 1) / log n``, which
falls so slowly that no ``N`` cures it. Where theory knows ``m`` give it, and that term is taken
off; where not, the estimate is low by up to ``(m - 1) / log n``. Noise in the data moves the
estimate of one data set by ``sqrt(lambda / (2 log N))`` (Watanabe 2013): that is no error of
the chains and not in the error bar; where the truth is known its noise-free loss avoids it.

Sources: Watanabe 2009, chapter 6; Watanabe 2013, theorem 4; Lau et al. 2025.
"""

import math
from dataclasses import replace

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from ..chains import sample
from ..draws import Inputs, Progress, silent
from ..hmc import nuts
from ..kernel import Sampler
from ..mclmc import adjusted_mclmc
from ..options import check_count, check_positive
from ..target import Key, Params, Target, loss
from .coefficient_checks import LearningCoefficient as LearningCoefficient
from .coefficient_checks import judged
from .local import excess_target, scales_of, tethered_target
from .spectrum import curvature_product, spectrum

type Array = jax.Array

MANY_PARAMETERS = 1000


def learning_coefficient(
    key: Key,
    target: Target,
    point: Params,
    *,
    tether: float | None = 1.0,
    beta: float | None = None,
    multiplicity: int = 1,
    sampler: Sampler | None = None,
    num_chains: int = 4,
    num_draws: int = 500,
    progress: Progress = silent,
) -> LearningCoefficient:
    """The learning coefficient of the loss at ``point``, a minimum of it.

    ``tether`` is the radius of the neighbourhood in standard deviations of the prior,
    ``None`` for all that the prior allows. ``beta`` is ``1 / log N`` unless given; the
    target's own is not used. ``sampler`` is the no-U-turn sampler up to 1,000 parameters and adjusted
    microcanonical Langevin beyond, both of which find their step size in warm-up (Hamiltonian
    trajectories of fixed length return to their start where the loss is nearly quadratic); for data too
    large for full gradients give :func:`samplers.sgld` the step of :func:`langevin_step_size`.

    No estimate, with the reason, where the point is no minimum (the chains find lower
    losses, or one step down the gradient gains more than 5 % of the estimate), where the
    chains do not agree (R-hat above 1.05, fewer than 100 effective draws), where the
    estimate drifts, where chains run hot, and where a step size diverges. Raises
    ``ValueError`` for counts below one, numbers that are not positive and N below 3.

    >>> bowl = Target(lambda t: -0.5 * jnp.sum(t**2), lambda t, data: -0.5 * jnp.sum(t**2) + 0 * data, None,
    ...               lambda key: jax.random.normal(key, (3,)), jnp.zeros(1), jnp.asarray(1e6),
    ...               jnp.ones(()), jnp.ones(3))
    >>> found = learning_coefficient(jax.random.key(0), bowl, jnp.zeros(3), num_draws=300)
    >>> bool(abs(found.estimate.value - 1.5) < 0.15)
    True
    """
    check_count(num_chains=num_chains, num_draws=num_draws, multiplicity=multiplicity)
    num_data = float(target.num_data)
    beta = default_beta(num_data) if beta is None else beta
    check_positive(beta=beta)
    at_beta = replace(target, beta=jnp.asarray(beta))
    if tether is None:
        seen = excess_target(at_beta, point)
    else:
        check_positive(tether=tether)
        seen = tethered_target(at_beta, point, tether)
    size = ravel_pytree(point)[0].size
    chosen = sampler or (
        nuts(8) if size <= MANY_PARAMETERS else adjusted_mclmc(10.0, 300, num_steps_per_draw=1)
    )
    draws = sample(
        key, chosen, seen, _nothing, (), num_chains=num_chains, num_draws=num_draws, progress=progress
    )
    down = float(descent(at_beta, point, scales_of(target, point, tether or 1.0)))
    return judged(
        num_data * beta * draws.stats["loss"].astype(float),
        draws.stats["configurational_temperature"].astype(float),
        draws.status,
        down,
        size,
        beta,
        (multiplicity - 1) / math.log(num_data * beta) if multiplicity > 1 else 0.0,
    )


def langevin_step_size(
    key: Key, target: Target, point: Params, *, tether: float = 1.0, beta: float | None = None
) -> float:
    """A step size for :func:`samplers.sgld` about ``point``, which has no acceptance rate to tune by.

    A tenth of what the stiffest direction there bears, found by Lanczos's method and rounded
    down to a power of two: it heats that direction by 5 % and the others by less, besides the
    noise of minibatches.

    >>> bowl = Target(lambda t: -0.5 * jnp.sum(t**2), lambda t, data: -0.5 * jnp.sum(t**2) + 0 * data, None,
    ...               lambda key: jnp.zeros(3), jnp.zeros(1), jnp.asarray(1023.0), jnp.ones(()), jnp.ones(3))
    >>> langevin_step_size(jax.random.key(0), bowl, jnp.zeros(3), beta=1.0) * 1024
    0.0625
    """
    beta = default_beta(float(target.num_data)) if beta is None else beta
    at_beta, scales = replace(target, beta=jnp.asarray(beta)), scales_of(target, point, tether)
    stiffest = float(spectrum(key, at_beta, point, scales, num_probes=2).nodes.max())
    if not math.isfinite(stiffest):
        raise ValueError("the curvature is not finite at this point: there is no step size for it")
    return 2.0 ** math.floor(math.log2(0.1 / (1 + max(stiffest, 0.0))))


def default_beta(num_data: float) -> float:
    """``1 / log N``; raises ``ValueError`` where that is no small number.

    >>> round(default_beta(1000), 4)
    0.1448
    """
    if num_data < 3:
        raise ValueError(f"num_data must be at least 3 for beta = 1 / log N, got {num_data:g}: give beta")
    return 1 / math.log(num_data)


@jax.jit
def descent(target: Target, point: Params, scales: Params) -> Array:
    """What one step down the gradient of ``beta N L`` gains, nats: exact on a quadratic.

    The step, in units of ``scales``, goes to the lowest point of the parabola along the
    gradient, but no further than 1.
    """
    flat, unravel = ravel_pytree(point)
    scale = ravel_pytree(scales)[0]
    slope = jax.grad(lambda theta: loss(target, unravel(theta)))(flat) * scale * target.beta * target.num_data
    length = jnp.linalg.norm(slope)
    along = slope / jnp.where(length > 0, length, 1.0)
    curvature = along @ curvature_product(target, point, scales)(along)
    step = jnp.where(curvature > length, length / jnp.where(curvature > 0, curvature, 1.0), 1.0)
    return jnp.where(length > 0, step * length - step**2 * curvature / 2, 0.0)


def _nothing(params: Params, inputs: Inputs) -> dict[str, Array]:
    return {}
