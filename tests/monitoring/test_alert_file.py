"""The rules file and the dashboard as they lie: their placeholders and names are the code's."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from components.cluster.labels import DRIFT_LEASE, GATEWAY
from components.monitoring.alert_inputs import EGRESS_ADDRESS, PROBES_JOB
from components.monitoring.alerts import FILE, NAMESPACE, PLACEHOLDER
from tests.monitoring.metrics import DASHBOARD
from tests.monitoring.rules import INPUTS, all_rules, rule_groups

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
