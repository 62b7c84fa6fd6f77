"""The rules file and the dashboard as they lie: their placeholders, names and links."""

import re
from dataclasses import replace
from typing import Any

import pytest

from components.cluster.labels import DRIFT_LEASE, GATEWAY
from components.monitoring.alerts import EGRESS_ADDRESS, FILE, NAMESPACE, PLACEHOLDER, PROBES_JOB
from tests.document import ROOT, Document
from tests.monitoring.metrics import DASHBOARD
from tests.monitoring.rules import DOCS, INPUTS, all_rules, rule_groups

_RULES = {rule["alert"]: rule for rule in all_rules()}
_TEXT = FILE.read_text() + DASHBOARD.read_text().replace('\\"', '"')


def test_every_placeholder_gets_a_value() -> None:
    assert not PLACEHOLDER.search(str(all_rules()))
    assert set(PLACEHOLDER.findall(DASHBOARD.read_text())) == {NAMESPACE}


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (r'job="([^"]*)"', {PROBES_JOB}),
        (r'destination!?="([^"]*)"', {EGRESS_ADDRESS}),
        (r'lease="([^"]*)"', {DRIFT_LEASE}),
        (r'(?:daemonset|created_by_name)=~"([^"]*)"', {f"{GATEWAY}-.*"}),
    ],
)
def test_the_file_writes_the_names_that_the_code_gives(written: str, names: set[str]) -> None:
    assert set(re.findall(written, _TEXT)) == names


def test_how_long_a_secret_may_go_unread_follows_its_interval() -> None:
    groups = rule_groups(replace(INPUTS, secrets_stale_seconds=10_800))
    (rule,) = [r for g in groups for r in g["rules"] if r["alert"] == "OceanidSecretStale"]
    assert "externalsecret_sync_calls_total[10800s]" in rule["expr"]
    assert "for 180 minutes" in rule["annotations"]["summary"]


@pytest.mark.parametrize("rule", _RULES.values(), ids=_RULES)
def test_an_alerts_link_leads_to_a_heading(rule: dict[str, Any]) -> None:
    link = rule["annotations"]["runbook_url"].removeprefix(f"{DOCS}/")
    file, _, anchor = link.partition("#")
    document = Document(ROOT / "docs" / file)
    assert document.path.is_file()
    assert anchor in document.anchors


def test_the_documentation_lists_every_alert_and_no_other() -> None:
    lines = (ROOT / "docs" / "monitoring.md").read_text().splitlines()
    listed = [line.split("`")[1] for line in lines if line.startswith("| `Oceanid")]
    assert sorted(listed) == sorted(_RULES)
