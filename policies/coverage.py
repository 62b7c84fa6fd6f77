"""Which rule is enforced where: for the documentation, and as JSON for other programs.

`python -m policies coverage` prints a list of ``{name, severity, level, description, url, preview,
scan, cluster}``, the last three true where the rule is enforced there.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from .admission import expressed
from .rules import every_rule


@dataclass(frozen=True, slots=True)
class Coverage:
    """One rule and its enforcers."""

    name: str
    severity: str
    level: str
    description: str
    url: str
    preview: bool
    scan: bool
    cluster: bool


def coverage() -> list[Coverage]:
    """Of every rule."""
    in_cluster = expressed()
    return [
        Coverage(
            name=rule.name,
            severity=rule.severity.value,
            level=rule.enforcement.value,
            description=rule.description,
            url=rule.url,
            preview=True,
            scan="pulumi-only" not in rule.tags,
            cluster=rule.name in in_cluster,
        )
        for rule in every_rule()
    ]


def main(arguments: Sequence[str]) -> int:
    """Print it; 2 for a wrong call."""
    if arguments:
        sys.stderr.write("usage: python -m policies coverage\n")
        return 2
    sys.stdout.write(f"{json.dumps([asdict(each) for each in coverage()], indent=2)}\n")
    return 0
