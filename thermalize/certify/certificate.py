"""Run the suite and put it down: one result, one page.

Checks are independent and take a thread for every core; each has a key of its own, made of the
seed and its name, so that leaving some out changes none of the others.
"""

import json
import time
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import jax
from rich.console import Console
from rich.table import Table
from rich.text import Text

from samplers.draws import Progress

from ..folder import file_errors
from ..pages import environment, write_whole
from ..plain import plain
from ..provenance import provenance
from ..version import __version__
from ..wording import duration, number
from .check import POWER, Check
from .entry import FAMILIES, Entry

PAGE, RECORD, SHORT = "certificate.html", "certificate.json", "certificate.md"


def certify(
    entries: Sequence[Entry], *, preset: str, seed: int, num_threads: int, progress: Progress
) -> dict[str, Any]:
    """Judge every entry. A check must pass; a mutant must be caught by its check."""
    began = time.perf_counter()
    devices = jax.devices()

    def judged(place: int, entry: Entry) -> dict[str, Any]:
        started = time.perf_counter()
        key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(entry.name.encode()))
        with jax.default_device(devices[place % len(devices)]):
            check = entry.judge(key)
        return row(entry, check, time.perf_counter() - started)

    rows: dict[str, dict[str, Any]] = {}
    progress(0, len(entries))
    with ThreadPoolExecutor(num_threads) as pool:
        waiting = {pool.submit(judged, place, entry): entry.name for place, entry in enumerate(entries)}
        for done in as_completed(waiting):
            rows[waiting[done]] = done.result()
            progress(len(rows), len(entries))
    ordered = [rows[entry.name] for entry in entries]
    known = provenance(seed=seed, arguments={}, arrays=[], citations=[], devices=devices, batch={})
    result = {
        "command": "certify",
        "version": __version__,
        "preset": preset,
        "seed": seed,
        "passed": all(row["settled"] for row in ordered),
        "power": POWER,
        "families": FAMILIES,
        "rows": ordered,
        "seconds": time.perf_counter() - began,
        **{name: known[name] for name in ("created", "git", "packages", "platform")},
    }
    return dict(plain(result))


def row(entry: Entry, check: Check, seconds: float) -> dict[str, Any]:
    """One line of the certificate as plain values."""
    settled = entry.settled(check)
    words = ("CAUGHT", "MISSED") if entry.mistake else ("PASSED", "FAILED")
    return {
        "name": entry.name,
        "family": entry.family,
        "sampler": check.sampler,
        "law": check.law,
        "mistake": entry.mistake,
        "error": check.error,
        "detectable": check.detectable,
        "false_alarm": check.false_alarm,
        "settled": settled,
        "verdict": words[0] if settled else words[1],
        "detail": check.detail,
        "seconds": seconds,
    }


def write(result: dict[str, Any], folder: Path) -> Path:
    """Write record, page and short table into ``folder``; returns the page's path."""
    text = environment().get_template("certificate.html").render(result=result)
    with file_errors(folder):
        write_whole(folder / RECORD, json.dumps(result, indent=1, allow_nan=False))
        write_whole(folder / PAGE, text)
        write_whole(folder / SHORT, markdown(result))
    return folder / PAGE


def hidden_errors(result: Mapping[str, Any]) -> tuple[list[str], dict[str, list[str]]]:
    """The families of checks, and for each sampler the largest error that might hide, in each family.

    It is the largest ``detectable`` of the sampler's checks there: empty where there is none, and
    ``FAILED`` where one failed.
    """
    checks = [row for row in result["rows"] if not row["mistake"]]
    families = list(dict.fromkeys(row["family"] for row in checks))
    cells = {}
    for sampler in sorted({row["sampler"] for row in checks}):
        by_family = [[r for r in checks if (r["sampler"], r["family"]) == (sampler, f)] for f in families]
        cells[sampler] = [_largest(rows) for rows in by_family]
    return families, cells


def _largest(rows: list[dict[str, Any]]) -> str:
    if not all(row["settled"] for row in rows):
        return "FAILED"
    return f"{max(row['detectable'] for row in rows):.2g}" if rows else ""


def markdown(result: dict[str, Any]) -> str:
    """The certificate in short: :func:`hidden_errors` as a table."""
    families, cells = hidden_errors(result)
    lines = [f"| sampler | {' | '.join(families)} |", "|---|" + "---|" * len(families)]
    lines += [f"| `{sampler}` | {' | '.join(row)} |" for sampler, row in cells.items()]
    return "\n".join(lines) + "\n"


def table(result: dict[str, Any], console: Console) -> None:
    """Print one line a check: verdict, what was judged, the error and the smallest that is found."""
    lines = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for name in ("Verdict", "Check", "Error", "Detectable"):
        lines.add_column(
            name, justify="right" if name in ("Error", "Detectable") else "left", overflow="fold"
        )
    for row in result["rows"]:
        style = "green" if row["settled"] else "bold red"
        lines.add_row(
            Text(row["verdict"], style), Text(row["name"]), number(row["error"]), number(row["detectable"])
        )
    console.print(lines)
    settled = sum(row["settled"] for row in result["rows"])
    word = Text("CERTIFIED", "bold green") if result["passed"] else Text("NOT CERTIFIED", "bold red")
    console.print(
        word, f"{settled} of {len(result['rows'])} lines as they must be, {duration(result['seconds'])}"
    )
