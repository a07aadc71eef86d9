"""A matplotlib figure as a piece of a page: inline SVG that follows the theme.

What matplotlib writes is a file of its own, black on white, with the same ids in every
figure and addresses of XML namespaces. Here it loses the wrapping, its ids get a prefix,
its colours become CSS variables, its numbers two decimals, and it gets a text
alternative. Texts stay texts: they take the page's font, can be selected and searched.
"""

import io
import re
from typing import NamedTuple

from markupsafe import Markup, escape
from matplotlib.figure import Figure

from .theme import INK, LIGHT

ARVIZ_GREY = "#959595"
VARIABLES = {INK: "currentColor", ARVIZ_GREY: "var(--muted)"} | {
    colour: f"var(--{name})" for name, colour in LIGHT.items()
}


class Picture(NamedTuple):
    """One figure of the page."""

    title: str
    text: str  # what it shows: the caption, and in the text alternative
    svg: Markup


def picture(figure: Figure, name: str, title: str, text: str, numbers: str = "") -> Picture:
    """A drawn figure with its words; ``name`` keeps its ids apart from other figures'.

    ``numbers`` that a table shows too stand in the text alternative alone.
    """
    return Picture(title, text, inline(figure, name, f"{title}. {text} {numbers}".rstrip()))


def inline(figure: Figure, name: str, label: str) -> Markup:
    """The figure as an ``<svg>`` element with ``label`` as its text alternative."""
    buffer = io.StringIO()
    figure.savefig(
        buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
    )
    text = buffer.getvalue()
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)
    body = body.replace("xlink:href", "href").replace("<defs/>", "")
    body = re.sub(r"font-family: [^;\"]*;? ?", "", body)
    body = re.sub(r'(?<==")[^"]*\d\.\d{3,}[^"]*(?=")', _short, body)
    body = re.sub(r'style="[^"]*"', _themed, body)
    body = _own_ids(body, name)
    body = re.sub(r"\s*\n\s*", "\n", body)
    width, height = (72 * size for size in figure.get_size_inches())
    head = (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'style="max-width: {1.2 * width:.0f}px">'
    )
    return Markup(head + body + "</svg>")  # the label is escaped above, the rest is matplotlib's own


def _short(numbers: re.Match[str]) -> str:
    """Coordinates with two decimals: a fiftieth of a pixel."""
    return re.sub(
        r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), numbers[0]
    )


def _themed(style: re.Match[str]) -> str:
    return re.sub(r"#[0-9a-f]{6}", lambda found: VARIABLES.get(found[0], found[0]), style[0])


def _own_ids(body: str, name: str) -> str:
    used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', body))
    kept = {first or second for first, second in used}

    def renamed(found: re.Match[str]) -> str:
        return f' id="{name}-{found[1]}"' if found[1] in kept else ""

    body = re.sub(r' id="([^"]*)"', renamed, body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
