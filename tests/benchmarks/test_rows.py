"""Ratios, goals, and how they are shown."""

import json

import pytest

from benchmarks.rows import Goal, Row, as_json, compared, judged, met
from benchmarks.tables import markdown, number, payload

FACTS = {
    "quick": True,
    "repeats": 3,
    "seconds": 12.3,
    "machine": "a machine, 2 of 4 cores",
    "load": 0.1,
    "date": "2026-11-22",
    "packages": {"jax": "0.12"},
}


def row(ratios: list[float], goal: Goal | None) -> Row:
    return Row("chains", "gradients", 1, 10.0, "1/s", "peer", 5.0, ratios, goal)


def test_ratios_are_taken_within_repeats_not_of_medians() -> None:
    """The machine slows to a third in the second repeat: the ratio does not notice."""
    found = compared("s", "n", "1/s", (2, [30.0, 10.0, 33.0]), ("peer", [10.0, 3.0, 10.0]))
    assert found.ratios == pytest.approx([3.0, 10 / 3, 3.3])
    assert (found.cores, found.value, found.peer_value) == (2, 30.0, 10.0)


def test_a_peer_that_did_not_run_leaves_no_ratio() -> None:
    found = compared("s", "n", "1/s", (1, [3.0]), ("peer", None), Goal("at least", 2), "why")
    assert (found.value, found.peer_value, found.ratios, met(found)) == (3.0, None, (), None)
    found = compared("s", "n", "1/s", (1, None), ("peer", [3.0]), Goal("at least", 2))
    assert (found.value, found.peer_value, found.ratios, met(found)) == (None, 3.0, (), None)


def test_both_sides_have_the_same_repeats() -> None:
    with pytest.raises(ValueError, match="zip"):
        compared("s", "n", "1/s", (1, [3.0, 2.0]), ("peer", [3.0]))


@pytest.mark.parametrize(
    ("ratios", "goal", "answer"),
    [
        ([1.0, 3.0, 2.9], Goal("at least", 3), False),
        ([9.0, 3.0, 1.0], Goal("at least", 3), True),
        ([1.04, 1.06, 1.2], Goal("at most", 1.05), False),
        ([1.04, 1.05, 1.2], Goal("at most", 1.05), True),
        ([1.0], Goal("at most", 10, "1/s"), True),
        ([1.0], Goal("at least", 11, "1/s"), False),
        ([], Goal("at least", 3), None),
        ([1.0], None, None),
    ],
)
def test_the_median_ratio_is_judged_or_the_value(
    ratios: list[float], goal: Goal | None, answer: bool | None
) -> None:
    assert met(row(ratios, goal)) is answer


def test_what_the_goal_speaks_of() -> None:
    assert judged(row([1.0, 2.0, 4.0], Goal("at least", 3))) == 2
    assert judged(row([1.0, 2.0, 4.0], Goal("at least", 3, "s"))) == 10
    assert str(Goal("at most", 35_000, "1/s")) == "at most 35,000 1/s"


def test_the_table_says_what_was_measured_and_what_not() -> None:
    absent = compared("s", "absent row", "1/s", (1, [3.0]), ("peer", None), Goal("at least", 2), "no peer")
    text = markdown([row([2.0, 4.0, 3.0], Goal("at least", 3)), absent], FACTS)
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"
    ]
    assert lines[2] == ["gradients", "1", "10 1/s", "peer", "5", "3.00 (2.00 to 4.00)", "at least 3 x", "yes"]
    assert lines[3] == ["absent row", "1", "3 1/s", "peer", "absent", "", "at least 2 x", ""]
    assert "- absent row: no peer" in text
    assert "Quick run, few repeats: medians of 3 repeats" in text
    assert "2 of 4 cores (load before the start 0.1), 2026-11-22" in text
    assert "Full run" in markdown([], FACTS | {"quick": False})


def test_json_holds_every_row_and_no_number_that_is_none() -> None:
    rows = [row([2.0, 4.0, 3.0], Goal("at least", 3)), row([], None)]
    found = json.loads(json.dumps(payload(rows, FACTS, {"lanes": {"lanes": [4]}}), allow_nan=False))
    first, second = found["rows"]
    assert first["ratio"] == {"median": 3.0, "low": 2.0, "high": 4.0}
    assert (first["met"], second["met"], second["ratio"]) == (True, None, None)
    assert first["goal"] == {"kind": "at least", "bound": 3, "unit": "x"}
    assert found["curves"] == {"lanes": {"lanes": [4]}}
    assert as_json(rows[0])["ratios"] == [2.0, 4.0, 3.0]


def test_numbers_have_three_digits() -> None:
    assert [number(x) for x in (99.96, 100.0, 0.00012345)] == ["100", "100", "0.000123"]
