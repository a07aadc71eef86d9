r"""The prior's share without a training error, by integration along ever sharper losses, there and back.

A classifier that multiplies its logits by ``k`` has a log likelihood ``l_k`` of all labels that goes
from that of guessing, at ``k = 0``, to zero where it fits and to minus infinity elsewhere:

.. math::

    Z(k) = \int \pi\, e^{l_k}, \quad \log Z(0) = l_0, \quad
    \log Z(k) = l_0 + \int_0^k \mathrm E_s[\partial_s l_s]\, ds, \quad
    \log P(\text{errors} = 0) = \log Z(k) + \log \mathrm E_k\bigl[e^{-l_k}\, 1_{\text{errors} = 0}\bigr],

exactly, for any ``k``; ``Z(1)`` is the evidence of the Gibbs posterior at ``beta = 1``. The loss leads
particles to the networks that fit, where a weight on the number of errors leaves them stuck on its steps.

Particles climb a fixed ladder of ``k`` from the prior, resampled by their weights and moved on every
rung, and come back down it. Where moves are too short particles lag behind, one way there and the
other way back: the difference of both estimates, the hysteresis, is an error that the scatter
between passes does not show, and half of it is counted in the standard error.

The product of levels of errors (``levels.py``) estimates the same number from other passes by
another identity.

Sources: Gelman and Meng 1998, section 2 (path sampling); Friel, Hurn and Wyse 2014 (correction);
Crooks 2000 (both directions of one path).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..draws import Progress, silent
from ..lanes import lane_mesh
from ..moves import Moves, first_tuning
from ..options import check_count
from ..population import prior_particles
from ..smc import Rungs
from ..sweep import elliptical_moves
from ..target import Key, Target
from .estimate import Estimate, mean_of, unavailable
from .sharper import LAST, STAY, Leg, Sharpen, guess_of, sharpness, walk
from .thermodynamic import corrected

type Array = jax.Array

SMALLEST_SHARE = 0.1  # of the particles that must carry the weight of a step


class FitEvidence(NamedTuple):
    """Log share of the prior that fits all labels, nats, and what it was made of.

    ``estimate`` is the mean of ``there`` and ``back``; its error contains half the ``hysteresis``, their
    difference, and the error of the integration rule. ``gibbs`` is the log evidence at ``beta = 1``.
    """

    estimate: Estimate
    there: Estimate
    back: Estimate
    hysteresis: float
    gibbs: Estimate


def fit_evidence(
    key: Key,
    target: Target,
    sharpen: Sharpen,
    *,
    moves: Moves | None = None,
    num_passes: int = 4,
    num_particles: int = 300,
    rungs_a_doubling: int = 4,
    progress: Progress = silent,
) -> FitEvidence:
    """The log share of the prior that fits all labels, nats, by integration along sharper losses.

    ``sharpen(params, k)`` gives parameters whose logits are ``k`` times as large, so that ``k = 0`` guesses;
    ``target.beta`` plays no part. Moves are elliptical slices unless others are given. No estimate, with the
    reason, where a few particles carry the weight of a rung or of the last step. Raises ``ValueError`` for
    targets without labels, a ``sharpen`` that does not guess at 0, counts below one, and a prior that the
    moves cannot serve.

    >>> from models import Batch, bayesian_model, bernoulli, gaussian_prior, mlp
    >>> from samplers import posterior
    >>> from samplers.volume import scaled_last_layer
    >>> network = mlp([1, 1])
    >>> model = bayesian_model(network, gaussian_prior(network), bernoulli())
    >>> target = posterior(model, Batch(jnp.ones((3, 1)), jnp.array([1, 1, 1])), num_data=3)
    >>> found = fit_evidence(jax.random.key(0), target, scaled_last_layer)
    >>> bool(abs(found.estimate.value - np.log(0.5)) < 0.3)  # by symmetry
    True
    """
    if target.errors is None:
        raise ValueError("a share of the prior that fits needs labels: this likelihood is a regression")
    check_count(num_passes=num_passes, num_particles=num_particles, rungs_a_doubling=rungs_a_doubling)
    chosen = moves or elliptical_moves()
    chosen.check(target)
    key_prior, key_up, key_down = jax.random.split(key, 3)
    start = jax.vmap(lambda key: prior_particles(key, target, num_particles))
    particles = start(jax.random.split(key_prior, num_passes))
    guess = guess_of(target, sharpen, particles)
    step_size = jax.vmap(lambda one: first_tuning(chosen, one).step_size)(particles)
    ladder, mesh = sharpness(rungs_a_doubling), lane_mesh(num_passes)
    legs: list[Leg] = []
    for key_leg, rungs in ((key_up, ladder), (key_down, ladder[::-1].copy())):
        progress(len(legs), 2)
        # On the host between legs: where arrays lie on devices would compile the second leg anew.
        particles, step_size = jax.tree.map(np.asarray, (particles, step_size))
        lanes = (jax.random.split(key_leg, num_passes), particles, step_size)
        leg = walk(chosen, sharpen, mesh, (target, rungs), lanes)
        particles, step_size = leg.particles, leg.step_size
        legs.append(jax.tree.map(np.asarray, leg))
    progress(2, 2)
    return _combined(legs[0], legs[1], ladder, guess)


def _combined(up: Leg, down: Leg, ladder: np.ndarray, guess: float) -> FitEvidence:
    place = int(np.argmax(ladder == 1.0)) + 1
    gibbs = mean_of(guess + _integral(ladder[:place], up.mean[:, :place], up.bend[:, :place])[0])
    kept = min(up.kept.min(), down.kept.min())
    share = min(up.share[:, -1].min(), down.share[:, STAY].min())
    if not min(kept, share) >= SMALLEST_SHARE:
        what = "of a step between rungs" if kept < SMALLEST_SHARE else f"of what fits at k = {LAST:g}"
        nothing = unavailable(f"{min(kept, share):.1%} of the particles carry the weight {what}")
        return FitEvidence(nothing, nothing, nothing, float("nan"), gibbs)
    rise, rule_up = _integral(ladder, up.mean, up.bend)
    fall, rule_down = _integral(ladder[::-1], down.mean, down.bend)
    there, back = guess + rise + up.weight[:, -1], guess - fall + down.weight[:, STAY]
    hysteresis = float(np.mean(back - there))
    estimate = mean_of((there + back) / 2)
    if estimate.standard_error is not None:
        errors = [estimate.standard_error, hysteresis / 2, np.hypot(rule_up, rule_down) / 2]
        estimate = estimate._replace(standard_error=float(np.linalg.norm(errors)))
    return FitEvidence(estimate, mean_of(there), mean_of(back), hysteresis, gibbs)


def _integral(ladder: np.ndarray, mean: Array, bend: Array) -> tuple[np.ndarray, float]:
    """Of every pass ``(pass,)``, nats, and the error of the rule."""
    along, num_steps = jnp.asarray(ladder), jnp.asarray(len(ladder) - 1)
    values, corrections = jax.vmap(lambda m, b: corrected(Rungs(along, m, b), num_steps))(
        jnp.asarray(mean), jnp.asarray(bend)
    )
    return np.asarray(values, float), float(abs(np.mean(corrections)))
