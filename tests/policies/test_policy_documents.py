"""What is written from the rules is what the rules say today."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from policies import admission, docs, prohibited
from policies.commands import main
from policies.exceptions import DatedException, Enforcer, Exceptions
from policies.rules import all_rules, cross_resource_rules
from policies.rules._model import Enforcement

INCIDENT_RULES = {rule.name for rule in all_rules() if "incident-2025-10-13" in rule.tags}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (docs.DEFAULT_FILE, docs.text),
        (prohibited.DEFAULT_FILE, prohibited.text),
        (admission.DATA_FILE, admission.text),
    ],
    ids=["docs", "prohibited", "admission"],
)
def test_what_is_written_is_up_to_date(file: Path, text: Callable[[], str]) -> None:
    assert file.read_text("utf-8") == text(), "run python -m policies with this test's name"


def test_every_mandatory_rule_is_a_prohibited_pattern() -> None:
    for rule in (*all_rules(), *cross_resource_rules()):
        is_shown = f"[{rule.name}](policies.md#{rule.name})" in prohibited.text()
        assert is_shown == (rule.enforcement is Enforcement.MANDATORY)


def test_every_rule_is_documented_with_what_it_does_not_see() -> None:
    text = docs.text()
    for rule in (*all_rules(), *cross_resource_rules()):
        assert f"### {rule.name}\n\n{rule.description}\n" in text
        assert f"- Limitations: {rule.limitations}\n" in text


def test_every_cause_of_the_incident_is_enforced_in_the_cluster() -> None:
    assert admission.expressed() >= INCIDENT_RULES


def test_each_command_writes_its_file(tmp_path: Path) -> None:
    for command in ("docs", "prohibited", "admission"):
        file = tmp_path / command
        assert main([command, str(file)]) == 0
        assert file.stat().st_size > 0


@pytest.mark.parametrize("arguments", [("docs", "--help"), ("admission", "a", "b")])
def test_a_wrong_call_is_refused(arguments: tuple[str, ...]) -> None:
    assert main(arguments) == 2


def test_only_exceptions_in_force_for_the_cluster_reach_it() -> None:
    def conditions(*, expires: date, enforcer: Enforcer) -> int:
        entry = DatedException("host-path", "DaemonSet a/b", "r", expires, frozenset({enforcer}))
        held = Exceptions((entry,), Enforcer.CLUSTER, date(2030, 1, 1))
        return str(admission.manifests(held)).count("exception-1")

    assert conditions(expires=date(2030, 1, 1), enforcer=Enforcer.CLUSTER) == 1
    assert conditions(expires=date(2029, 12, 31), enforcer=Enforcer.CLUSTER) == 0
    assert conditions(expires=date(2030, 1, 1), enforcer=Enforcer.SCAN) == 0


def test_a_mandatory_rule_denies_and_no_system_namespace_is_held_up() -> None:
    for manifest in admission.manifests(Exceptions()):
        if manifest["kind"] == "ValidatingAdmissionPolicyBinding":
            spec = str(manifest["spec"])
            assert "Deny" in spec
            assert "kube-system" in spec


def test_a_rule_says_where_it_is_enforced() -> None:
    rules = (*all_rules(), *cross_resource_rules())
    assert {rule.name for rule in rules if "cluster" in rule.enforcers} == admission.expressed()
    assert all("preview" in rule.enforcers for rule in rules)
