"""Figures: their numbers against other implementations, their SVG as a part of a page."""

import re
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.stats import binomtest

from thermalize.figures import DARK, LIGHT, Losses, css_variables, drawing, looks, loss_pictures
from thermalize.figures.behaviours import reliability, scalar_pictures, wilson
from thermalize.figures.diagnostics import function_space_pictures, scalar_diagnostics
from thermalize.figures.regression import coverage
from thermalize.figures.svg import inline
from thermalize.pages import TEMPLATES
from thermalize.strips import strips

from .invented import make_result

ROLES = {"hmc": "reference", "control": "control", "prior": "ceiling"} | {f"a{i}": "arm" for i in range(1, 6)}


def test_reliability_is_what_a_loop_counts() -> None:
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.full(3, 0.5), (7, 40))
    targets = rng.integers(0, 3, 40)
    bins: dict[int, list[tuple[float, bool]]] = {}
    for network in probs:
        for p, y in zip(network, targets, strict=True):
            bins.setdefault(min(int(p.max() * 10), 9), []).append((p.max(), p.argmax() == y))
    found = reliability(probs, targets)
    expected = [np.mean(bins[index], axis=0) for index in sorted(bins)]
    np.testing.assert_allclose(np.stack([found.confidence, found.right], -1), expected, rtol=1e-12)
    error = sum(len(b) * abs(np.mean([r - c for c, r in b])) for b in bins.values()) / (7 * 40)
    assert found.error == pytest.approx(error)


@pytest.mark.parametrize(("hits", "trials"), [(0, 5), (3, 7), (40, 40)])
def test_binomial_intervals_are_scipys(hits: int, trials: int) -> None:
    low, high = wilson(np.array(hits / trials), np.array(trials))
    expected = binomtest(hits, trials).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_coverage_of_the_true_law_is_nominal() -> None:
    """4,000 probes, nine levels: 4.5 standard errors, false alarm below 1e-4."""
    rng = np.random.default_rng(1)
    functions = rng.normal(size=(2000, 1)) * 0.8 * np.ones((1, 4000))
    targets = rng.normal(size=4000) * np.hypot(0.8, 0.6)
    nominal = np.arange(0.1, 1, 0.1)
    found = coverage(functions, 0.6, targets, nominal)
    assert np.all(np.abs(found - nominal) < 4.5 * np.sqrt(nominal * (1 - nominal) / 4000) + 0.02)
    assert coverage(functions, 0.1, targets, np.array([0.8]))[0] < 0.75  # too sure


def test_strips_place_the_point_at_one_minus_closeness() -> None:
    rows = make_result()["comparisons"]
    for row, strip in zip(rows, strips(rows), strict=True):
        assert strip is not None
        reach = strip.ceiling.mean - strip.floor.mean
        place = (strip.distance.mean - strip.floor.mean) / reach
        assert place == pytest.approx(1 - row["closeness"]["value"], abs=2e-4)
        margin = (strip.equal.high - strip.equal.low) / reach
        assert margin == pytest.approx(
            row["margin"] / (row["ceiling"]["mean"] - row["floor"]["mean"]), abs=2e-4
        )
        assert 0 <= strip.distance.low <= strip.distance.mean <= strip.distance.high <= 100
        assert not strip.beyond


def test_strips_stay_on_the_axis_and_leave_out_what_has_none() -> None:
    rows = make_result()["comparisons"][:3]
    rows[0]["distance"] = rows[0]["interval"]["high"] = 50.0
    rows[1]["ceiling"]["mean"] = rows[1]["floor"]["mean"]
    rows[2]["interval"]["low"] = None
    far, flat, unknown = strips(rows)
    assert far is not None
    assert far.beyond
    assert 0 < far.floor.mean < far.ceiling.mean < 10 < 95 < far.distance.mean == far.distance.high < 100
    assert flat is None
    assert unknown is None


def test_svg_carries_nothing_of_its_own_file() -> None:
    with drawing():
        figures = [Figure(figsize=(3, 2)) for _ in range(2)]
        for figure in figures:
            axes = figure.subplots()
            axes.plot([0, 1, 0.3], marker="o", color=LIGHT["reference"], clip_on=True)
            axes.axhline(0.5, color="black")
            axes.set_title("a <b> & $c_1$ #b8430c")
        texts = [
            str(inline(figure, name, 'x "quoted" <i>')) for figure, name in zip(figures, "pq", strict=True)
        ]
    for text in texts:
        assert "http" not in text
        assert "xmlns" not in text
        assert "<b>" not in text
        assert "<i>" not in text
        assert 'aria-label="x &#34;quoted&#34; &lt;i&gt;"' in text
        assert "a &lt;b&gt; &amp; $c_1$ #b8430c" in text
        assert "var(--reference)" in text
        assert "currentColor" in text
        assert LIGHT["reference"] not in text
        own = set(re.findall(r'\bid="([^"]+)"', text))
        assert own
        assert set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text)) == own
    ids = [re.findall(r'\bid="([^"]+)"', text) for text in texts]
    assert not set(ids[0]) & set(ids[1])


def test_drawing_leaves_no_trace() -> None:
    before = matplotlib.get_backend(), matplotlib.rcParams["font.size"], plt.get_fignums()
    with drawing():
        plt.figure()
        assert matplotlib.rcParams["font.size"] != before[1]
    assert (matplotlib.get_backend(), matplotlib.rcParams["font.size"], plt.get_fignums()) == before


def test_every_arm_looks_different() -> None:
    found = looks(ROLES)
    assert len({look.colour for look in found.values()}) == len(ROLES)
    assert found["hmc"].name == "reference"
    assert looks({f"a{i}": "arm" for i in range(9)})["a5"].mark != looks({"a0": "arm"})["a0"].mark


@pytest.mark.parametrize(("theme", "index"), [(LIGHT, 0), (DARK, 1)], ids=["light", "dark"])
def test_colours_have_contrast_with_the_paper(theme: dict[str, str], index: int) -> None:
    """The docstring's claim, by the formula of WCAG 2.2."""
    paper = re.findall(r"--paper: (#[0-9a-f]{6})", (TEMPLATES / "report.css").read_text())[index]
    assert css_variables(theme).count("#") == len(theme)
    for name, colour in theme.items():
        bright, dark = sorted((luminance(colour), luminance(paper)), reverse=True)
        contrast = (bright + 0.05) / (dark + 0.05)
        assert contrast >= (1.2 if name == "rule" else 4.5), name


def luminance(colour: str) -> float:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_losses_that_are_not_finite_are_counted() -> None:
    steps, falling = np.arange(5), np.full((3, 5), 0.5)
    falling[0, 2:] = np.nan
    with drawing():
        some, none = loss_pictures(
            {
                "a1": Losses(steps, falling, np.array([2, 4, 3])),
                "a2": Losses(steps, np.full((2, 5), np.nan), np.array([1, 1])),
            },
            looks(ROLES),
            0.4,
        )
    assert some.text == (
        "Median loss 0.500 at step 0 and 0.500 at the end, in nats per datum; "
        "median of 3 steps, longest 4; 1 not finite."
    )
    assert none.text == "No line stayed finite."
    assert "nan" not in some.svg + none.svg


@pytest.mark.parametrize("first", [3.0, 300.0])
@pytest.mark.parametrize("last", [0.01, -0.9])
def test_every_finite_line_is_inside_the_axes(first: float, last: float) -> None:
    """A line that left the finite numbers by way of 1e30 does not set the scale."""
    values = np.array([[first, 1.0, last], [5.0, 1e30, np.inf]])
    with drawing():
        (found,) = loss_pictures({"a1": Losses(np.arange(3), values, np.array([2, 1]))}, looks(ROLES), None)
    text = str(found.svg)
    height = float(re.findall(r'viewBox="0 0 \d+ (\d+)"', text)[0])
    median = re.findall(r'd="(M [^"]*)"[^>]*stroke-width: 2.5', text)
    assert len(median) == 1
    places = [float(y) for _, y in re.findall(r"[ML] (\S+) (\S+)", median[0])]
    assert all(0 < y < height for y in places)
    assert max(places) - min(places) > height / 2
    ticks = re.findall(r"text-anchor: end[^>]*>([^<]+)<", text)
    assert len(ticks) >= 2
    assert all(len(tick) < 6 for tick in ticks)


def test_behaviour_without_a_number_is_named() -> None:
    rows: list[dict[str, Any]] = [
        {
            "arm": "hmc",
            "name": "accuracy",
            "mean": 0.9,
            "standard_deviation": None,
            "low": None,
            "high": None,
        },
        {
            "arm": "a1",
            "name": "accuracy",
            "mean": None,
            "standard_deviation": None,
            "low": None,
            "high": None,
        },
    ]
    with drawing():
        (found,) = scalar_pictures(rows, looks(ROLES))
    assert found.text == "hmc 0.900, interval not available; a1 not available, interval not available."
    assert ">not available<" in found.svg


def test_diagnostics_of_a_chain_apart_say_so() -> None:
    rng = np.random.default_rng(3)
    good = rng.normal(size=(4, 100, 3))
    apart = good + np.array([3.0, 0, 0, 0])[:, None, None]
    with drawing():
        pictures = {name: function_space_pictures(x, 3, 1.01, 400) for name, x in (("a", good), ("b", apart))}
        ranks = [scalar_diagnostics({"loss": x[..., 0]}, 400)[0] for x in (good, apart)]
    largest = [float(re.findall(r"Largest ([\d.]+)", pictures[name][0].text)[0]) for name in "ab"]
    assert largest[0] < 1.1
    assert largest[1] > 1.3
    p_values = [float(re.findall(r"p = (\S+) that", picture.text)[0]) for picture in ranks]
    assert p_values[0] > 0.01
    assert p_values[1] < 0.01


def test_constant_behaviours_have_no_diagnostics() -> None:
    with drawing():
        assert scalar_diagnostics({"accuracy": np.ones((4, 50))}, 400) == []
        assert function_space_pictures(np.ones((4, 50, 2)), 2, 1.01, 400) == []
