"""The alert rules as a rule file, and promtool to run it."""

from __future__ import annotations

import json
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

from components._alert import groups
from components._alerts import alerts
from components._rule_exceptions import RuleException
from components._watched import Watched
from toolchain.__main__ import BIN

DOCS = "https://docs.example"
# promtool's time begins at 0; ten days later these are well within the fortnight of warning.
KEY_ENDS = 20 * 86_400
EXCEPTION_LAST_DAY = date(1970, 1, 20)

WATCHED = Watched(
    namespace="oceanid-egress",
    nodes=("srv712429", "calypso.example"),
    exit_nodes={"tethys": "oceanid-exit-tethys", "styx": "oceanid-exit-styx"},
    expected=("157.173.210.123", "191.101.1.3"),
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


def rule_groups(watched: Watched = WATCHED) -> list[dict[str, Any]]:
    """The groups of the rule file."""
    return groups(alerts(watched), DOCS)


def all_rules() -> list[dict[str, Any]]:
    """Every rule of every group."""
    return [rule for group in rule_groups() for rule in group["rules"]]


def written(folder: Path, watched: Watched = WATCHED) -> Path:
    """The rule file; JSON is YAML too."""
    path = folder / "rules.json"
    path.write_text(json.dumps({"groups": rule_groups(watched)}))
    return path


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool, as `python -m toolchain.monitoring` builds it."""
    return subprocess.run(
        [str(BIN / "promtool"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
