"""Rules over several resources: through the scanner and the pack's analyzer."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.runtime.proto import analyzer_pb2

from policies import crossguard
from policies.exceptions import DatedException, Enforcer, Exceptions
from policies.result import Result
from policies.rules import cross_resource_rules
from policies.scanner import Scanner
from tests.policies.findings import analyzer
from workshop.testing.rule_cases import GROUPS, HERE, filled, struct_of


@dataclass(frozen=True)
class CrossResourceCase:
    rule: str
    group: str
    why: str
    at: tuple[str, ...]
    resources: list[dict[str, Any]]


def _cases() -> list[CrossResourceCase]:
    return [
        CrossResourceCase(
            rule.name, group, case["why"], tuple(case.get("at", ())), case["resources"]
        )
        for rule in cross_resource_rules()
        for group, cases in yaml.safe_load(
            (HERE / "cross_resource" / f"{rule.name}.yaml").read_text("utf-8")
        ).items()
        for case in cases
    ]


CASES = _cases()
LEVELS = {
    rule.name: analyzer_pb2.EnforcementLevel.Value(rule.enforcement.upper())
    for rule in cross_resource_rules()
}
IDS = [f"{case.rule}: {case.why}" for case in CASES]


def analyzed(
    case: CrossResourceCase,
    *,
    exceptions: Exceptions | None = None,
    only: bool = False,
) -> list[analyzer_pb2.AnalyzeDiagnostic]:
    """What the pack says of the resources of a case, as the engine asks it.

    `only`: with every rule disabled but that of the case.
    """
    policies = crossguard.policies(exceptions or Exceptions())
    made = analyzer(policies)
    if only:
        # The engine says it of each, where its configuration says it of all.
        levels = {policy.name: analyzer_pb2.DISABLED for policy in policies}
        levels[case.rule] = LEVELS[case.rule]
        config = {
            name: analyzer_pb2.PolicyConfig(enforcementLevel=level)
            for name, level in levels.items()
        }
        made.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=config), None)
    asked = []
    for number, body in enumerate(case.resources):
        tree = filled(body)
        assert isinstance(tree, dict)
        version = str(tree["apiVersion"])
        token = f"kubernetes:{'core/v1' if version == 'v1' else version}:{tree['kind']}"
        urn = f"urn:pulumi:dev::oceanid::{token}::case-{number}"
        resource: dict[str, Any] = {"urn": urn, "type": token, "name": f"case-{number}"}
        properties = struct_of(tree)
        made.Analyze(analyzer_pb2.AnalyzeRequest(**resource, properties=properties), None)
        asked.append(analyzer_pb2.AnalyzerResource(**resource, properties=properties))
    response = made.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=asked), None)
    return [said for said in response.diagnostics if said.policyName == case.rule]


@pytest.mark.parametrize("rule", cross_resource_rules(), ids=lambda rule: rule.name)
def test_every_joint_rule_has_cases_of_every_sort(rule: Any) -> None:
    assert {case.group for case in CASES if case.rule == rule.name} == set(GROUPS)
    assert any(
        "UNKNOWN" in repr(case.resources)
        for case in CASES
        if case.rule == rule.name and case.group == "fires"
    )


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_pack_names_the_resources_of_a_case(case: CrossResourceCase) -> None:
    said = analyzed(case)
    named = [one.message.split("\n")[1].split(": ")[0] for one in said]
    assert named == list(case.at)
    for one in said:
        assert one.urn.startswith("urn:pulumi:dev::oceanid::kubernetes:")
        assert one.enforcementLevel == LEVELS[case.rule]
        assert ("cannot be judged" in one.message) == (case.group == "unknown")


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_case_is_judged_alike_where_all_other_rules_are_disabled(case: CrossResourceCase) -> None:
    assert analyzed(case, only=True) == analyzed(case)


@pytest.mark.parametrize("case", [case for case in CASES if "UNKNOWN" not in repr(case.resources)])
def test_the_scanner_joins_what_stands_in_several_files(
    case: CrossResourceCase, tmp_path: Path
) -> None:
    for number, body in enumerate(case.resources):
        (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(body))
    scanner = Scanner(Exceptions())
    list(scanner.scan(str(tmp_path)))
    found = [one for one in scanner.cross_resource(whole=True) if one.rule.name == case.rule]
    assert [one.resource for one in found] == list(case.at)
    for one in found:
        assert isinstance(one, Result)
        assert one.line >= 1
        assert Path(one.file).parent == tmp_path


def test_what_may_stand_in_another_file_is_not_missed_in_a_single_one(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.rule == "gateway-network-policy")
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(case.resources[0]))
    scanner = Scanner(Exceptions())
    assert list(scanner.scan(str(tmp_path / "a.yaml")))
    assert list(scanner.cross_resource(whole=False)) == []


def test_an_exception_for_a_joint_rule_is_listed_and_stops_nothing() -> None:
    case = next(case for case in CASES if case.at == ("Deployment pulumi/operator",))
    entry = DatedException(
        case.rule, case.at[0], "it moves", date(2030, 1, 1), frozenset({Enforcer.PREVIEW})
    )
    held = Exceptions((entry,), Enforcer.PREVIEW, date(2029, 12, 31))
    (said,) = analyzed(case, exceptions=held)
    assert said.enforcementLevel == analyzer_pb2.ADVISORY
    assert "(excepted until 2030-01-01: it moves)" in said.message
