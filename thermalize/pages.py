"""What all pages share: templates, words for numbers, colours, and files written whole."""

import os
from pathlib import Path

import jinja2

from . import wording
from .figures import DARK, LIGHT, css_variables

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> jinja2.Environment:
    """The templates with their filters; what a template does not get is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": wording.number,
        "duration": wording.duration,
        "share": wording.share,
        "unit_of": wording.unit_of,
        "failures": wording.failures,
        "evidence_text": wording.evidence_text,
        "networks_text": wording.networks_text,
    }
    made.globals |= {
        "interval": wording.interval,
        "fit_text": wording.fit_text,
        "light": css_variables(LIGHT),
        "dark": css_variables(DARK),
    }
    return made


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all, its folder made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
