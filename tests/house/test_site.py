"""The documentation builds without a warning, and asks for nothing beyond itself."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.certify
def test_the_site_builds_without_a_warning() -> None:
    """By the command that a person types, which installs what it needs."""
    done = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = sorted((ROOT / "build" / "docs").rglob("*.html"))
    assert {"tutorial", "statistics", "claims", "compare"} <= {page.stem for page in pages}
    for page in pages:
        text = page.read_text()
        assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', text), page
    assert "<math" in (ROOT / "build" / "docs" / "api" / "compare.html").read_text()
