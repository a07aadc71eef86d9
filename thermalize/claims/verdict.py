"""All claims together: those that are settled are collected, the others run, one page answers the question.

Every claim has a folder of its own, as ``thermalize claim`` makes it. One whose record is
there is not run again, so a run over all of them that was cut short goes on where it was. A claim
whose run fails does not take the others with it: it is listed with its error.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from compare import Verdict

from ..errors import UserError
from ..figures import drawing
from ..folder import check_replaceable, stored_result
from ..pages import environment, write_whole
from ..progress import Reporter
from ..version import __version__
from ..wording import duration, interval, number
from .claim import Claim, Preset
from .figures import pictures_of
from .judge import judge, write
from .names import RECORD
from .page import graphs_of

PAGE, RESULT, SHORT = "verdict.html", "verdict.json", "verdict.md"
type Record = Mapping[str, Any]
type Failures = dict[str, str]  # the error of every claim that could not be settled


def settle_all(
    claims: Sequence[Claim], folder: Path, *, preset: Preset, seed: int, reporter: Reporter
) -> tuple[list[Record], Failures]:
    """The record of every claim, of its folder or of a new run, and what failed.

    Raises :class:`UserError` if a folder holds a record of another preset or seed.
    """
    for claim in claims:
        if _stored(folder / claim.id, preset, seed) is None:  # before the hours that it takes
            check_replaceable(folder / claim.id, overwrite=False)
    records: list[Record] = []
    failures: Failures = {}
    with reporter("all claims") as whole:
        for place, claim in enumerate(claims):
            whole(place, len(claims), claim.id)
            try:
                records.append(_settled(claim, folder / claim.id, preset, seed, reporter))
            except UserError:
                raise
            except Exception as error:  # a defect in one claim must not cost the hours of the others
                failures[claim.id] = f"{type(error).__name__}: {error}"
            jax.clear_caches()  # programs of one claim serve no other
        whole(len(claims), len(claims))
    return records, failures


def _settled(claim: Claim, folder: Path, preset: Preset, seed: int, reporter: Reporter) -> Record:
    record = _stored(folder, preset, seed)
    if record is None:
        with reporter(claim.id) as progress:
            result, evidence = judge(claim, preset, seed, progress)
        write(result, evidence, folder, overwrite=False)
        record = result
    return record


def _stored(folder: Path, preset: Preset, seed: int) -> Record | None:
    if not (folder / RECORD).exists():
        return None
    try:
        record: Record = json.loads((folder / RECORD).read_text())
        found = record["preset"], record["seed"]
        if record != stored_result(folder):
            raise ValueError("it is not the result in the claim's store")
    except (ValueError, KeyError, TypeError, UserError) as error:
        raise UserError(
            "the record of a claim is damaged",
            folder / RECORD,
            str(error).partition("\n")[0],
            f"delete {folder}, and it is settled anew",
        ) from error
    if found != (preset, seed):
        raise UserError(
            "the folder holds a claim settled otherwise",
            folder,
            f"its preset and seed are {found[0]} and {found[1]}, asked for were {preset} and {seed}",
            "give another --out, or the same --preset and --seed",
        )
    return record


def summary(
    records: Sequence[Record], failures: Failures, folder: Path, *, preset: Preset, seed: int, seconds: float
) -> dict[str, Any]:
    """The result as plain values."""
    words = counted(Counter(record["verdict"] for record in records))
    words += [f"{len(failures)} not settled: an error"] if failures else []
    rows = [row_of(record) for record in records]
    gates = [{"name": row["claim"], "passed": row["trusted"]} for row in rows]
    return {
        "command": "verdict",
        "version": __version__,
        "preset": preset,
        "seed": seed,
        "verdict": ", ".join(words),
        "headline": {
            "name": "claims settled",
            "value": float(len(records)),
            "low": None,
            "high": None,
            "unit": "",
        },
        "trust": {"passed": bool(gates) and all(gate["passed"] for gate in gates), "gates": gates},
        "claims": rows,
        "failures": dict(failures),
        "seconds": seconds,
        "store": str(folder),
        "report": str(folder / PAGE),
    }


def counted(verdicts: Mapping[str, int]) -> list[str]:
    """How often each verdict was given, in words, in the order of the verdicts.

    >>> counted({"INCONCLUSIVE": 2, "SUPPORTED": 3})
    ['3 SUPPORTED', '2 INCONCLUSIVE']
    """
    return [f"{verdicts[verdict]} {verdict}" for verdict in Verdict if verdicts.get(verdict)]


def row_of(record: Record) -> dict[str, Any]:
    """One claim in a line: verdict, headline, and in which cases it holds and fails.

    Its store and report are named from the folder of all claims, wherever that is.
    """
    by_verdict: dict[str, list[str]] = {}
    for verdict in Verdict:
        if names := [case["name"] for case in record["cases"] if case["verdict"] == verdict]:
            by_verdict[str(verdict)] = names
    kept = (
        "claim",
        "statement",
        "verdict",
        "reason",
        "headline",
        "seconds",
        "created",
        "git",
    )
    return {
        **{name: record[name] for name in kept},
        **{name: f"{record['claim']}/{Path(record[name]).name}" for name in ("store", "report")},
        "cases": by_verdict,
        "trusted": bool(record["trust"]["passed"]),
    }


def markdown(result: Record) -> str:
    """The table of claims for a README, with the command that makes it."""
    lines = ["| claim | verdict | headline | cases |", "|---|---|---|---|"]
    for row in result["claims"]:
        head = row["headline"]
        value = f"{number(head['value'])} {interval(head['low'], head['high'])}"
        cases = ", ".join(counted({verdict: len(names) for verdict, names in row["cases"].items()}))
        lines.append(f"| `{row['claim']}` | {row['verdict']} | {head['name']}: {value} | {cases} |")
    lines += [f"| `{name}` | not settled | {error} | |" for name, error in result["failures"].items()]
    days = sorted({row["created"][:10] for row in result["claims"]})
    made = f"{days[0]} to {days[-1]}" if len(days) > 1 else "".join(days)
    spent = sum(row["seconds"] for row in result["claims"])
    command = f"`thermalize verdict --preset {result['preset']} --seed {result['seed']}`"
    return "\n".join([*lines, "", f"{command}, {made}, {duration(spent)} in all.", ""])


def put_down(result: dict[str, Any], records: Sequence[Record], folder: Path) -> Path:
    """Write page, record and Markdown; returns the page's path."""
    with drawing():
        pictures = {
            record["claim"]: pictures_of(graphs_of(record), prefix=record["claim"]) for record in records
        }
    page = environment().get_template("verdict.html")
    write_whole(folder / PAGE, page.render(result=result, records=records, pictures=pictures))
    write_whole(folder / SHORT, markdown(result))
    write_whole(folder / RESULT, json.dumps(result, indent=1, allow_nan=False))
    return folder / PAGE
