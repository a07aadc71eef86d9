"""The scan of dials changes one thing a row, trains what it says, and names what never got there."""

import jax
import numpy as np
import pytest

from compare import Passages
from thermalize.claims.claim import Evidence, Number, joined
from thermalize.claims.grokking_kinetic import Training
from thermalize.claims.grokking_posterior import Setting
from thermalize.claims.grokking_scan import (
    COLUMNS,
    ONE_HOT,
    TRANSFORMER,
    Scanned,
    scan,
    scan_graph,
    scan_table,
    variations,
)
from thermalize.grokking import Times
from thermalize.passage_table import dials_of, row_of

SETTING = Setting(5, 14, 1e-3, 1.5)
ROWS = variations(SETTING, 0.8)


def scanned(place: int, generalised: int, end: int = 1000) -> Scanned:
    """Eight networks that fit at 20 and know the rest at a step, never where that is past the end."""

    def passages(step: int) -> Passages:
        at = np.full(8, min(step, end)) + (np.arange(8) if step < end else 0)
        return Passages(at, at - 1, np.full(8, step < end))

    times = Times(passages(20), passages(generalised), np.array([end]), np.zeros((8, 1)), ["ok"] * 8)
    return Scanned(ROWS[place], row_of(ROWS[place].condition, times, np.random.default_rng(0)))


def test_every_row_changes_one_thing() -> None:
    base = ROWS[0].condition
    for row in ROWS[1:]:
        differs = [name for name in base._fields if getattr(base, name) != getattr(row.condition, name)]
        if row.dial == "network":
            assert row.condition.arm == "adamw"
        else:
            assert len(differs) == 1, row
            assert row.network == ROWS[0].network
    dials = ["nothing", "learning rate", "batch size", "weight decay", "scale of the start", "operation"]
    assert list(dict.fromkeys(row.dial for row in ROWS)) == [*dials, "network"]
    assert {ONE_HOT, TRANSFORMER} < {row.network for row in ROWS}
    for row in variations(Setting(11, 40, 1e-3, 1.5), 0.8):
        dials_of(row.condition, 88)  # none is refused, with the pairs of division either


def test_table_and_picture_name_what_never_got_there() -> None:
    found = [scanned(0, 500), scanned(4, 5000)]
    table, graph = scan_table(found, 0.8, 1000), scan_graph(found, 0.8, 1000)
    assert [len(row) for row in table.rows] == [len(COLUMNS)] * 2
    assert table.rows[0][3].startswith("23")
    assert table.rows[1][4] == "half never did"
    assert table.rows[1][6:] == ["0 of 8", "8 of 8", "0 of 8"]
    assert "no point: batch size: 8." in graph.text
    known = graph.series["knows the others"]
    assert (known[0].value, known[1].value) == (503.0, None)
    assert graph.log
    ends = [one.high for numbers in graph.series.values() for one in numbers if one.value is not None]
    assert all(end is not None and end <= 1000 for end in ends)


def test_evidence_of_parts_keeps_their_tables() -> None:
    table = scan_table([scanned(0, 500)], 0.8, 1000)
    part = Evidence([], Number("a", None, None, None), [], [], [], [], [], tables=[table])
    assert joined(part.headline, [part, part]).tables == [table, table]


@pytest.mark.certify
def test_all_networks_of_the_scan_train() -> None:
    rows = [next(row for row in ROWS if row.network == name) for name in (ONE_HOT, TRANSFORMER)]
    found = scan(
        jax.random.key(0), SETTING, rows, Training((), 2, 200, 3), 0, lambda done, total, note="": None
    )
    assert [one.varied.network for one in found] == [ONE_HOT, TRANSFORMER]
    assert all(one.row.num_failed == 0 and one.row.memorised.value is not None for one in found)
