"""Whether somebody has lately logged in at each node's console, by a dated line in the settings.

In October 2025 the nodes could only be reached by the provider's console. Nothing but a person can
check that way in, so the settings hold the day on which one did.
"""

from collections.abc import Iterator
from datetime import date

from operations.preflight.finding import PreflightFinding, fail, listed, ok
from settings import Settings

# A quarter: credentials and providers' consoles change about as often as keys expire.
LONGEST_DAYS = 90
_REMEDY = (
    "log in at its provider's console (not by SSH), then give the node "
    'consoleConfirmed: "{today}" in the settings'
)


def check(settings: Settings, today: date) -> Iterator[PreflightFinding]:
    """A finding for the nodes never confirmed, and one for each confirmed too long ago."""
    remedy = _REMEDY.format(today=today)
    never = [node.hostname for node in settings.nodes if node.console_confirmed is None]
    if never:
        what = "nobody has confirmed that its console can be reached without its network"
        yield fail(f"node {listed(never)}", what, remedy)
    fresh = 0
    for node in settings.nodes:
        if node.console_confirmed is None:
            continue
        days = (today - node.console_confirmed).days
        if 0 <= days <= LONGEST_DAYS:
            fresh += 1
            continue
        what = f"its console was last confirmed {days} days ago; {LONGEST_DAYS} is the most"
        if days < 0:
            what = f"consoleConfirmed is {node.console_confirmed}, a day in the future"
        yield fail(f"node {node.hostname}", what, remedy)
    if fresh:
        yield ok(f"{fresh} consoles", f"confirmed within {LONGEST_DAYS} days")
