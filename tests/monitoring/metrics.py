"""Which metrics the alerts and the dashboard ask for, and which a program's text has."""

import json
import re

from tests.document import ROOT
from tests.monitoring.rules import all_rules

DASHBOARD = ROOT / "components" / "monitoring" / "dashboard.json"

# What stands in an expression and is no metric: strings, matchers, durations, label lists.
_NOISE = re.compile(
    r'"(?:[^"\\]|\\.)*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|without|ignoring)\s*\([^)]*\)'
)
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_WORDS = frozenset({"or", "and", "unless", "sum", "max", "min", "count", "rate", "increase"}) | {
    "time",
    "vector",
    "absent",
    "label_replace",
}
_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{| )", re.MULTILINE)


def queries() -> dict[str, str]:
    """Every expression, by the alert or panel that has it."""
    found = {rule["alert"]: rule["expr"] for rule in all_rules()}
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return found | {panel["title"]: panel["targets"][0]["expr"] for panel in panels}


def names(query: str) -> set[str]:
    """The metrics that an expression of PromQL asks for."""
    return set(_NAME.findall(_NOISE.sub(" ", query))) - _WORDS


def asked_for(prefix: str) -> set[str]:
    """All metrics with that prefix that an alert or the dashboard asks for."""
    return {
        name for query in queries().values() for name in names(query) if name.startswith(prefix)
    }


def exported(text: str) -> set[str]:
    """The metrics that a program's text has, in Prometheus' text format."""
    return set(_SAMPLE.findall(text))


def value(text: str, metric: str, /, **labels: str) -> float | None:
    """The value of the one sample of that name with these labels, None where there is none."""
    for line in text.splitlines():
        if re.match(rf"{metric}[{{ ]", line) and all(
            f'{k}="{v}"' in line for k, v in labels.items()
        ):
            return float(line.rpartition(" ")[2])
    return None
