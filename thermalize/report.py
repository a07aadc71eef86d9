"""One run as one HTML page that needs nothing else: no network, no script, no fonts.

The page shows what the store holds and computes no verdict of its own. Tables come from
the result in the root attributes, figures from the draws; figures may use evenly spaced
draws and functions where all of them would not change the picture, and say so.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr

from compare.tables import MAX_PAIRED

from . import wording
from .figures import Look, drawing, looks
from .pages import environment, write_whole
from .pictures import draw, in_order
from .recipe import recipe
from .strips import Strip, strips


def write(tree: xr.DataTree, path: Path) -> None:
    """Write the report of a finished run, whole or not at all.

    Raises ``ValueError`` if the run has no result yet.
    """
    write_whole(Path(path), render(tree))


def render(tree: xr.DataTree) -> str:
    """The page as text."""
    if "result" not in tree.attrs:
        raise ValueError("this run has no result yet: it was interrupted before its arms were compared")
    attrs = dict(tree.attrs)
    result = attrs["result"]
    look = looks({row["name"]: row["role"] for row in result["arms"]})
    with drawing():
        pictures = draw(tree, result, look)
    return (
        environment()
        .get_template("report.html")
        .render(
            attrs=attrs,
            result=result,
            looks=look,
            compared=compared(tree, result),
            arms=_judged_arms(result, look),
            behaviours=_behaviour_table(result),
            gates=[wording.gate_text(gate) for gate in result["trust"]["gates"]],
            pictures=pictures,
            max_paired=MAX_PAIRED,
            task=attrs["arguments"].get("task", "made in Python"),
            recipe=recipe(attrs["arguments"]) if attrs["arguments"] else None,
        )
    )


class JudgedArm(NamedTuple):
    """One arm's verdict with its rows."""

    name: str
    look: Look
    verdict: str
    reason: str
    rows: list[tuple[Mapping[str, Any], Strip | None]]


def compared(tree: xr.DataTree, result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was compared, as pairs of a word and a phrase."""
    attrs, likelihood = tree.attrs, tree.attrs["likelihood"]
    reference = next(row["name"] for row in result["arms"] if row["role"] == "reference")
    inputs = tree[reference]["predictions_constant_data"]["probe_inputs"]
    outputs = tree[reference]["predictions"]["logits"].sizes
    law = likelihood["name"]
    if likelihood.get("noise_scale") is not None:
        law += f", noise scale {likelihood['noise_scale']:g}"
    judged = [row for row in result["arms"] if row["role"] in ("reference", "arm")]
    stopping = [f"{row['name']}: {row['stopping']}" for row in judged if row["stopping"]]
    losses = [f"{row['name']} {wording.number(row['training_loss'])}" for row in judged]
    return [
        *_chosen(attrs["arguments"], inputs.sizes["feature"], outputs["class"]),
        ("Training examples N", f"{tree[reference]['observed_data'].sizes['datum']:,}"),
        ("Probe inputs, never trained on", f"{outputs['probe']:,}"),
        ("Likelihood", law),
        ("Inverse temperature β", f"{attrs['beta']:g}, where 1 is the Bayesian posterior"),
        ("Stopping", "; ".join(stopping) or "no optimiser"),
        ("Training loss, nats per datum", "; ".join(losses)),
    ]


def _chosen(settings: Mapping[str, Any], num_inputs: int, num_outputs: int) -> list[tuple[str, str]]:
    """What the settings say of task, network and prior; a run made in Python has none."""
    if not settings:
        return [("Network", f"made in Python: {num_inputs} inputs, {num_outputs} outputs")]
    task, prior = settings["task"], settings["prior"]
    if settings["label_noise"]:
        task += f", {wording.share(settings['label_noise'])} of training labels random"
    if settings["shift"] != "none":
        task += f", probe inputs shifted: {settings['shift']} {settings['shift_strength']:g}"
    if settings["degrees_of_freedom"] is not None:
        prior += f" with {settings['degrees_of_freedom']:g} degrees of freedom"
    scales = settings["weight_scale"], settings["bias_scale"]
    layers = [num_inputs, *settings["widths"], num_outputs]
    return [
        ("Task", task),
        ("Network", f"{'-'.join(map(str, layers))}, {settings['activation']}"),
        ("Prior", f"{prior}, scale of weights {scales[0]:g} / √fan-in, of biases {scales[1]:g}"),
    ]


def _judged_arms(result: Mapping[str, Any], look: Mapping[str, Look]) -> list[JudgedArm]:
    rows = result["comparisons"]
    placed = list(zip(rows, strips(rows), strict=True))
    return [
        JudgedArm(
            name, look[name], judged["verdict"], judged["reason"], [p for p in placed if p[0]["arm"] == name]
        )
        for name, judged in result["verdicts"].items()
    ]


def _behaviour_table(result: Mapping[str, Any]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Rows by arm, then by behaviour."""
    table: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in in_order(result):
        table.setdefault(row["arm"], {})[row["name"]] = row
    return table
