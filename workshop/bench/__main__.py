"""`make bench`: prints the README's tables, and fails where a goal is missed."""

import argparse
import sys
from collections.abc import Callable, Mapping

from workshop.bench import (
    data_path,
    failover,
    firewall_rules,
    fleet_size,
    leaks,
    preflight,
    rule_cost,
)
from workshop.bench.goal import NotMeasuredError, Results

_PARTS: dict[str, Callable[[], Results]] = {
    "Fleet size": fleet_size.results,
    "Preflight": preflight.results,
    "Firewall rules": firewall_rules.results,
    "Data path": data_path.results,
    "Failover": failover.results,
    "Leaks": leaks.results,
    "Policy pack": rule_cost.results,
}


def main(parts: Mapping[str, Callable[[], Results]] = _PARTS) -> int:
    """Measure every part; 1 where a goal was missed or not measured, and each of them is named."""
    wrong = []
    for title, measure in parts.items():
        try:
            found = measure()
        except NotMeasuredError as error:
            found = Results(table=f"not measured: {error}")
            wrong.append(f"{title}: not measured: {error}")
        print(f"## {title}\n\n{found}\n", flush=True)
        wrong += [f"{title}: {goal}" for goal in found.goals if not goal.met]
    for line in wrong:
        print(f"bench: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m workshop.bench", description=__doc__, allow_abbrev=False
    ).parse_args()
    sys.exit(main())
