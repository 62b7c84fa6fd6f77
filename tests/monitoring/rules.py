"""The alert rules as a rule file, and promtool to run it."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from components.monitoring.alerts import AlertInputs, groups
from components.monitoring.rule_exceptions import RuleException
from workshop.testing.checkout import Completed, completed
from workshop.toolchain.__main__ import BIN

DOCS = "https://docs.example"
# promtool's time begins at 0; ten days later these are well within the fortnight of warning.
KEY_ENDS = 20 * 86_400
EXCEPTION_LAST_DAY = date(1970, 1, 20)

INPUTS = AlertInputs(
    namespace="oceanid-egress",
    nodes=("srv712429", "calypso.example"),
    exit_nodes={"tethys": "oceanid-exit-tethys", "styx": "oceanid-exit-styx"},
    egress_addresses=("157.173.210.123", "191.101.1.3"),
    key_expiries={"exit": KEY_ENDS},
    exceptions=(
        RuleException(
            rule="daemonset-host-namespaces",
            resource="DaemonSet monitoring/agent",
            expires=EXCEPTION_LAST_DAY,
        ),
    ),
    secrets_namespace="external-secrets-system",
    secrets_stale_seconds=900,
)
"""Something for every alert there is."""


def rule_groups(inputs: AlertInputs = INPUTS) -> list[dict[str, Any]]:
    return groups(inputs, DOCS)


def all_rules() -> list[dict[str, Any]]:
    return [rule for group in rule_groups() for rule in group["rules"]]


def written(folder: Path, inputs: AlertInputs = INPUTS) -> Path:
    """The rule file; JSON is YAML too."""
    path = folder / "rules.json"
    path.write_text(json.dumps({"groups": rule_groups(inputs)}))
    return path


def promtool(*arguments: str) -> Completed:
    """Run promtool, as `python -m workshop.toolchain monitoring` builds it."""
    return completed(str(BIN / "promtool"), *arguments)
