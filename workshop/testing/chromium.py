"""A headless Chromium, driven by Playwright."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from workshop.toolchain import browser


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser for as long as the block runs."""
    program = browser.find()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program.command,
            env={**os.environ, **program.environment},
            # The tests may run as root, and show the browser nothing but our own page.
            chromium_sandbox=False,
            args=["--no-zygote", "--disable-gpu", "--font-render-hinting=none"],
        )
        yield chromium
        chromium.close()


def open_file(
    chromium: Browser, file: Path, *, width: int, height: int, dark: bool, phone: bool
) -> Page:
    """A file in a new window of that many CSS pixels, for a reader who prefers that scheme."""
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        is_mobile=phone,
    )
    page = context.new_page()
    page.goto(file.resolve().as_uri())
    return page
