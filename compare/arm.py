"""What an arm shows on the probes, from arrays or from an ArviZ tree made anywhere.

An arm is a set of networks: draws of chains, or independent ones such as endpoints of
training. Made with PyTorch, Stan or anything else, it comes in as probabilities
``(chain, draw, probe, class)`` and any scalar behaviours ``(chain, draw)``.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from .tables import Sample
from .trust import bulk_ess, thinned

type Array = np.ndarray

NUM_FOR_THINNING = 200  # behaviours whose bulk ESS decides how far an arm is thinned


class Arm(NamedTuple):
    """Networks to be compared. What is ``None`` is not known, and not compared."""

    probabilities: Array  # (chain, draw, probe, class)
    independent: bool = False  # every draw of every chain: endpoints, exact draws
    scalars: Mapping[str, Array] = MappingProxyType({})  # any behaviours, (chain, draw) each
    status: Sequence[str] | None = None  # one sentence a chain; others than "ok" are left out and counted
    diverging: Array | None = None  # (chain, draw) booleans
    probes: Array | None = None  # (probe, ...) inputs or names: must be the same for all arms
    classes: Sequence[Any] | None = None  # the label set, in the order of the last axis
    task: str | None = None

    @property
    def usable(self) -> Array:
        """Indices of the chains whose status is ``"ok"``."""
        if self.status is None:
            return np.arange(len(self.probabilities))
        return np.flatnonzero([sentence == "ok" for sentence in self.status])

    def behaviours(self) -> Array:
        """Everything that is compared, ``(chain, draw, behaviour)``: what the trust gates see."""
        flat = self.probabilities.reshape(*self.probabilities.shape[:2], -1)
        columns = [np.asarray(values)[..., None] for values in self.scalars.values()]
        return np.concatenate([flat, *columns], axis=-1)

    def effective(self) -> float | None:
        """Smallest bulk effective sample size of some 200 behaviours; ``None`` if independent or unusable."""
        if self.independent or not len(self.usable):
            return None
        some = self.behaviours()[self.usable]
        return smallest(bulk_ess(some[..., :: -(-some.shape[-1] // NUM_FOR_THINNING)]))

    def sample(self, effective: float | None) -> Sample:
        """The units to compare: all usable networks, or chains thinned to ``effective`` draws together.

        Of independent draws each is a chain of its own.
        """
        num_chains, num_draws = self.probabilities.shape[:2]
        keep = np.arange(num_draws) if effective is None else thinned(num_chains, num_draws, effective)
        chosen = np.ix_(self.usable, keep)
        kept = self.probabilities[chosen]
        units = kept.reshape(-1, *kept.shape[2:])
        chain = np.arange(len(units)) if self.independent else np.repeat(self.usable, len(keep))
        scalars = {name: np.asarray(values)[chosen].reshape(-1) for name, values in self.scalars.items()}
        return Sample(units, chain, scalars)


def smallest(effective: Array) -> float:
    """The smallest effective sample size that is known, 1 if none is."""
    return float(np.nanmin(effective)) if np.isfinite(effective).any() else 1.0


def arm_of_tree(
    tree: Any,
    variable: str,
    *,
    group: str = "predictions",
    scalars: Sequence[str] = (),
    scalar_group: str = "sample_stats",
    independent: bool = False,
    task: str | None = None,
) -> Arm:
    """An arm from an ArviZ tree (``xarray.DataTree``, or ``arviz.InferenceData`` of earlier versions).

    ``variable`` of ``group`` holds probabilities, with dimensions ``chain``, ``draw``, then probe and
    class; without a class they are those of the second of two classes. Coordinates of the
    last two become ``probes`` and ``classes``, and must then agree between arms. Scalars, with
    ``chain`` and ``draw`` only, and ``diverging`` come from ``scalar_group``. Raises ``ValueError`` for
    a group, variable or dimension that is not there.

    >>> import arviz as az
    >>> tree = az.from_dict({"predictions": {"p": np.full((2, 50, 7), 0.5)}})
    >>> arm_of_tree(tree, "p").probabilities.shape
    (2, 50, 7, 2)
    """

    def found(group: str, name: str) -> Any:
        groups = list(getattr(tree, "children", None) or tree.groups())
        if group not in groups:
            raise ValueError(f"the tree has no group {group!r}, only {sorted(groups)}")
        if name not in tree[group]:
            raise ValueError(
                f"group {group!r} has no variable {name!r}, only {sorted(tree[group].data_vars)}"
            )
        return tree[group][name]

    data = found(group, variable)
    if not {"chain", "draw"} < set(data.dims) or len(data.dims) not in (3, 4):
        raise ValueError(
            f"{variable!r} has dimensions {data.dims}, but chain, draw, probe and perhaps class are needed"
        )
    data = data.transpose("chain", "draw", ...)
    values = np.asarray(data.values)
    probe, *rest = data.dims[2:]
    if not rest:
        values = np.stack([1 - values, values], axis=-1)
    stats = tree[scalar_group] if scalar_group in (getattr(tree, "children", None) or tree.groups()) else {}
    diverging = np.asarray(stats["diverging"].values, bool) if "diverging" in stats else None
    return Arm(
        values,
        independent,
        {name: np.asarray(found(scalar_group, name).transpose("chain", "draw").values) for name in scalars},
        diverging=diverging,
        probes=np.asarray(data.coords[probe].values) if probe in data.coords else None,
        classes=data.coords[rest[0]].values.tolist() if rest and rest[0] in data.coords else None,
        task=task,
    )


def check_arms(arms: Mapping[str, Arm], reference: str) -> None:
    """Raise ``ValueError`` for arms that cannot be compared with the reference, in words."""
    for name, arm in arms.items():
        _check_arm(name, arm)
    one = arms[reference]
    for name, arm in arms.items():
        probes, classes = arm.probabilities.shape[2:]
        if (probes, classes) != one.probabilities.shape[2:]:
            raise ValueError(
                f"{name} answers {probes} probes with {classes} classes, {reference} "
                f"{one.probabilities.shape[2]} with {one.probabilities.shape[3]}: evaluate both on the same "
                "probes with the same label set"
            )
        for what, left, right in (
            ("tasks", arm.task, one.task),
            ("label sets", arm.classes, one.classes),
            ("probes", arm.probes, one.probes),
        ):
            if left is not None and right is not None and not np.array_equal(left, right):
                shown = "" if what == "probes" else f" ({left!r} and {right!r})"
                raise ValueError(
                    f"{name} and {reference} have different {what}{shown}: nothing can be compared"
                )


def _check_arm(name: str, arm: Arm) -> None:
    p = arm.probabilities
    if p.ndim != 4 or 0 in p.shape:
        raise ValueError(f"probabilities of {name} must be (chain, draw, probe, class), got shape {p.shape}")
    if arm.status is not None and len(arm.status) != len(p):
        raise ValueError(f"{name} has {len(p)} chains and {len(arm.status)} sentences of status")
    for behaviour, values in arm.scalars.items():
        if np.shape(values) != p.shape[:2]:
            raise ValueError(
                f"{behaviour!r} of {name} must be (chain, draw) = {p.shape[:2]}, got {np.shape(values)}"
            )
    kept = p if len(arm.usable) == len(p) else p[arm.usable]
    broken = ~np.isfinite(kept).all(axis=(2, 3))
    for values in arm.scalars.values():
        broken |= ~np.isfinite(np.asarray(values, float)[arm.usable])
    if broken.any():
        raise ValueError(
            f"{int(broken.sum())} of {broken.size} networks of {name} hold values that are not finite: leave "
            "their chains out by a status other than 'ok', and they are counted"
        )
    if kept.size and (kept.min() < -1e-6 or np.abs(kept.sum(-1) - 1).max() > 1e-3):
        raise ValueError(f"{name} holds no probabilities: they must be positive and sum to one (logits?)")
