"""The page: one file, every section, the result's numbers, nothing taken as markup."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import thermalize.report
from thermalize.config import Layer, make_config
from thermalize.pictures import Pictures, thinned_arm
from thermalize.recipe import recipe
from thermalize.report import render, write
from thermalize.wording import gate_text, interval, number

from .page import Page
from .synthetic import Kind, make_run
from .test_show import empty

HOSTILE = "<script>alert('x')</script> & \"quoted\" $\\alpha$ {{ 7 * 7 }}"
SECTIONS = {
    "verdict": "PARTLY",
    "compared": "What was compared",
    "distances": "Distances between floor and ceiling",
    "controls": "Controls",
    "arms": "Arms",
    "behaviours": "Behaviours",
    "diagnostics": "Diagnostics of the reference",
    "losses": "Losses",
    "provenance": "Provenance",
}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    kinds: tuple[Kind, ...] = ("classification", "binary", "regression", "regression-1d")
    return {kind: render(make_run(kind, num_failed=3)) for kind in kinds}


@pytest.fixture(scope="module")
def bleak() -> tuple[xr.DataTree, str]:
    """A run in which nothing worked: no trust, an arm without a usable endpoint, no numbers."""
    tree = make_run(trusted=False, num_failed=12)
    result = tree.attrs["result"]
    for key in ("comparisons", "behaviours", "arms"):
        result[key] = [empty(row) for row in result[key]]
    result["trust"]["gates"][0]["value"] = None
    result["controls"] = []
    tree.attrs["arguments"] |= {"task": HOSTILE}
    tree.attrs["citations"] = [HOSTILE]
    result |= {"reason": HOSTILE, "statement": HOSTILE}
    result["comparisons"][0] |= {"name": HOSTILE, "description": HOSTILE}
    result["arms"][4]["status_counts"] = {HOSTILE: 12}
    return tree, render(tree)


@pytest.fixture(params=["classification", "binary", "regression", "regression-1d", "bleak"])
def page(request: pytest.FixtureRequest, pages: dict[str, str], bleak: tuple[xr.DataTree, str]) -> str:
    return (pages | {"bleak": bleak[1]})[request.param]


def test_one_file_without_outside_references(page: str) -> None:
    addresses = re.findall(r'\b(?:src|href|action|poster|srcset|data)\s*=\s*"([^"]*)"', page)
    assert addresses
    assert all(address.startswith("#") for address in addresses)
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    for word in ("http", "//", "@import", "@font-face", "<script", "<link", "<iframe", "<img", "javascript:"):
        assert word not in page.lower()


def test_well_formed_with_unique_ids(page: str) -> None:
    parsed = Page(page)
    assert parsed.open == []
    ids = [attrs["id"] for _, attrs in parsed.tags if "id" in attrs]
    assert max(Counter(ids).values()) == 1
    targets = {(attrs["href"] or "")[1:] for _, attrs in parsed.tags if "href" in attrs}
    assert targets <= set(ids)


@pytest.mark.parametrize("kind", ["classification", "binary", "regression", "regression-1d"])
def test_every_section_is_there(pages: dict[str, str], kind: str) -> None:
    texts = Page(pages[kind]).texts
    for section, heading in SECTIONS.items():
        assert heading in texts[section]
    assert list(dict.fromkeys(s for s in texts if s in SECTIONS)) == list(SECTIONS)
    special = {
        "classification": ["Confidence of sgd", "Entropy of averaged predictions"],
        "binary": ["Confidence of sgd", "Entropy of averaged predictions"],
        "regression": ["Residuals of sgd", "Calibration"],
        "regression-1d": ["Predictions of sgd", "Calibration"],
    }
    for title in special[kind]:
        assert title in texts["behaviours"]
    for title in ("Ranks of training loss", "ESS of training loss", "Energy", "R-hat in function space"):
        assert title in texts["diagnostics"]
    for title in ("hmc: 4 chains", "control: 4 chains", "sgd: 12 seeds", "adam: 12 seeds"):
        assert title in texts["losses"]
    assert "median of 1,855 steps, longest 2,010" in texts["losses"]


def test_every_picture_has_words(page: str) -> None:
    parsed = Page(page)
    pictures = [attrs for tag, attrs in parsed.tags if tag == "svg"]
    assert len(pictures) > 10
    for attrs in pictures:
        assert attrs["role"] == "img"
        assert len(attrs["aria-label"] or "") > 20
    assert sum(tag == "figure" for tag, _ in parsed.tags) == sum(
        tag == "figcaption" for tag, _ in parsed.tags
    )


def test_numbers_are_the_results(pages: dict[str, str]) -> None:
    result = make_run(num_failed=3).attrs["result"]
    parsed = Page(pages["classification"])
    rows = parsed.rows
    assert rows["distances"][1:] == [
        [
            row["distance"],
            row["floor"]["mean"],
            row["ceiling"]["mean"],
            row["excess"]["value"],
            row["margin"],
            row["closeness"]["value"],
        ]
        for row in result["comparisons"]
    ]
    keys = ("effective_draws", "training_loss", "training_error", "test_accuracy", "log_score")
    assert rows["arms"][1:] == [[row[key] for key in keys if row[key] is not None] for row in result["arms"]]
    means: dict[str, list[float]] = {}
    for row in result["behaviours"]:
        means.setdefault(row["arm"], []).append(row["mean"])
    assert rows["behaviours"][1:] == list(means.values())
    text = parsed.texts
    for row in result["comparisons"]:
        for span in (row["interval"], row["floor"], row["ceiling"], row["excess"], row["closeness"]):
            assert interval(span["low"], span["high"]) in text["distances"]
        assert row["outcome"] in text["distances"]
    for gate in result["trust"]["gates"]:
        assert gate_text(gate) in text["verdict"]
    headline = result["headline"]
    assert number(headline["value"]) in text["verdict"]
    assert interval(headline["low"], headline["high"]) in text["verdict"]
    for row in result["controls"]:
        assert row["detail"] in text["controls"]
    assert recipe(make_run().attrs["arguments"]) in text["provenance"]


def test_failures_are_counted_and_shown(pages: dict[str, str]) -> None:
    text = Page(pages["classification"]).texts["arms"]
    assert "9 of 12 usable" in text
    assert "3 of 12: diverged: objective not finite at step 40" in text


def test_networks_that_took_part_and_rules_that_were_met_are_counted(pages: dict[str, str]) -> None:
    texts = Page(pages["classification"]).texts
    text = "sgd, energy distance: 117 against 211 at a time, out of a random 4,096 of 90,007 against all 423"
    assert text in texts["distances"]
    assert "total variation of averages: 117 against 211" not in texts["distances"]  # all took part
    assert "rule met after 1,852 steps (median; 5 to 95 %: 1,713 to 1,991)" in texts["arms"]
    assert "never by 2 of 12 (16.7 %)" in texts["arms"]


def test_figures_of_very_many_endpoints_use_some_and_say_so() -> None:
    notes: list[str] = []
    tree = make_run(num_seeds=1300, num_probes=2)
    some = thinned_arm(tree.children["sgd"], notes)
    assert some is not None
    logits = some.children["predictions"].dataset["logits"].values
    assert len(set(logits[:, 0, 0, 0].tolist())) == len(logits) == 1200
    assert notes == ["sgd: figures of behaviour use 1,200 evenly spaced endpoints or chains of 1,300."]


def test_missing_numbers_are_named_never_shown_as_nan(page: str, bleak: tuple[xr.DataTree, str]) -> None:
    assert not re.search(r"\b(?:nan|NaN|inf|Infinity|None)\b", page)
    texts = Page(bleak[1]).texts
    for section in ("verdict", "distances", "arms", "behaviours"):
        assert "not available" in texts[section]
    assert "INCONCLUSIVE" in texts["verdict"]
    assert "Reference not trusted" in texts["verdict"]
    assert "adam: no chain or endpoint is usable" in texts["notes"]


def test_nothing_shown_is_taken_as_markup(bleak: tuple[xr.DataTree, str]) -> None:
    texts = Page(bleak[1]).texts
    for section in ("verdict", "compared", "distances", "arms", "provenance"):
        assert HOSTILE in texts[section]
    assert "49" not in texts["verdict"]


def test_colours_follow_the_theme(page: str) -> None:
    body = page[page.index("</style>") :]
    assert not re.findall(r"(?<![&\w])#[0-9a-f]{3,8}\b(?=[;\"])", re.sub(r'(?:href|id)="[^"]*"', "", body))
    assert "currentColor" in body
    assert page.count("prefers-color-scheme: dark") == 1


def test_equal_runs_give_equal_pages_from_memory_and_from_disk(tmp_path: Path, pages: dict[str, str]) -> None:
    make_run("regression-1d", num_failed=3).to_zarr(tmp_path / "store.zarr", consolidated=False)
    stored = xr.open_datatree(
        tmp_path / "store.zarr", engine="zarr", consolidated=False, chunks=None, cache=False
    )
    write(stored, tmp_path / "new" / "report.html")
    assert (tmp_path / "new" / "report.html").read_text("utf-8") == pages["regression-1d"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]


def test_a_full_run_stays_small() -> None:
    tree = make_run(num_chains=8, num_draws=300, num_probes=200, num_seeds=256)
    assert len(render(tree).encode()) < 3_000_000


def test_a_run_without_settings_and_comparisons_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thermalize.report, "draw", lambda *_: Pictures([], [], [], [], []))
    tree = make_run("regression-1d")
    tree.attrs["arguments"] = {}
    tree.attrs["result"]["comparisons"] = []
    texts = Page(render(tree)).texts
    assert "made in Python: 1 inputs, 1 outputs" in texts["compared"]
    assert "No distance is available: this arm could not be compared." in texts["distances"]
    assert "This run was made by a Python script" in texts["provenance"]


def test_a_run_without_a_result_is_refused(tmp_path: Path) -> None:
    tree = make_run()
    del tree.attrs["result"]
    with pytest.raises(ValueError, match="no result yet"):
        write(tree, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"seed": 7, "task": {"name": "diabetes", "label_noise": 0.0}, "model": {"widths": [], "beta": 2.5}},
        {"model": {"prior": "student_t", "degrees_of_freedom": 4.0}, "arms": {"slow": {"kind": "sgd"}}},
    ],
)
def test_the_recipe_makes_the_same_run(values: dict[str, Any]) -> None:
    arguments = make_config(Layer(values)).arguments()
    again = make_config(Layer(tomllib.loads(recipe(arguments)))).arguments()
    assert again == arguments
