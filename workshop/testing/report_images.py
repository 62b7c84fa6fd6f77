"""`workshop.testing.report_images REPORT FOLDER`: pictures of a report for the documentation."""

import argparse
import sys
from pathlib import Path

from workshop.testing.chromium import open_browser, open_file


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
    with open_browser() as chromium:
        for name, width, height, dark in (("phone", 390, 970, True), ("desk", 1100, 1150, False)):
            picture = folder / f"report-{name}.png"
            page = open_file(chromium, report, width=width, height=height, dark=dark, phone=dark)
            page.screenshot(path=picture)
            print(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
