"""The script of docs/volume.md prints the numbers that stand below it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "volume.md"


@pytest.mark.certify  # half a minute of compiling
def test_the_script_prints_the_numbers_of_its_page(tmp_path: Path) -> None:
    """Within five standard errors, or 0.02 where there is none: machines differ in last bits."""
    text = PAGE.read_text()
    (script,) = re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in script.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(lines) <= 15
    path = tmp_path / "own.py"
    path.write_text(script)
    # Compiled as a user's is: conftest.py asks for less.
    environment = {k: v for k, v in os.environ.items() if k != "JAX_DISABLE_MOST_OPTIMIZATIONS"}
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| ([a-z ]+) \| ([-0-9.]+) \| ([0-9.]*) *\|$", text, flags=re.MULTILINE)
    assert len(rows) == 4
    for name, value, error in rows:
        printed = re.search(rf"^{name}\D*?(-?[0-9.]+)", done.stdout, flags=re.MULTILINE)
        assert printed, done.stdout
        assert float(printed[1]) == pytest.approx(float(value), abs=5 * float(error or 0.004))
