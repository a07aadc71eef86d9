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
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from blackjax.diagnostics import ess_bulk, rhat
from jax.flatten_util import ravel_pytree

from ..chains import sample
from ..draws import Inputs, Progress, silent
from ..hmc import nuts
from ..kernel import Sampler
from ..mclmc import adjusted_mclmc
from ..options import check_count, check_positive
from ..target import Key, Params, Target, loss
from .estimate import Estimate, unavailable
from .local import excess_target, scales_of, tethered_target
from .spectrum import curvature_product, spectrum

type Array = jax.Array

LARGEST_RHAT = 1.05
SMALLEST_ESS = 100.0
LARGEST_DESCENT = 0.05  # of the estimate: what one step down the gradient may gain
LARGEST_DRIFT = 0.1  # of the estimate, from the first half of the draws to the second
LARGEST_HEAT = 0.1  # excess of the configurational temperature, beyond four of its standard errors
MANY_PARAMETERS = 1000


class LearningCoefficient(NamedTuple):
    """The estimate and what it rests on; numbers are kept where the estimate is refused.

    ``raw`` is ``N beta`` times the mean excess loss, ``chains`` the same chain by chain;
    ``descent`` what one step down the gradient from the point would gain, in the same unit;
    ``drift`` the second half's estimate less the first's.
    """

    estimate: Estimate
    raw: float
    chains: list[float]
    rhat: float
    ess: float
    drift: float
    temperature: float
    descent: float
    beta: float


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


def judged(
    excess: np.ndarray,
    temperature: np.ndarray,
    status: list[str],
    down: float,
    size: int,
    beta: float,
    correction: float,
) -> LearningCoefficient:
    """The estimate from ``N beta (L - L*)`` of the draws, ``(chain, draw)``, or why there is none.

    ``size`` is the number of parameters: no coefficient exceeds half of it.
    """
    raw = float(np.mean(excess))
    half = excess.shape[1] // 2
    drift = float(np.mean(excess[:, half:]) - np.mean(excess[:, :half]))
    between = float(rhat(excess)) if excess.size > 7 and len(excess) > 1 else math.nan
    error = _error(excess)
    ess = float(np.var(excess) / error**2) if error > 0 else math.nan
    hot = float(np.mean(temperature))
    hot_error = _error(temperature)

    def refusal() -> str | None:
        failed = [sentence for sentence in status if sentence != "ok"]
        if failed:
            return f"{len(failed)} of {len(status)} chains failed; {failed[0]}: the step size diverges"
        if not math.isfinite(raw + down):
            return "the loss or its slope is not finite about the point"
        if down > LARGEST_DESCENT * min(max(raw, 0.5), size):
            return (
                f"the point is not a minimum: one step down the gradient lowers N beta L by {down:.3g}; "
                "train it further"
            )
        if raw < -2 * np.nan_to_num(error):
            return "the chains found losses below the point's: it is not a minimum; train it further"
        if raw > size:
            return (
                f"the chains ran away from the point: N beta L rose by {raw:.3g}, and {size} parameters allow "
                "half their number; the step size diverges"
            )
        if not between <= LARGEST_RHAT:
            return f"the chains disagree, R-hat {between:.3g} above {LARGEST_RHAT}; use more draws"
        if not ess >= SMALLEST_ESS:
            return f"{ess:.0f} effective draws, fewer than {SMALLEST_ESS:.0f}; use more draws"
        if abs(drift) > max(8 * error, LARGEST_DRIFT * raw):
            return f"the estimate drifts by {drift:.3g} from the first half of the draws to the second"
        if abs(hot - 1) > LARGEST_HEAT + 4 * hot_error:
            return f"the chains run at temperature {hot:.3g} instead of 1; use a smaller step size"
        return None

    reason = refusal()
    estimate = Estimate(raw + correction, error) if reason is None else unavailable(reason)
    chains = np.mean(excess, axis=1).tolist()
    return LearningCoefficient(estimate, raw, chains, between, ess, drift, hot, down, beta)


def _error(values: np.ndarray) -> float:
    """The standard error of the mean of draws ``(chain, draw)``, by their effective sample size."""
    if not np.isfinite(values).all() or values.shape[1] < 4 or len(values) < 2:
        return math.nan
    return float(np.std(values) / np.sqrt(ess_bulk(values)))


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
