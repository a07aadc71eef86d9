"""The pages in a real browser: alone, at any width, in both themes, by keyboard, in print."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
PAGES = ("report", "claim", "verdict")
VISIBLE = "e => e.checkVisibility()"


@pytest.fixture
def opened(chromium: Any, pages: dict[str, Path]) -> Iterator[Callable[..., Any]]:
    """Opens a page; at the end nothing was asked of a network and no script failed."""
    contexts, requests, errors = [], [], []

    def show(name: str, width: int = 1440, scheme: str = "light") -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(pages[name].as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert len(requests) == len(contexts)  # the page itself and nothing else


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("name", PAGES)
def test_the_body_fits_its_width(opened: Callable[..., Any], name: str, width: int) -> None:
    """Also with everything unfolded; wide tables scroll in boxes of their own."""
    page = opened(name, width)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_text_can_be_read_in_both_themes(opened: Callable[..., Any], name: str, scheme: str) -> None:
    """Contrast of at least 4.5 against the paper, as WCAG 2.1 asks, for every word that is shown."""
    page = opened(name, scheme=scheme)
    assert page.evaluate(CONTRASTS) == []


CONTRASTS = """() => {
  const paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const light = colour => {
    paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map(v => v / 255)
      .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const found = [];
  for (const e of document.querySelectorAll('body *:not(svg *):not(script)')) {
    const says = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!says || !e.checkVisibility()) continue;
    let place = e;
    while (place && getComputedStyle(place).backgroundColor === 'rgba(0, 0, 0, 0)')
      place = place.parentElement;
    const behind = getComputedStyle(place || document.body).backgroundColor;
    const [a, b] = [light(getComputedStyle(e).color), light(behind)];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) found.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)}`);
  }
  return [...new Set(found)];
}"""


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_has_words(opened: Callable[..., Any], name: str) -> None:
    page = opened(name)
    words = page.eval_on_selector_all(
        "svg:not(svg svg)", "all => all.map(e => e.getAttribute('aria-label') || '')"
    )
    assert words
    assert all(len(text) > 20 for text in words)


@pytest.mark.parametrize("name", PAGES)
def test_what_scrolls_can_be_scrolled_by_keyboard(opened: Callable[..., Any], name: str) -> None:
    page = opened(name, 360)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    unreachable = page.eval_on_selector_all(
        ".box", "all => all.filter(e => e.scrollWidth > e.clientWidth && e.tabIndex < 0).length"
    )
    assert unreachable == 0


@pytest.mark.parametrize("name", PAGES)
def test_folded_content_is_printed(opened: Callable[..., Any], name: str) -> None:
    page = opened(name)
    page.emulate_media(media="print")
    hidden = page.eval_on_selector_all("details > *", f"all => all.filter(e => !({VISIBLE})(e)).length")
    assert hidden == 0
    assert page.pdf()[:5] == b"%PDF-"


def test_the_table_sorts_and_filters_by_keyboard(opened: Callable[..., Any]) -> None:
    page = opened("verdict")
    first = "#claims tbody tr:not([hidden]) td:first-child"
    head = page.locator("#claims thead button").first
    head.focus()
    for order, words in (
        ("ascending", ["not settled", "REFUTED", "SUPPORTED"]),
        ("descending", ["SUPPORTED", "REFUTED", "not settled"]),
    ):
        page.keyboard.press("Enter")
        assert page.locator("#claims thead th").first.get_attribute("aria-sort") == order
        assert page.locator(first).all_inner_texts() == words
    page.locator("#filter").focus()
    page.keyboard.type("refuted")
    assert page.locator(first).all_inner_texts() == ["REFUTED"]
    assert page.locator("#shown").inner_text() == "1 of 3"


def test_details_open_by_keyboard_and_by_a_link_to_them(opened: Callable[..., Any]) -> None:
    page = opened("verdict")
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('details').open")
    page.evaluate("location.hash = '#simple_is_large-case-2'")
    page.wait_for_function("document.getElementById('simple_is_large-case-2').open")
    assert page.locator("#simple_is_large-case-2 table").first.is_visible()
