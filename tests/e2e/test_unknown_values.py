"""What a preview does not know, for every rule: real outputs, the real engine and provider.

The provider writes files instead of asking a cluster, so these need no lab. Every rule is enforced
in a preview, so none is left out here for being another enforcer's.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from operations.delivery import events
from operations.delivery.events import PolicyFinding
from policies.rules import all_rules, cross_resource_rules
from policies.rules._model import Rule
from tests.e2e.lab_fixture import copy_program
from tests.lab_variables import lab_variables
from tests.policies.test_policy_cross_resource import CASES as CROSS_RESOURCE_CASES
from tests.policies.test_policy_cross_resource import CrossResourceCase
from workshop.testing.checkout import REPOSITORY
from workshop.testing.local_stack import LocalStack
from workshop.testing.rule_cases import Case, all_cases

pytestmark = pytest.mark.e2e

_PROGRAM = Path(__file__).resolve().parent / "programs" / "unknown_values"
_UNJUDGED = "cannot be judged in preview"
# The provider refuses a List as a resource: in a program, its members are the resources.
_CASES = {
    f"{case.rule.name}-{number}": case
    for number, case in enumerate(all_cases())
    if case.group == "unknown" and case.token and not case.token.endswith("List")
}
_CROSS_RESOURCE_CASES = [
    case
    for case in CROSS_RESOURCE_CASES
    if case.group == "unknown" and "${UNKNOWN}" in str(case.resources)
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> LocalStack:
    folder = tmp_path_factory.mktemp("unknown-values")
    copy_program("unknown_values", folder)
    return LocalStack(
        folder,
        PULUMI_DEBUG_COMMANDS="true",
        CRUNCHY_API_KEY="none",
        **lab_variables(folder),
    )


def previewed(
    stack: LocalStack, resources: Iterable[dict[str, Any]], levels: dict[str, str]
) -> tuple[PolicyFinding, ...]:
    """What the pack finds in one preview of the resources, at these enforcement levels."""
    folder = stack.folder
    (folder / "resources.json").write_text(
        json.dumps(list(resources), default=lambda _unknown: "${UNKNOWN}")
    )
    (folder / "levels.json").write_text(json.dumps(levels))
    (folder / "events.json").unlink(missing_ok=True)
    ran = stack.run(
        "preview",
        *("--stack", "kept", "--config", f"unknown-values:resources={folder / 'resources.json'}"),
        *("--policy-pack", str(REPOSITORY / "policies")),
        *("--policy-pack-config", str(folder / "levels.json")),
        *("--event-log", str(folder / "events.json")),
    )
    found = events.read(folder / "events.json")
    # Another error, of a program or a provider, would keep resources from the pack.
    assert found.errors in {(), ("preview failed",)}, ran.stdout
    return found.findings


@pytest.fixture(scope="module")
def findings(stack: LocalStack) -> tuple[PolicyFinding, ...]:
    """What the pack finds in all single cases in one preview."""
    resources = (
        {"name": name, "token": case.token, "inputs": case.tree} for name, case in _CASES.items()
    )
    return previewed(stack, resources, {})


@pytest.mark.parametrize(
    "rule", [*all_rules(), *cross_resource_rules()], ids=lambda rule: rule.name
)
def test_every_rule_has_a_case_that_the_engine_can_be_given(rule: Rule) -> None:
    cases = [case.rule.name for case in _CASES.values()] + [
        case.rule for case in _CROSS_RESOURCE_CASES
    ]
    assert rule.name in cases, f"{rule.name} needs an unknown case of a resource that is no List"


@pytest.mark.parametrize(("name", "case"), _CASES.items(), ids=_CASES)
def test_the_preview_says_what_of_a_case_cannot_be_judged(
    findings: tuple[PolicyFinding, ...], name: str, case: Case
) -> None:
    said = [each for each in findings if (each.resource, each.rule) == (name, case.rule.name)]
    assert all(_UNJUDGED in each.message for each in said)
    assert {each.message.split(": ")[1] for each in said} == case.paths
    assert all(each.blocks == (case.rule.enforcement == "mandatory") for each in said)


@pytest.mark.parametrize("case", _CROSS_RESOURCE_CASES, ids=lambda case: f"{case.rule}: {case.why}")
def test_the_preview_says_what_of_several_resources_cannot_be_judged(
    stack: LocalStack, case: CrossResourceCase
) -> None:
    resources = (
        {
            "name": f"case-{number}",
            "token": f"kubernetes:{_module(body)}:{body['kind']}",
            "inputs": body,
        }
        for number, body in enumerate(case.resources)
    )
    # The engine asks for the resources together only when none is refused by itself.
    found = previewed(stack, resources, {"all": "disabled", case.rule: "mandatory"})
    assert sorted(each.message.split(": ")[0] for each in found) == sorted(case.at)
    assert all("cannot be judged" in each.message for each in found)


def _module(body: dict[str, Any]) -> str:
    version = str(body["apiVersion"])
    return version if "/" in version else f"core/{version}"
