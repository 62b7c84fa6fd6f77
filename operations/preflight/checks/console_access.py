"""Whether somebody has lately logged in at each node's console, by a dated line in the settings.

In October 2025 the nodes could only be reached by the provider's console. Nothing but a person can
check that way in, so the settings hold the day on which one did.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from preflight.result import Result, Verdict, listed
from settings import Settings

CHECK = "console-access"
# A quarter: credentials and providers' consoles change about as often as keys expire.
LONGEST_DAYS = 90
_REMEDY = (
    "log in at its provider's console (not by SSH), then give the node "
    'consoleConfirmed: "{today}" in the settings'
)


def check(settings: Settings, today: date) -> Iterator[Result]:
    """A result for the nodes never confirmed, and one for each confirmed too long ago."""
    remedy = _REMEDY.format(today=today)
    never = [node.hostname for node in settings.nodes if node.console_confirmed is None]
    if never:
        yield Result(
            check=CHECK,
            verdict=Verdict.FAIL,
            where=f"node {listed(never)}",
            what="nobody has confirmed that its console can be reached without its network",
            remedy=remedy,
        )
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
            what = (
                f"its console is said to be confirmed on {node.console_confirmed}, which is to come"
            )
        yield Result(
            check=CHECK,
            verdict=Verdict.FAIL,
            where=f"node {node.hostname}",
            what=what,
            remedy=remedy,
        )
    if fresh:
        what = f"confirmed within {LONGEST_DAYS} days"
        yield Result(check=CHECK, verdict=Verdict.OK, where=f"{fresh} consoles", what=what)
