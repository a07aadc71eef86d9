r"""Effective dimension: how many directions the data determine, from the Hessian's spectrum.

.. math::

    N_\mathrm{eff} = \sum_i \frac{h_i}{h_i + p / (\beta N)}
        = \operatorname{tr}\frac{A}{A + 1}, \qquad A = \beta N\, S\, \nabla^2 L\, S,

``h_i`` being eigenvalues of the Hessian of the loss and ``p`` the prior's precision; where
scales differ from leaf to leaf, ``S`` holds the prior's standard deviations and the second
form is meant. A direction counts 1 where the data say more than the prior, 0 where they say
nothing. Matrix-free: for every random vector a Gauss rule is too high and a Gauss-Radau rule too low
(``spectrum.py``); what is given lies in the middle. Negative curvature counts as none; where it
outweighs the prior's the point is no maximum of the posterior and there is no number.

Sources: MacKay 1992, section 4.3; Maddox, Benton and Wilson 2020; Golub and Meurant 2010, chapter 6.
"""

from typing import NamedTuple

import jax
import numpy as np

from ..target import Key, Params, Target
from .estimate import Estimate, mean_of, unavailable
from .spectrum import Spectrum, rules

type Array = jax.Array

# At the mode of a wide network hidden units that the prior has put out curve down exactly as much as
# the prior curves up; training comes near that from either side.
SLACK = 0.01


class EffectiveDimension(NamedTuple):
    """The estimate, in directions, and the extreme curvatures in units of the prior's."""

    dimension: Estimate
    largest: float
    smallest: float


def effective_dimension(
    key: Key, target: Target, params: Params, *, num_probes: int = 16, num_steps: int = 48
) -> EffectiveDimension:
    """The effective dimension at ``params``, with its standard error over ``num_probes`` random vectors.

    ``target.beta`` and ``target.num_data`` are those of the formula. The error takes in half the gap
    between the two rules, which is what ``num_steps`` nodes may miss: give more steps where it is large,
    as where ``largest`` is great and curvatures are spread over many orders of magnitude. Raises
    ``ValueError`` for counts below one and for a prior that is not a centred Gaussian.

    >>> import jax.numpy as jnp
    >>> bowl = Target(lambda t: -0.5 * jnp.sum(t**2), lambda t, c: -0.5 * jnp.sum(c * t**2)[None], None,
    ...               lambda key: jnp.zeros(3), jnp.array([1.0, 3.0, 0.0]), jnp.ones(()), jnp.ones(()),
    ...               jnp.ones(3))
    >>> round(effective_dimension(jax.random.key(0), bowl, jnp.zeros(3)).dimension.value, 3)  # 1/2 + 3/4
    1.25
    """
    if target.prior_scale is None:
        raise ValueError(
            "the effective dimension compares curvatures with the precision of a centred Gaussian prior, "
            "and this prior is none: use gaussian_prior"
        )
    found = rules(key, target, params, target.prior_scale, num_probes=num_probes, num_steps=num_steps)
    nodes, weights = (np.asarray(leaf, float) for leaf in found.gauss)
    if not np.isfinite(nodes).all():
        reason = "the curvature is not finite at this point"
        return EffectiveDimension(unavailable(reason), float("nan"), float("nan"))
    size = sum(leaf.size for leaf in jax.tree.leaves(params))
    seen = weights > 1e-9
    largest, smallest = float(nodes[seen].max()), float(nodes[seen].min())
    if smallest < -1 - SLACK:
        reason = (
            f"the loss curves down {-smallest:.3g} times as strongly as the prior curves up: "
            "the point is no maximum of the posterior; train on the objective with its prior first"
        )
        return EffectiveDimension(unavailable(reason), largest, smallest)
    high, low = (size * determined(rule) for rule in found)
    middle, missed = mean_of((high + low) / 2), float(np.mean(np.abs(high - low))) / 2
    if middle.standard_error is None:
        return EffectiveDimension(middle, largest, smallest)
    error = float(np.hypot(middle.standard_error, missed))
    return EffectiveDimension(middle._replace(standard_error=error), largest, smallest)


def determined(rule: Spectrum) -> np.ndarray:
    """The mean of ``x / (1 + x)`` by each rule, negative nodes counting as none, ``(probe,)``.

    >>> determined(Spectrum(jax.numpy.array([[-0.5, 1.0]]), jax.numpy.array([[0.5, 0.5]]))).tolist()
    [0.25]
    """
    nodes, weights = (np.asarray(leaf, float) for leaf in rule)
    positive = np.maximum(nodes, 0)
    return np.asarray(np.sum(weights * positive / (1 + positive), axis=1))
