"""`workshop.testing.report_images REPORT FOLDER`: pictures of a report for the documentation."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from workshop.testing.chromium import open_page
from workshop.toolchain import browser


def main(arguments: list[str]) -> int:
    """A phone in the dark and a desk in the light, as they show the page's beginning."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.testing.report_images", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("report", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    report, folder = options.report, options.folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as files, open_page(browser.find(), Path(files)) as page:
        for name, width, height, dark in (("phone", 390, 970, True), ("desk", 1100, 1150, False)):
            page.open(report, width=width, height=height, dark=dark, phone=dark)
            page.screenshot(folder / f"report-{name}.png")
            print(folder / f"report-{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
