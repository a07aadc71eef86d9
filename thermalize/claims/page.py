"""The page of a settled claim, made from its record alone."""

from collections.abc import Mapping
from typing import Any

from ..figures import drawing
from ..pages import environment
from .claim import Curve, Graph, Number
from .figures import pictures_of


def page(result: Mapping[str, Any]) -> str:
    """The page as text."""
    with drawing():
        pictures = pictures_of(graphs_of(result))
    return environment().get_template("claim.html").render(result=result, pictures=pictures)


def graphs_of(result: Mapping[str, Any]) -> list[Graph | Curve]:
    """The pictures' numbers, from plain values."""

    def numbers(graph: Mapping[str, Any]) -> dict[str, list[Number]]:
        return {name: [Number(**one) for one in ones] for name, ones in graph["series"].items()}

    return [
        (Curve if "x" in graph else Graph)(**{**graph, "series": numbers(graph)})
        for graph in result["graphs"]
    ]
