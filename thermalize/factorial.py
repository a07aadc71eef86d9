"""What makes the gap between training and posterior? A full factorial design, trained and analysed."""

import time
from typing import Any, NamedTuple

import jax
import numpy as np

from compare import Verdict, floor_of_law
from compare.factorial import Effect, Effects, factorial_effects
from samplers.draws import Progress, share_of

from .claims.claim import Check, Sampled
from .factorial_cells import (
    FEWEST_MET,
    WANTED,
    Cell,
    Reference,
    reference_of,
    responses,
    task_of,
    total_variation,
    train_cells,
)
from .factorial_design import SETTINGS, Design
from .plain import plain
from .provenance import provenance
from .version import __version__

type Array = np.ndarray
MARGIN = 0.05  # total variation: a smaller effect is none to speak of
FAR = 0.10  # total variation over its floor that the prior must show at least
CONTROL_LEVEL, LEVEL = 0.999, 0.05
STATEMENT = "How networks are trained changes how far they are from the posterior."
RULE = (
    f"SUPPORTED: an effect is at least {MARGIN:g} in excess total variation and its p-value, by Holm's "
    f"correction over all effects, at most {LEVEL:g}. REFUTED: every effect is available, and all of their "
    f"intervals, which hold together with 95 % (Bonferroni), lie within {MARGIN:g} of zero. INCONCLUSIVE: "
    "anything else, or a control that came out wrong, and then no effect is read. A cell of which fewer than "
    f"{FEWEST_MET:.0%} of the networks met their stop has no response; effects that need it are withheld."
)
CITATIONS = ["Yates 1937", "Box, Hunter and Hunter 2005", "Holm 1979", "Mingard et al. 2021"]


class Found(NamedTuple):
    """All that a run found."""

    cells: list[Cell]
    references: dict[int, Reference]
    response: Array  # an axis a factor
    effects: Effects
    simultaneous: Effects  # the same with intervals that hold together
    controls: list[Check]


def measure(design: Design, progress: Progress) -> Found:
    """Draw the posteriors, train the cells, estimate the effects."""
    task, widths = task_of(design), design.levels["width"]
    parts = len(widths) + 8  # training takes most of the time
    references = {
        width: reference_of(design, task, width, share_of(progress, place, parts))
        for place, width in enumerate(widths)
    }

    def training(done: int, total: int, note: str = "") -> None:
        ended = len(widths) + 8 * done / max(total, 1)
        progress(int(1000 * ended), 1000 * parts, note)

    cells = train_cells(design, task, training)
    return analysed(design, cells, references)


def analysed(design: Design, cells: list[Cell], references: dict[int, Reference]) -> Found:
    """The effects of cells that are trained."""
    controls = [check for width, one in references.items() for check in controls_of(width, one, design.seed)]
    if all(control.passed for control in controls):
        response, resampled = responses(design, cells, references, design.seed)
    else:
        response = np.full([2] * len(design.factors), np.nan)
        resampled = np.full([20, *response.shape], np.nan)
    num = len(design.factors) * (len(design.factors) + 1) // 2
    return Found(
        cells,
        references,
        response,
        factorial_effects(response, resampled),
        factorial_effects(response, resampled, level=1 - LEVEL / num),
        controls,
    )


def controls_of(width: int, reference: Reference, seed: int) -> list[Check]:
    """Enough exact draws; others of them are at the floor; the prior is not."""
    counted, num = int(reference.counts.sum()), len(reference.held_out)
    enough = counted >= WANTED
    gate = Check(
        f"exact draws of the posterior of width {width}",
        enough,
        f"{counted} of {reference.proposed} fit, needed {WANTED}",
    )
    if not enough or not num:
        return [gate]
    law = reference.counts / counted
    floor = floor_of_law(law, num, counted, seed=seed, num_resamples=2000, level=CONTROL_LEVEL)
    same, other = (
        float(total_variation(np.bincount(codes, minlength=len(law))[None], law)[0])
        for codes in (reference.held_out, reference.prior)
    )
    words = f"floor {floor.mean:.3f} [{floor.low:.3f}, {floor.high:.3f}]"
    return [
        gate,
        Check(
            f"independent exact draws of width {width} are at the floor",
            floor.low <= same <= floor.high,
            f"total variation {same:.3f}, {words}",
        ),
        Check(
            f"the prior of width {width} is not",
            other - floor.mean > FAR,
            f"total variation {other:.3f}, {words}, {FAR:g} above it wanted",
        ),
    ]


def judge(found: Found) -> tuple[Verdict, str]:
    """The rule."""
    wrong = [f"{control.name}: {control.detail}" for control in found.controls if not control.passed]
    if wrong:
        return Verdict.INCONCLUSIVE, "; ".join(wrong)
    known = [effect for effect in found.effects.effects if effect.value is not None]
    large = [e for e in known if abs(e.value or 0.0) >= MARGIN and (e.adjusted or 0.0) <= LEVEL]
    missing = len(found.effects.effects) - len(known)
    words = f"of {len(known)} effects {len(large)} are at least {MARGIN:g}"
    words += f"; {missing} are not available" if missing else ""
    if large:
        return Verdict.SUPPORTED, words
    small = [
        effect.low is not None and effect.high is not None and max(-effect.low, effect.high) <= MARGIN
        for effect in found.simultaneous.effects
    ]
    return (Verdict.REFUTED if all(small) else Verdict.INCONCLUSIVE), words


def run(design: Design, progress: Progress) -> tuple[dict[str, Any], Found]:
    """Measure a design; the result as plain values, and what it rests on."""
    began = time.perf_counter()
    found = measure(design, progress)
    return result_of(design, found, time.perf_counter() - began), found


def result_of(design: Design, found: Found, seconds: float) -> dict[str, Any]:
    """The result as plain values."""
    verdict, reason = judge(found)
    task = task_of(design)
    known = provenance(
        seed=design.seed,
        arguments=design.arguments(),
        arrays=[np.asarray(leaf) for leaf in task.train],
        citations=CITATIONS,
        devices=jax.devices(),
        batch={},
    )
    rows = [_effect_row(design, effect) for effect in found.effects.effects]
    main = [row for row in rows if len(row["factors"]) == 1 and row["value"] is not None]
    most = max(main, key=lambda row: abs(row["value"]), default=None)
    headline = {name: None if most is None else most[name] for name in ("value", "low", "high")}
    response = {place: float(value) for place, value in np.ndenumerate(found.response) if np.isfinite(value)}
    cells = [
        {
            "settings": cell.settings,
            "excess": response.get(
                tuple(design.levels[name].index(cell.settings[name]) for name in design.factors)
            ),
            "met": float(cell.met.mean()),
            "outside": float((cell.codes[cell.met] == _outside(design)).mean()) if cell.met.any() else None,
        }
        for cell in found.cells
    ]
    result = {
        "command": "factorial",
        "version": __version__,
        "statement": STATEMENT,
        "rule": RULE,
        "task": task.description,
        "verdict": verdict,
        "reason": reason,
        "headline": {"name": f"effect of {most['name']}" if most else "largest main effect", **headline},
        "trust": {
            "passed": all(control.passed for control in found.controls),
            "gates": [control._asdict() for control in found.controls],
        },
        "effects": rows,
        "held": {
            design.factors[place]: design.levels[design.factors[place]][level]
            for place, level in found.effects.held.items()
        },
        "cells": cells,
        "seconds": seconds,
        **known,
        "seed": design.seed,
    }
    return dict(plain(result))


def samples_of(found: Found) -> list[Sampled]:
    """Every cell's and every posterior's functions, for the store."""
    samples = [
        Sampled(
            "-".join(
                f"{name}_{value:g}" if not isinstance(value, str) else value
                for name, value in cell.settings.items()
            ).replace(".", "p"),
            {"function": cell.codes[:, None], "met_its_rule": cell.met[:, None]},
            "not known in general",
        )
        for cell in found.cells
    ]
    for width, one in found.references.items():
        draws = {"function": one.held_out[:, None]}
        samples.append(Sampled(f"posterior-width_{width}", draws, "the zero-one posterior, exactly"))
    return samples


def _outside(design: Design) -> int:
    return 1 << (2**design.bits - design.num_train)


def _effect_row(design: Design, effect: Effect) -> dict[str, Any]:
    names = [design.factors[place] for place in effect.factors]
    levels = [f"{SETTINGS[name].name} {design.levels[name][0]} to {design.levels[name][1]}" for name in names]
    return {
        "name": " x ".join(SETTINGS[name].name for name in names),
        "factors": names,
        "levels": "; ".join(levels),
        **{name: value for name, value in effect._asdict().items() if name != "factors"},
    }
