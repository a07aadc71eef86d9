"""Pages of made-up evidence, and a Chromium of this machine to open them in."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compare import Verdict
from tests.thermalize.synthetic import make_run
from thermalize.claims.claim import Case, Check, Claim, Curve, Evidence, Graph, Number, Published, Sampled
from thermalize.claims.judge import judge, write
from thermalize.claims.verdict import put_down, summary
from thermalize.report import write as write_report

NAMES = ("chromium", "chromium-browser", "google-chrome")
TO_INSTALL = (
    "No Chromium was found: install it (`sudo apt install chromium`), or let Playwright fetch its own with "
    "`.venv/bin/python -m playwright install chromium`"
)
LONG = "a case with a long name of many_joined_words_that_cannot_be_broken_anywhere, 5 bits, Adam"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser without a network of its own use; fails with what to install where there is none."""
    from playwright.sync_api import Error, sync_playwright

    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except Error as error:
            pytest.fail(f"{TO_INSTALL}\n{error}")
        yield browser
        browser.close()


def claim(name: str, verdict: Verdict) -> Claim:
    """A claim of three cases with pictures, a missed gate and a published number."""
    number = Number("excess total variation", 0.25, 0.125, 0.5, "probability mass")

    def run(preset: Any, seed: int, progress: Any) -> Evidence:
        cases = [
            Case(f"{LONG} {i}", {"bits": 5, "stop": "first fit"}, verdict, "it lies beyond 0.25 by far",
                 [number], [Check("smallest bulk ESS", i != 2, "4,017 of at least 400")])
            for i in range(3)
        ]  # fmt: skip
        curve = Curve("Along", "Text.", "noise", "share", [0.0, 0.5, 1.0], {"sgd": [number] * 3})
        graph = Graph(
            "Side by side", "Text.", "share", [f"case {i}" for i in range(3)], {"sgd": [number] * 3}, 0.2
        )
        rows = [Published("a share", "0.3", "Somebody et al. 2020, figure 3", "0.25")]
        draws = [Sampled("arm", {"value": np.zeros((2, 3))}, "a law")]
        return Evidence(cases, number, [graph, curve], draws, [], ["Somebody et al. 2020"], rows)

    rule = "SUPPORTED: the upper end is at most 0.10. REFUTED: the lower end is at least 0.25."
    return Claim(name, f"Statement of {name}, as it was said.", "a remark", "an excess", rule, run)


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every page that is tried, by name."""
    folder = tmp_path_factory.mktemp("pages")
    write_report(make_run(num_failed=3), folder / "report.html")
    chosen = [claim("posterior_sample", Verdict.REFUTED), claim("simple_is_large", Verdict.SUPPORTED)]
    records = []
    for one in chosen:
        result, evidence = judge(one, "smoke", 0, lambda *_: None)
        write(result, evidence, folder / one.id, overwrite=False)
        records.append(result)
    failures = {"nearby_worlds": "RuntimeError: a defect"}
    whole = summary(records, failures, folder, preset="smoke", seed=0, seconds=1.0)
    put_down(whole, records, folder)
    return {
        "report": folder / "report.html",
        "claim": folder / "posterior_sample" / "claim.html",
        "verdict": folder / "verdict.html",
    }
