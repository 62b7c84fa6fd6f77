"""Every rule against its cases."""

import pytest

from policies.rules import all_rules
from policies.rules._model import Enforcement, Finding, Rule, Severity, Verdict, judge, render_path
from policies.rules._subject import subjects_of_resource
from workshop.testing.rule_cases import FAKE_KEY, FAKES, GROUPS, Case, all_cases, fixture_of

CASES = all_cases()


def findings(case: Case) -> list[Finding]:
    return [
        finding for subject in case.subjects() for finding in judge(case.rule, subject).findings
    ]


def paths(found: list[Finding], verdict: Verdict) -> list[str]:
    return sorted(finding.path for finding in found if finding.verdict is verdict)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_every_rule_has_cases_of_every_sort(rule: Rule) -> None:
    assert fixture_of(rule).exists(), f"write {fixture_of(rule)}"
    groups = {case.group for case in CASES if case.rule is rule}
    assert groups == set(GROUPS), f"{rule.name} has no case of {set(GROUPS) - groups}"


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_a_case_with_an_unknown_sibling_still_fires(rule: Rule) -> None:
    assert any(
        case.rule is rule and case.group == "fires" and "UNKNOWN" in repr(case.tree)
        for case in CASES
    ), f"{rule.name} needs a case that fires beside an unknown value"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule.name}: {case.why}")
def test_a_rule_answers_its_cases(case: Case) -> None:
    found = findings(case)
    assert paths(found, Verdict.FAILED) == []
    if case.group == "fires":
        assert paths(found, Verdict.FIRES) == sorted(case.paths)
    elif case.group == "unknown":
        assert paths(found, Verdict.FIRES) == []
        assert paths(found, Verdict.CANNOT_BE_JUDGED) == sorted(case.paths)
    else:
        assert found == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule.name}: {case.why}")
def test_a_message_is_one_line_with_rule_path_and_remedy_and_no_key(case: Case) -> None:
    for finding in findings(case):
        line = case.rule.line(finding)
        assert "\n" not in line
        where = finding.path or "the whole document"
        assert line.startswith(f"{case.rule.name}: {where}: ")
        assert case.rule.remedy in line
        assert not any(fake in line for fake in FAKES.values())


@pytest.mark.parametrize(
    ("token", "body"),
    [
        ("kubernetes:core/v1:Secret", {"kind": "Secret", "stringData": {"k": FAKE_KEY}}),
        ("command:local:Command", {"create": f"tailscale up --authkey={FAKE_KEY}"}),
    ],
)
def test_a_key_that_pulumi_does_not_encrypt_stands_in_plain_text_in_its_state(
    token: str, body: dict[object, object]
) -> None:
    (rule,) = (rule for rule in all_rules() if rule.name == "plain-text-keys")
    (plain,) = subjects_of_resource(token, body, frozenset())
    assert judge(rule, plain).verdict is Verdict.FIRES
    (encrypted,) = subjects_of_resource(token, body, frozenset({(str(next(reversed(body))),)}))
    assert judge(rule, encrypted).verdict is None
    (untold,) = subjects_of_resource(token, body, None)
    assert judge(rule, untold).verdict is None


def rule_that(check: object) -> Rule:
    return Rule(
        name="broken",
        severity=Severity.LOW,
        enforcement=Enforcement.ADVISORY,
        description="d",
        remedy="r",
        source="s",
        url="u",
        limitations="b",
        check=check,  # type: ignore[arg-type]
    )


def test_a_rule_that_takes_an_unknown_for_a_truth_fails_instead_of_passing() -> None:
    unknown = next(case for case in CASES if case.group == "unknown")

    def check(subject: object) -> list[Finding]:
        spec = subject.body["spec"]["template"]["spec"]  # type: ignore[attr-defined]
        return [] if not spec["hostNetwork"] else [Finding.fires((), "")]

    (subject,) = unknown.subjects()
    assert judge(rule_that(check), subject).verdict is Verdict.FAILED


@pytest.mark.parametrize("name", ["Upper", "two words", "all", "", "under_score"])
def test_a_rule_name_that_the_engine_could_not_show_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Rule(**{**vars(rule_that(None)), "name": name})


def test_a_path_is_written_as_people_write_it() -> None:
    path = ("spec", "containers", 0, "env", "example.com/a\n", "x")
    assert render_path(path) == r'spec.containers[0].env["example.com/a\n"].x'
