r"""Which temperature? The inverse temperature whose posterior comes nearest to the endpoints.

One tempered pass gives weighted draws at a ladder of inverse temperatures. At each of them
the squared energy distance between endpoints ``x`` and draws ``y`` with weights ``w`` is

.. math::

    D(\beta) = 2 \operatorname{mean}_i \textstyle\sum_j w_j |x_i - y_j|
    - \operatorname{mean}_{i \ne i'} |x_i - x_{i'}|
    - \frac{\sum_{j \ne j'} w_j w_{j'} |y_j - y_{j'}|}{1 - \sum_j w_j^2}

without pairs of a network with itself, so that it is zero on average where the laws are equal.
It is smooth in ``log beta``: the minimum is that of the parabola through the lowest rung and its
two neighbours. Endpoints and draws are resampled together (draws with probabilities ``w``, from the
effective number of them) for the confidence region of the minimum and of the distance that *remains*
there. The floor of that distance is the same minimum for draws of the nearest rung in the
endpoints' place: what would remain if they were posterior samples, the choice of ``beta``
included.

Sources: Szekely and Rizzo 2013 (distance); Neal 2001 (weighted draws of an annealed pass); Efron and
Tibshirani 1993, chapter 13 (percentile interval).
"""

from typing import NamedTuple

import numpy as np

from .comparison import Band, band
from .options import check_count
from .tables import one_thread, pairwise_distances

type Array = np.ndarray

LEVEL = 0.95


class NearestTemperature(NamedTuple):
    """The best inverse temperature and what remains there."""

    beta: Band  # with its confidence region
    remaining: Band  # squared energy distance at the minimum
    floor: Band  # of that distance, for draws of the nearest rung
    betas: Array  # (rung,) of the ladder
    distances: Array  # (rung,) at every rung
    at_edge: bool  # the lowest rung is an end of the ladder: the minimum may lie beyond
    resampled: Array  # (resample, 2) beta and what remains there; of equal seeds with the same endpoints


def nearest_temperature(
    draws: Array,
    log_weights: Array,
    betas: Array,
    endpoints: Array,
    *,
    seed: int,
    num_resamples: int = 200,
) -> NearestTemperature:
    """The inverse temperature at which weighted draws come nearest to the endpoints.

    ``draws`` are behaviours ``(rung, draw, behaviour)`` with ``log_weights`` ``(rung, draw)``, up to a
    constant for each rung, at increasing ``betas`` ``(rung,)``; ``endpoints`` are ``(endpoint, behaviour)``.
    Distances are root mean squares over behaviours, so bring these to one scale. Raises
    ``ValueError`` for shapes that do not fit, fewer than three rungs, values that are not finite,
    a rung with fewer than ten effective draws, or no resamples.

    >>> rng = np.random.default_rng(0)
    >>> betas = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
    >>> draws = rng.normal(size=(5, 400, 1)) / np.sqrt(betas)[:, None, None]
    >>> found = nearest_temperature(draws, np.zeros((5, 400)), betas, rng.normal(size=(400, 1)), seed=0)
    >>> bool(found.beta.low < 1.0 < found.beta.high), found.at_edge
    (True, False)
    """
    check_count(num_resamples=num_resamples)
    weights = _checked(draws, log_weights, betas, endpoints)
    rng = np.random.default_rng(seed)
    logs = np.log(betas)
    num = len(endpoints)
    sizes = [int(1 / np.sum(w**2)) for w in weights]
    with one_thread():
        # Endpoints and draws of a rung in one table, so that either may be resampled.
        tables = [_table(endpoints, rung) for rung in draws]

        def curve(table_rows: list[tuple[Array, Array]]) -> Array:
            """Distances of resamples at every rung, ``(resample, rung)``."""
            return np.stack(
                [_energy(table, *rows) for table, rows in zip(tables, table_rows, strict=True)], axis=-1
            )

        of_points = np.pad(np.full((1, num), 1 / num), ((0, 0), (0, draws.shape[1])))
        whole = [(of_points, np.pad(w[None], ((0, 0), (num, 0)))) for w in weights]
        distances = curve(whole)[0]
        beta, remaining = _minimum(logs, distances[None])
        best = int(np.argmin(distances))

        points = _resampled(rng, np.full(num, 1 / num), num, num_resamples)
        boot = [
            (
                np.pad(points, ((0, 0), (0, len(w)))),
                np.pad(_resampled(rng, w, size, num_resamples), ((0, 0), (num, 0))),
            )
            for w, size in zip(weights, sizes, strict=True)
        ]
        betas_found, remains = _minimum(logs, curve(boot))
        floor = _floor(rng, draws, weights, sizes, logs, best, num, num_resamples)
    spread = remains - np.mean(remains)
    low, high = float(remaining[0]) + np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    region = np.quantile(betas_found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return NearestTemperature(
        Band(float(beta[0]), float(region[0]), float(region[1])),
        Band(float(remaining[0]), float(low), float(high)),
        floor,
        np.asarray(betas, float),
        distances,
        best in (0, len(betas) - 1),
        np.stack([betas_found, remains], axis=-1),
    )


def _floor(
    rng: np.random.Generator,
    draws: Array,
    weights: Array,
    sizes: list[int],
    logs: Array,
    best: int,
    num: int,
    repeats: int,
) -> Band:
    """What remains when half of the nearest rung's draws stand in for endpoints, the other for the rung.

    Sizes are halves of the rung; the noise is scaled to those of the fit, ``1/n + 1/m``.
    """
    num_draws = draws.shape[1]
    is_left = rng.permuted(np.tile(np.arange(num_draws) < num_draws // 2, (repeats, 1)), axis=1)
    size = max(sizes[best] // 2, 2)
    left = np.pad(_kept(rng, weights[best], is_left, size), ((0, 0), (0, num_draws)))
    curves = np.stack(
        [
            _energy(
                _table(draws[best], rung),
                left,
                np.pad(_kept(rng, w, ~is_left, max(other // 2, 2)), ((0, 0), (num_draws, 0))),
            )
            for rung, w, other in zip(draws, weights, sizes, strict=True)
        ],
        axis=-1,
    )
    scale = (1 / num + 1 / sizes[best]) / (2 / size)
    return band(_minimum(logs, curves)[1] * scale, LEVEL)


def _kept(rng: np.random.Generator, weights: Array, among: Array, size: int) -> Array:
    """Equal shares of draws taken without repeats by their weights, out of some: ``(resample, draw)``.

    The largest of log weights plus Gumbel noise are such a sample (Vieira 2014).
    """
    with np.errstate(divide="ignore"):
        scores = np.where(among, np.log(weights) + rng.gumbel(size=among.shape), -np.inf)
    size = min(size, int(among.sum(axis=1).min()))
    chosen = np.argpartition(-scores, size - 1, axis=1)[:, :size]
    found = np.zeros(among.shape)
    np.put_along_axis(found, chosen, 1 / size, axis=1)
    return found


def _minimum(logs: Array, curves: Array) -> tuple[Array, Array]:
    """Place and depth of the parabola through the lowest rung and its neighbours, ``(resample,)`` each."""
    middle = np.clip(np.argmin(curves, axis=1), 1, len(logs) - 2)
    x = np.stack([logs[middle + i] for i in (-1, 0, 1)], axis=-1)
    y = np.take_along_axis(curves, middle[:, None] + np.array([-1, 0, 1]), axis=1)
    slopes = np.diff(y, axis=1) / np.diff(x, axis=1)
    curvature = (slopes[:, 1] - slopes[:, 0]) / (x[:, 2] - x[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        place = (x[:, 0] + x[:, 1]) / 2 - slopes[:, 0] / (2 * curvature)
    ends = np.take_along_axis(x, np.argmin(y, axis=1)[:, None], axis=1)[:, 0]
    place = np.where(curvature > 0, np.clip(place, x[:, 0], x[:, 2]), ends)
    step = place - x[:, 0]
    depth = y[:, 0] + slopes[:, 0] * step + curvature * step * (place - x[:, 1])
    return np.exp(place), depth


def _energy(table: Array, left: Array, right: Array) -> Array:
    """Squared energy distance between rows of shares ``(resample, unit)``; no unit meets itself."""

    def mean(a: Array, b: Array) -> Array:
        return np.asarray(np.sum((a.astype(np.float32) @ table) * b, axis=-1, dtype=float))

    within = [mean(one, one) / (1 - np.sum(one**2, axis=-1)) for one in (left, right)]
    return 2 * mean(left, right) - within[0] - within[1]


def _table(left: Array, right: Array) -> Array:
    both = np.concatenate([left, right])[:, :, None]
    found = pairwise_distances(both, both)
    np.fill_diagonal(found, 0)
    return found


def _resampled(rng: np.random.Generator, weights: Array, size: int, repeats: int) -> Array:
    return rng.multinomial(size, weights / weights.sum(), size=repeats) / size


def _checked(draws: Array, log_weights: Array, betas: Array, endpoints: Array) -> Array:
    """Weights that sum to one at each rung."""
    num_rungs, num_draws, num_behaviours = draws.shape if draws.ndim == 3 else (0, 0, 0)
    wanted = (num_rungs, num_draws), (num_rungs,), (len(endpoints), num_behaviours)
    given = np.shape(log_weights), np.shape(betas), np.shape(endpoints)
    if num_rungs < 3 or given != wanted or len(endpoints) < 2:
        raise ValueError(
            f"draws (rung, draw, behaviour) of at least three rungs need log weights, betas and endpoints of "
            f"shapes {wanted}, got {np.shape(draws)} and {given}"
        )
    if not ((np.diff(betas) > 0).all() and betas[0] > 0):
        raise ValueError(f"inverse temperatures must be positive and increase, got {betas}")
    if not (np.isfinite(draws).all() and np.isfinite(endpoints).all()) or np.isnan(log_weights).any():
        raise ValueError("draws, weights or endpoints are not finite: drop failed networks first")
    weights = np.exp(log_weights - np.max(log_weights, axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    effective = 1 / np.sum(weights**2, axis=1)
    if effective.min() < 10:
        rung = betas[np.argmin(effective)]
        raise ValueError(
            f"the rung at {rung:.3g} has {effective.min():.1f} effective draws, fewer than ten: "
            "temper in smaller steps or with more particles"
        )
    return np.asarray(weights)
