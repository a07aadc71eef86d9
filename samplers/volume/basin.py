r"""The volume of the basin about a point, measured along rays: a lower bound.

The basin is where the loss has not risen by ``epsilon``; its part that is seen from the point
along straight rays has the prior volume

.. math::

    V = |S_{d-1}|\, \det R\; \mathrm E_{u} \int_0^{r(u)} t^{d-1}\, \pi(\theta^* + t R u)\, dt,

``u`` uniform on the sphere, ``R`` a diagonal preconditioner, ``r(u)`` where the ray leaves. The
mean over a few rays is a lower bound in practice and in law: in many dimensions nearly all
of it comes from directions too rare to be drawn, and by Markov's inequality an estimate
exceeds ``V`` by ``t`` nats with probability at most ``e^-t``. How low it is depends on the
preconditioner by hundreds of nats, so a value alone means little: compare two points by
:func:`basin_difference`, along the same directions and with preconditioners made alike.

Sources: Huang et al. 2020 (rays); Chiang et al. 2023; Scherlis and Belrose 2025
(preconditioned, and how low the bound is).
"""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.integrate import simpson
from scipy.special import gammaln, logsumexp

from ..options import check_count, check_positive
from ..target import Key, Params, Target, loss
from .estimate import Estimate, unavailable
from .local import scales_of

type Array = jax.Array

GRID = 64  # points of a ray that are looked at before its end is bisected
BISECTIONS = 20
NODES = 401  # of Simpson's rule along a ray


class Basin(NamedTuple):
    """A lower bound of the log prior volume, nats, and what each ray adds to it, ``(ray,)`` nats."""

    lower_bound: float
    rays: np.ndarray
    radii: np.ndarray  # (ray,) in units of the preconditioner; inf where a ray did not leave


def basin_volume(
    key: Key,
    target: Target,
    point: Params,
    *,
    rise: float,
    preconditioner: Params | None = None,
    num_rays: int = 64,
    reach: float = 10.0,
) -> Basin:
    """The prior volume of ``{L < L(point) + rise}`` about ``point``, from below.

    ``rise`` is in nats per datum. ``preconditioner`` has the shape of the parameters and is
    the prior's standard deviations unless given. A ray is followed ``reach * sqrt(d)`` units
    far, beyond which a Gaussian prior holds nothing. A ray that leaves and comes back between
    two of ``GRID`` points in geometric progression is not noticed. Equal keys give equal
    directions. Raises ``ValueError`` for counts below one, numbers that are not positive, and a
    prior that is no centred Gaussian.

    >>> bowl = Target(lambda t: -0.5 * jnp.sum(t**2), lambda t, data: -0.5 * jnp.sum(t**2) + 0 * data, None,
    ...               lambda key: jnp.zeros(2), jnp.zeros(1), jnp.ones(()), jnp.ones(()), jnp.ones(2))
    >>> found = basin_volume(jax.random.key(0), bowl, jnp.zeros(2), rise=0.5)
    >>> round(float(np.exp(found.lower_bound)), 3), round(1 - math.exp(-0.5), 3)  # of a unit disc
    (0.393, 0.393)
    """
    check_count(num_rays=num_rays)
    check_positive(rise=rise, reach=reach)
    if target.prior_scale is None:
        raise ValueError("the volume is that of a centred Gaussian prior, and this prior is none")
    stretch = scales_of(target, point) if preconditioner is None else preconditioner
    flat, scale, prior = (
        np.asarray(ravel_pytree(tree)[0], float) for tree in (point, stretch, target.prior_scale)
    )
    size = len(flat)
    directions, radii = _leave(key, target, point, stretch, rise, reach * math.sqrt(size), num_rays)
    along = np.asarray(directions, float) * scale[None] / prior[None]
    centre = flat / prior
    # log prior along a ray: constant - slope t - bend t^2 / 2
    inside = _log_radial(
        np.asarray(radii, float), along @ centre, np.sum(along**2, axis=1), size, reach * math.sqrt(size)
    )
    constant = -0.5 * np.sum(centre**2) + np.sum(np.log(scale / prior)) - size / 2 * math.log(2 * math.pi)
    sphere = math.log(2) + size / 2 * math.log(math.pi) - float(gammaln(size / 2))
    rays = sphere + constant + inside
    return Basin(float(logsumexp(rays) - math.log(num_rays)), rays, np.asarray(radii))


def basin_difference(first: Basin, second: Basin, num_resamples: int = 1000, seed: int = 0) -> Estimate:
    """How much larger the first basin's bound is, nats, with a standard error from resampled rays.

    Both must have been measured with the same key, so that the rays are pairs. No estimate
    where a fifth of the rays or fewer carry either mean: the difference would be theirs alone.

    >>> basin = Basin(0.0, np.zeros(8), np.ones(8))
    >>> basin_difference(Basin(1.0, np.ones(8), np.ones(8)), basin)
    Estimate(value=1.0, standard_error=0.0, reason='ok')
    """
    if first.rays.shape != second.rays.shape:
        raise ValueError(
            f"basins must have the same rays, got {len(first.rays)} and {len(second.rays)}: "
            "measure both with the same key and num_rays"
        )
    num = len(first.rays)
    carrying = min(float(np.exp(2 * logsumexp(b.rays) - logsumexp(2 * b.rays))) for b in (first, second))
    if carrying <= num / 5:
        return unavailable(f"{carrying:.1f} of {num} rays carry the volume; use a better preconditioner")
    chosen = np.random.default_rng(seed).integers(num, size=(num_resamples, num))
    spread = logsumexp(first.rays[chosen], axis=1) - logsumexp(second.rays[chosen], axis=1)
    return Estimate(first.lower_bound - second.lower_bound, float(np.std(spread)))


@partial(jax.jit, static_argnames=("num_rays",))
def _leave(
    key: Key, target: Target, point: Params, stretch: Params, rise: Array, reach: Array, num_rays: int
) -> tuple[Array, Array]:
    """Directions ``(ray, d)`` and where each ray leaves, ``(ray,)``."""
    flat, unravel = ravel_pytree(point)
    scale = ravel_pytree(stretch)[0]
    limit = loss(target, point) + rise
    distances = reach * jnp.geomspace(1e-5, 1.0, GRID)

    def one(key: Key) -> tuple[Array, Array]:
        direction = jax.random.normal(key, flat.shape)
        direction = direction / jnp.linalg.norm(direction)

        def outside(t: Array) -> Array:
            return ~(loss(target, unravel(flat + t * scale * direction)) < limit)

        out = jax.lax.map(outside, distances)
        place = jnp.argmax(out)
        low = jnp.where(place > 0, distances[place - 1], 0.0)

        def halve(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
            middle = (ends[0] + ends[1]) / 2
            gone = outside(middle)
            return jnp.where(gone, ends[0], middle), jnp.where(gone, middle, ends[1])

        low, _ = jax.lax.fori_loop(0, BISECTIONS, halve, (low, distances[place]))
        return direction, jnp.where(jnp.any(out), low, jnp.inf)

    return jax.lax.map(one, jax.random.split(key, num_rays))


def _log_radial(
    radii: np.ndarray, slope: np.ndarray, bend: np.ndarray, size: int, reach: float
) -> np.ndarray:
    """``log int_0^r t^(d-1) exp(-slope t - bend t^2 / 2) dt``, ``(ray,)``, in the logarithm of t."""
    end = np.log(np.maximum(np.minimum(radii, reach), 1e-300))
    peak = (-slope + np.sqrt(slope**2 + 4 * bend * size)) / (2 * bend)  # of the integrand over log t
    top = np.minimum(np.log(peak), end)
    width = max(12 / math.sqrt(size), 40 / size)
    low, high = top - width, np.minimum(top + width, end)
    s = np.linspace(low, high, NODES, axis=1)
    t = np.exp(s)
    values = size * s - slope[:, None] * t - bend[:, None] * t**2 / 2
    largest = values.max(axis=1)
    return largest + np.log(simpson(np.exp(values - largest[:, None]), x=s, axis=1))
