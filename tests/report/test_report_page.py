"""The page in a real browser: on a phone, in the dark, for a screen reader, without a network."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from operations.errors import RequestError
from operations.report.gate import GateObjects
from tests.report.sample import job, measured, page, pod
from workshop.testing.chromium import open_browser, open_file
from workshop.toolchain import browser

pytestmark = pytest.mark.slow

_PHONE, _SMALLEST, _DESK = 390, 320, 1100
_WINDOWS = [
    pytest.param(_PHONE, True, id="phone, dark"),
    pytest.param(_PHONE, False, id="phone, light"),
    pytest.param(_SMALLEST, True, id="smallest phone, dark"),
    pytest.param(_DESK, True, id="desk, dark"),
    pytest.param(_DESK, False, id="desk, light"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the whole file."""
    with open_browser() as one:
        yield one


def _shown(
    chromium: Browser,
    folder: Path,
    seen: GateObjects | RequestError,
    *,
    width: int = _DESK,
    dark: bool = False,
) -> Page:
    file = folder / "report.html"
    file.write_text(page(seen).html(), encoding="utf-8")
    return open_file(chromium, file, width=width, height=900, dark=dark, phone=width <= _PHONE)


@pytest.mark.parametrize(
    "seen", [measured(), RequestError("connection refused")], ids=["seen", "not"]
)
@pytest.mark.parametrize(("width", "dark"), _WINDOWS)
def test_no_rule_of_accessibility_is_broken(
    chromium: Browser, tmp_path: Path, seen: GateObjects | RequestError, width: int, *, dark: bool
) -> None:
    shown = _shown(chromium, tmp_path, seen, width=width, dark=dark)
    shown.evaluate(browser.accessibility_rules().read_text())
    # All that is folded is judged as well.
    shown.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    broken = shown.evaluate(
        "axe.run().then(found => found.violations.map(rule => "
        "rule.id + ': ' + rule.nodes.map(node => node.html).join(' ')))"
    )
    assert broken == []


@pytest.mark.parametrize(("width", "dark"), _WINDOWS)
def test_the_page_is_no_wider_than_the_window(
    chromium: Browser, tmp_path: Path, width: int, *, dark: bool
) -> None:
    shown = _shown(chromium, tmp_path, measured(), width=width, dark=dark)
    assert shown.evaluate("innerWidth") == width
    assert shown.evaluate("document.documentElement.scrollWidth") == width


def test_the_dark_page_is_dark(chromium: Browser, tmp_path: Path) -> None:
    backs = [
        _shown(chromium, tmp_path, measured(), dark=dark).evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for dark in (True, False)
    ]
    dark, light = (sum(map(int, re.findall(r"\d+", back)[:3])) for back in backs)
    assert dark < 3 * 64
    assert light > 3 * 192


def test_the_page_asks_nobody_for_anything(chromium: Browser, tmp_path: Path) -> None:
    shown = _shown(chromium, tmp_path, measured())
    assert [request.url for request in shown.requests()] == [(tmp_path / "report.html").as_uri()]
    assert shown.evaluate("document.scripts.length") == 0


def test_every_standing_is_a_word_and_not_only_a_colour(chromium: Browser, tmp_path: Path) -> None:
    shown = _shown(chromium, tmp_path, measured())
    words = shown.evaluate(
        "[...document.querySelectorAll('.standing')].map(e => e.innerText.trim())"
    )
    assert {"bad", "good", "attention", "unknown"} <= set(words)
    assert all(words)


def test_a_screen_reader_finds_landmarks_headings_and_named_tables(
    chromium: Browser, tmp_path: Path
) -> None:
    shown = _shown(chromium, tmp_path, measured())
    count = "document.querySelectorAll('{}').length"
    for landmark in ("header", "main", "nav[aria-label]"):
        assert shown.evaluate(count.format(landmark)) == 1
    tables = shown.evaluate(count.format("table"))
    assert tables >= 4
    assert shown.evaluate(count.format("table > caption")) == tables
    assert shown.evaluate(count.format("th:not([scope])")) == 0
    for anchor in shown.evaluate("[...document.querySelectorAll('nav a')].map(e => e.hash)"):
        assert shown.evaluate(f"document.querySelector('{anchor}').tagName") == "H2"


def test_what_a_pod_says_is_text_and_nothing_else(chromium: Browser, tmp_path: Path) -> None:
    said = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    seen = GateObjects(jobs=[job("canary", "a")], pods=[pod("a", "srv712695", said)])
    shown = _shown(chromium, tmp_path, seen)
    assert shown.evaluate("document.title") == "oceanid-cluster: stack prod"
    assert said in shown.evaluate("document.body.innerText")
    assert [request.url for request in shown.requests()] == [(tmp_path / "report.html").as_uri()]


def test_an_unavailable_cluster_is_said_at_the_top(chromium: Browser, tmp_path: Path) -> None:
    shown = _shown(chromium, tmp_path, RequestError("connection refused"))
    assert "connection refused" in shown.evaluate("document.querySelector('header').innerText")
