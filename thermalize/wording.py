"""Numbers in words: how the tables and the page write a value, an interval, a time.

A value that is ``None`` or not finite is written "not available", never "nan".
"""

import math
import re
from collections.abc import Mapping
from typing import Any, SupportsFloat

NOT_AVAILABLE = "not available"
UNITS = {
    "accuracy": "share of probes",
    "log score": "nats per datum",
    "confidence": "mean top probability",
    "entropy": "nats per datum",
    "root mean square error": "in the unit of the response",
}


def number(value: SupportsFloat | None, digits: int = 3) -> str:
    """A number with so many significant digits; integers in full.

    >>> number(0.03127), number(0.5), number(-1234.6), number(12345), number(None)
    ('0.0313', '0.500', '-1,235', '12,345', 'not available')
    >>> number(0.0), number(2.5e-7), number(float("inf"))
    ('0', '2.50e-07', 'not available')
    """
    if isinstance(value, int):
        return f"{value:,}"
    value = math.nan if value is None else float(value)
    if not math.isfinite(value):
        return NOT_AVAILABLE
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{_decimals(value, digits)}f}"


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval in brackets, both ends with the decimals that its width deserves.

    >>> interval(0.01, 0.2), interval(None, 0.2), interval(0.9661, 1.0057)
    ('[0.010, 0.200]', 'not available', '[0.966, 1.006]')
    """
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return NOT_AVAILABLE
    largest, width = max(abs(low), abs(high)), abs(high - low)
    if largest and not 1e-4 <= largest < 1e7:
        return f"[{number(low, digits)}, {number(high, digits)}]"
    decimals = max(_decimals(largest, digits), min(_decimals(width, digits - 1), 6))
    return f"[{round(low, decimals) + 0.0:,.{decimals}f}, {round(high, decimals) + 0.0:,.{decimals}f}]"


def duration(seconds: float | None) -> str:
    """A time in the unit that suits it.

    >>> duration(0.04), duration(41.96), duration(200), duration(3725), duration(None)
    ('0.04 s', '42.0 s', '3 min 20 s', '1 h 02 min', 'not available')
    """
    if seconds is None or not math.isfinite(seconds):
        return NOT_AVAILABLE
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 99.5:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def share(value: float | None) -> str:
    """A share as a percentage.

    >>> share(0.9134), share(0.0), share(None)
    ('91.3 %', '0.0 %', 'not available')
    """
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    return f"{100 * value:.1f} %"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "chain"), plural(1200, "draw")
    ('1 chain', '1,200 draws')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def unit_of(behaviour: str) -> str:
    """The unit of a scalar behaviour.

    >>> unit_of("log score")
    'nats per datum'
    """
    return UNITS.get(behaviour, "unit not stated")


def gate_text(gate: Mapping[str, Any]) -> str:
    """One trust gate as a phrase.

    >>> gate_text({"name": "largest R-hat", "value": 1.00437, "threshold": 1.01, "passed": True})
    'largest R-hat 1.004, passes (at most 1.01)'
    """
    value, threshold = gate["value"], gate["threshold"]
    word = "passes" if gate["passed"] else "fails"
    if value is None:
        return f"{gate['name']} {NOT_AVAILABLE}, {word} (gate {threshold:g})"
    # A gate holds either way round: which one shows in whether this value passed.
    side = "at least" if (value > threshold) == gate["passed"] else "at most"
    return f"{gate['name']} {number(value, 4)}, {word} ({side} {threshold:g})"


def failures(status_counts: Mapping[str, int]) -> list[tuple[int, str]]:
    """How many failed for which reason; reasons that differ only in a number are one.

    >>> failures({"ok": 5, "diverged at step 20": 2, "diverged at step 7": 1, "lost": 1})
    [(3, 'diverged at step 7 to 20'), (1, 'lost')]
    """
    groups: dict[tuple[str, ...], list[tuple[int, list[int]]]] = {}
    for sentence, count in status_counts.items():
        if sentence != "ok":
            words = tuple(re.split(r"\d+", sentence))
            groups.setdefault(words, []).append((count, [int(n) for n in re.findall(r"\d+", sentence)]))
    found = []
    for words, members in groups.items():
        columns = list(zip(*(numbers for _, numbers in members), strict=True))
        spans = [f"{min(c)} to {max(c)}" if min(c) < max(c) else str(c[0]) for c in columns]
        text = "".join(word + span for word, span in zip(words, [*spans, ""], strict=True))
        found.append((sum(count for count, _ in members), text))
    return found


def _decimals(value: float, digits: int) -> int:
    """Decimals that show so many significant digits; none for zero."""
    if value == 0:
        return 0
    rounded = float(f"{abs(value):.{digits - 1}e}")
    return max(0, digits - 1 - math.floor(math.log10(rounded)))


def fit_text(fit: Mapping[str, Any], num_endpoints: int) -> str:
    """When the endpoints of training met their rule, and how many never did.

    >>> fit_text({"num_never": 3, "share_never": 0.03, "steps": {"low": 7, "median": 20, "high": 99}}, 100)
    'rule met after 20 steps (median; 5 to 95 %: 7 to 99), never by 3 of 100 (3.0 %)'
    """
    steps, never = fit["steps"], fit["num_never"]
    text = (
        f"rule met after {number(steps['median'])} steps (median; 5 to 95 %: "
        f"{number(steps['low'])} to {number(steps['high'])})"
    )
    if not never:
        return f"{text} by all {number(num_endpoints)}"
    return f"{text}, never by {number(never)} of {number(num_endpoints)} ({share(fit['share_never'])})"


def networks_text(row: Mapping[str, Any]) -> str:
    """How many networks a comparison drew at a time, and out of how many.

    >>> row = {"num_left": 900, "num_right": 900, "among_left": 4096, "among_right": 1800}
    >>> networks_text(row | {"total_left": 100000, "total_right": 1800})
    '900 against 900 at a time, out of a random 4,096 of 100,000 against all 1,800'
    """
    sizes = f"{number(row['num_left'])} against {number(row['num_right'])}"
    if "total_left" not in row:  # of an earlier version
        return sizes
    sides = (
        f"all {number(total)}" if among == total else f"a random {number(among)} of {number(total)}"
        for among, total in (
            (row["among_left"], row["total_left"]),
            (row["among_right"], row["total_right"]),
        )
    )
    return f"{sizes} at a time, out of {' against '.join(sides)}"


def evidence_text(evidence: Mapping[str, Any]) -> str:
    """A log evidence with its standard error, or why there is none.

    >>> evidence_text({"log_evidence": -453.6, "standard_error": 0.15, "reason": "ok"})
    'log evidence -453.60 ±0.15 nats'
    >>> evidence_text({"log_evidence": None, "standard_error": None, "reason": "not available: extinct"})
    'log evidence not available: extinct'
    """
    value, error = evidence["log_evidence"], evidence["standard_error"]
    if value is None or error is None:
        return f"log evidence {evidence['reason']}"
    return f"log evidence {value:.2f} ±{error:.2f} nats"
