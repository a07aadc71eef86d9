"""The script of docs/volume.md prints the numbers that stand below it."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.scripts import blocks, run_script

PAGE = Path(__file__).parents[2] / "docs" / "volume.md"


@pytest.mark.certify  # half a minute of compiling
def test_the_script_prints_the_numbers_of_its_page(tmp_path: Path) -> None:
    """Within five standard errors, or 0.02 where there is none: machines differ in last bits."""
    text = PAGE.read_text()
    (script,) = blocks(PAGE, "python")
    statements = [
        node for node in ast.parse(script).body if not isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert sum(node.end_lineno - node.lineno + 1 for node in statements if node.end_lineno) <= 15
    output = run_script(script, tmp_path)
    rows = re.findall(r"^\| ([a-z ]+) \| ([-0-9.]+) \| ([0-9.]*) *\|$", text, flags=re.MULTILINE)
    assert len(rows) == 4
    for name, value, error in rows:
        printed = re.search(rf"^{name}\D*?(-?[0-9.]+)", output, flags=re.MULTILINE)
        assert printed, output
        assert float(printed[1]) == pytest.approx(float(value), abs=5 * float(error or 0.004))
