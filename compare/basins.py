r"""How much of the posterior lies in one basin, and whether chains can be believed about it.

Basins that are far apart are weighed rightly only by chains that went from one to the other often.
Chains are therefore started in *each* of them, and elsewhere: those that still know where they came
from have not mixed, and weigh their starts and not the law. Of the draws, labelled 1 and 2 for
the basins and 0 for neither, the masses are shares, and the difference of free energies is

.. math:: F_2 - F_1 = \ln \frac{P(1)}{P(2)} \quad \text{nats},

positive where the first is heavier. Correlated draws count as the independent ones that they are
worth: the fewest of the bulk effective sample sizes of the indicators and behaviours that vary,
and of the prior draws that tempering brought to the target, which are the independent visits.

Sources: Vehtari et al. 2021 (R-hat, effective sample size); Clopper and Pearson 1934.
"""

import warnings
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import arviz as az
import numpy as np
from scipy.stats import t

from .binomial import clopper_pearson
from .options import check_level
from .trust import MAX_RHAT, MIN_BULK_ESS, Gate, Trust, bulk_ess, judge_reference

type Array = np.ndarray
NEITHER, FIRST, SECOND = 0, 1, 2
MIN_RESTARTS = 100.0  # independent visits: a basin of a twentieth is missed with probability 0.006
START_LEVEL = 0.001  # at which starts are told apart, for all pairs together


class Share(NamedTuple):
    """A number with its interval, read only where the basins are certified."""

    value: float
    low: float
    high: float


class Basins(NamedTuple):
    """The masses of two basins, and the evidence that they are those of the law."""

    first: Share  # of the whole posterior
    second: Share
    neither: float
    log_ratio: Share  # F_2 - F_1, nats; infinite ends where a basin was hardly seen
    by_start: dict[str, tuple[float, float]]  # masses of both from the chains of each start
    num_crossings: int  # from one basin to the other, with or without a stay in neither
    effective: float  # independent draws that the correlated ones are worth
    trust: Trust

    @property
    def certified(self) -> bool:
        return self.trust.passed

    @property
    def reason(self) -> str:
        """What is missing, in words; empty where nothing is."""
        return "; ".join(
            f"{gate.name} {gate.value:.4g}, allowed {gate.threshold:g}"
            for gate in self.trust.gates
            if not gate.passed
        )


def weigh_basins(
    labels: Array,
    behaviours: Array,
    starts: Sequence[str],
    status: list[str],
    restarts: Array | None = None,
    level: float = 0.95,
) -> Basins:
    """The masses of basins 1 and 2 from labels ``(chain, draw)``, and the gates they passed.

    ``behaviours`` ``(chain, draw, behaviour)`` are judged beside the indicators of the basins: the
    loss, the accuracy. ``starts`` names where each chain began, at least two places with two
    chains each, without which nothing can show that chains forget. ``restarts`` ``(chain, draw)``
    counts prior draws that reached the target, ``None`` where no tempering was done. Gates: those of
    :func:`judge_reference`; R-hat and effective size of the indicators; starts whose chains agree on
    both masses (Student over chains, all pairs together at 0.001); every basin that was seen at
    all seen from every start; and 100 restarts. Raises ``ValueError`` for shapes that do not
    fit, labels other than 0, 1 and 2, too few starts, or a level outside 0 to 1.

    >>> rng = np.random.default_rng(0)
    >>> labels = rng.choice([1, 2], size=(8, 500), p=[0.8, 0.2])
    >>> found = weigh_basins(labels, rng.normal(size=(8, 500, 1)), ["a"] * 4 + ["b"] * 4, ["ok"] * 8)
    >>> found.certified, round(found.first.value, 1), round(found.log_ratio.value, 1)
    (True, 0.8, 1.4)
    """
    check_level(level)
    places = _places(labels, behaviours, starts)
    indicators = np.stack([labels == FIRST, labels == SECOND], axis=-1).astype(float)
    with warnings.catch_warnings():  # chains that sit have no variance to divide by, and fail by a gate
        warnings.simplefilter("ignore", RuntimeWarning)
        judged = judge_reference(behaviours, None, status)
    rhat, ess = (np.array([find(indicators[..., basin]) for basin in (0, 1)]) for find in (_rhat, _ess))
    unknown = int(((np.ptp(behaviours, axis=(0, 1)) > 0) & np.isnan(judged.rhat)).sum())
    masses = indicators.mean(axis=1)  # (chain, basin)
    gates = [
        *judged.gates,
        _at_most("R-hat of the basins", rhat, MAX_RHAT, "chains agree on the masses of both basins"),
        _at_most("behaviours without R-hat", np.array([float(unknown)]), 0.0, "none sits or is not finite"),
        _enough("bulk ESS of the basins", ess),
        _agree(masses, places),
        _entered(labels, places),
    ]
    every = np.concatenate([ess, judged.bulk_ess])
    known = every[np.isfinite(every)]
    effective = float(known.min()) if len(known) else 1.0
    if restarts is not None:
        visits = float(restarts.sum())
        effective = min(effective, visits)
        meaning = "prior draws that reached the target, each an independent visit"
        gates.append(Gate("restarts", visits, MIN_RESTARTS, visits >= MIN_RESTARTS, meaning))
    effective = float(np.clip(effective, 1.0, labels.size))
    first, second = (float(mass) for mass in masses.mean(axis=0))
    by_start = {name: tuple(masses[rows].mean(axis=0).tolist()) for name, rows in places.items()}
    return Basins(
        _share(first, effective, level),
        _share(second, effective, level),
        float((labels == NEITHER).mean()),
        _log_ratio(first, second, effective, level),
        by_start,
        int(sum(_crossings(row) for row in labels)),
        effective,
        Trust(all(gate.passed for gate in gates), gates, np.concatenate([rhat, judged.rhat]), every),
    )


def _places(labels: Array, behaviours: Array, starts: Sequence[str]) -> dict[str, Array]:
    if labels.ndim != 2 or behaviours.shape[:2] != labels.shape or len(starts) != len(labels):
        raise ValueError(
            "labels must be (chain, draw), behaviours (chain, draw, behaviour) and starts one a chain, got "
            f"{labels.shape}, {behaviours.shape} and {len(starts)} starts"
        )
    odd = sorted(set(np.unique(labels).tolist()) - {NEITHER, FIRST, SECOND})
    if odd:
        raise ValueError(f"labels are 1 and 2 for the basins and 0 for neither, got {odd[:5]} too")
    places = {name: np.flatnonzero(np.array(starts) == name) for name in dict.fromkeys(starts)}
    fewest = min(map(len, places.values()))
    if len(places) < 2 or fewest < 2:
        raise ValueError(
            f"at least 2 starts with 2 chains each are needed, got {len(places)} with {fewest} at the "
            "fewest: chains that began alike cannot show that they forget where"
        )
    return places


def _rhat(indicator: Array) -> float:
    """Split R-hat; ranks and folds add nothing to two values, and a fold of even ones is constant."""
    half = indicator.shape[1] // 2
    if np.ptp(indicator) == 0:
        return float("nan")
    if (np.ptp(np.concatenate([indicator[:, :half], indicator[:, -half:]]), axis=1) == 0).all():
        return float("inf")
    return float(az.rhat(indicator, method="split", chain_axis=0, draw_axis=1))


def _ess(indicator: Array) -> float:
    if np.isfinite(_rhat(indicator)):
        return float(bulk_ess(indicator[..., None])[0])
    return float("nan") if np.ptp(indicator) == 0 else 1.0


def _at_most(name: str, values: Array, threshold: float, meaning: str) -> Gate:
    worst = float(np.max(values[~np.isnan(values)], initial=0.0))
    return Gate(name, worst, threshold, worst <= threshold, meaning)


def _enough(name: str, values: Array) -> Gate:
    """Basins that do not vary say nothing here: what bounds them are the other behaviours."""
    worst = float(np.min(values[~np.isnan(values)], initial=np.inf))
    meaning = "independent draws that the correlated indicators of the basins are worth"
    return Gate(name, worst, MIN_BULK_ESS, worst >= MIN_BULK_ESS, meaning)


def _agree(masses: Array, places: dict[str, Array]) -> Gate:
    """Whether the chains of every two starts weigh both basins alike."""
    p_values = [
        _difference(masses[one, basin], masses[other, basin])
        for one, other in combinations(places.values(), 2)
        for basin in (0, 1)
    ]
    least = min(1.0, len(p_values) * min(p_values))
    meaning = "probability of chains as different by where they began, were they all of one law"
    return Gate("agreement of starts", least, START_LEVEL, least >= START_LEVEL, meaning)


def _difference(left: Array, right: Array) -> float:
    """Student's two-sided p-value of equal means; scipy's own warns where no mass varies: chains that sit."""
    free = len(left) + len(right) - 2
    squares = ((left - left.mean()) ** 2).sum() + ((right - right.mean()) ** 2).sum()
    error = np.sqrt(squares / free * (1 / len(left) + 1 / len(right)))
    gap = abs(left.mean() - right.mean())
    return float(2 * t.sf(gap / error, free)) if error > 0 else float(gap == 0)


def _entered(labels: Array, places: dict[str, Array]) -> Gate:
    """The smallest share, over starts, of the basins that any chain saw in what chains of that start saw."""
    seen = {name: set(np.unique(labels[rows]).tolist()) - {NEITHER} for name, rows in places.items()}
    every = set().union(*seen.values())
    least = min((len(some) / len(every) for some in seen.values()), default=0.0) if every else 0.0
    meaning = "every basin that was seen at all was seen by the chains of every start"
    return Gate("basins seen from every start", least, 1.0, least >= 1.0, meaning)


def _crossings(row: Array) -> int:
    inside = row[row != NEITHER]
    return int(np.count_nonzero(np.diff(inside)))


def _share(mass: float, effective: float, level: float) -> Share:
    trials = max(int(effective), 1)
    low, high = clopper_pearson(np.asarray(mass * trials), trials, level)
    return Share(mass, float(low), float(high))


def _log_ratio(first: float, second: float, effective: float, level: float) -> Share:
    inside = first + second
    if inside == 0:
        return Share(float("nan"), -np.inf, np.inf)
    share = _share(first / inside, effective * inside, level)
    with np.errstate(divide="ignore"):
        return Share(*(float(np.log(q) - np.log1p(-q)) for q in share))
