"""The terminal tables hold the result's numbers at every width."""

import io
from typing import Any

import pytest
from rich.console import Console

from thermalize.show import render
from thermalize.wording import gate_text, interval, number

from .invented import make_result


def shown(result: dict[str, Any], width: int) -> str:
    """What a terminal of so many columns gets."""
    stream = io.StringIO()
    render(result, Console(file=stream, width=width))
    return stream.getvalue()


def joined(text: str) -> str:
    """The words, whatever lines they stand on."""
    return " ".join(text.split())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_verdict_numbers_and_units(width: int) -> None:
    result = make_result()
    text = shown(result, width)
    assert text.startswith("PARTLY\n")
    assert "Reference trusted:" in text
    assert joined(result["statement"]) in joined(text)
    assert interval(result["headline"]["low"], result["headline"]["high"]) in joined(text)
    for gate in result["trust"]["gates"]:
        assert gate_text(gate) in text
    for row in result["comparisons"]:
        for value in (
            row["distance"],
            row["floor"]["mean"],
            row["ceiling"]["mean"],
            row["closeness"]["value"],
        ):
            assert number(value) in text
        assert interval(row["interval"]["low"], row["interval"]["high"]) in text
        assert row["outcome"] in text
    for row in result["arms"]:
        assert number(row["training_loss"]) in text
        assert number(row["test_accuracy"]) in text
    for row in result["behaviours"]:
        assert number(row["mean"]) in text
    for unit in ("nats per datum", "shares", "[0,"):
        assert unit in joined(text)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = shown(make_result(), width)
    assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("width", [60, 120])
def test_what_is_missing_is_said_to_be(width: int) -> None:
    result = make_result(trusted=False)
    result["comparisons"] = [empty(row) for row in result["comparisons"]]
    result["behaviours"] = [empty(row) for row in result["behaviours"]]
    result["arms"] = [empty(row) for row in result["arms"]]
    text = shown(result, width)
    assert text.startswith("INCONCLUSIVE\n")
    assert "Reference NOT trusted:" in text
    assert "fails (at least 400)" in joined(text)
    assert "not available" in text
    assert not {"nan", "None", "inf"} & set(text.split())


def test_failed_endpoints_are_counted_with_their_reason() -> None:
    failed = ["diverged at step 40", "diverged at step 9", "diverged at step 40"]
    status = {"hmc": ["ok"] * 4, "adam": failed + ["ok"] * 9}
    text = shown(make_result(status_of=status), 120)
    assert "9 of 12" in text
    assert "adam: 3 of 12 diverged at step 9 to 40" in text


def test_evidence_is_shown_with_its_error_or_the_reason_why_there_is_none() -> None:
    result = make_result()
    result["arms"][0]["evidence"] = {"log_evidence": -453.6, "standard_error": 0.15, "reason": "ok"}
    assert "log evidence -453.60 ±0.15 nats" in shown(result, 120)
    failed = {"log_evidence": None, "standard_error": None, "reason": "not available: extinct"}
    result["arms"][0]["evidence"] = failed
    assert "log evidence not available: extinct" in shown(result, 120)


def test_a_result_without_comparisons_says_so() -> None:
    result = make_result(trusted=False)
    result["comparisons"] = []
    assert "No distance is available" in shown(result, 80)


def test_names_are_not_read_as_markup() -> None:
    result = make_result()
    result["reason"] = "[bold]not markup[/bold] [/nor this]"
    result["comparisons"][0]["arm"] = "[red]x"
    text = shown(result, 120)
    assert "[bold]not markup[/bold] [/nor this]" in text
    assert "[red]x" in text


def empty(row: Any) -> Any:
    """The same row without its fractions."""
    match row:
        case dict():
            return {key: empty(value) for key, value in row.items()}
        case float():
            return None
    return row


def test_rules_that_were_met_and_subsets_are_said() -> None:
    text = " ".join(shown(make_result(), 200).split())
    assert "sgd: rule met after 1,852 steps (median; 5 to 95 %: 1,713 to 1,991), never by 2 of" in text
    assert "sgd, energy distance: 117 against 211 at a time, out of a random 4,096 of 90,007" in text
    assert "total variation of averages: 117 against" not in text
