"""Each rule as a policy of CrossGuard's, with its severity, tags, url and remediation."""

from typing import Any, NamedTuple

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationPolicy,
    Severity,
    StackValidationPolicy,
)

from .excepted_line import marked
from .exceptions import Enforcer, Exceptions, load_exceptions
from .inputs import Inputs
from .rules import all_rules, cross_resource_rules
from .rules._cross_resource import CrossResourceRule, Observation
from .rules._model import Finding, Rule, Verdict, judge
from .rules._subject import Subject, subjects_of_resource

PACK = "oceanid"


def _about(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "description": rule.description,
        "enforcement_level": EnforcementLevel(rule.enforcement.value),
        "severity": Severity(rule.severity.value),
        "tags": list(rule.tags),
        "remediation_steps": rule.remedy,
        "url": rule.url,
    }


class Reporters(NamedTuple):
    """What reports at a rule's level, that the rule itself failed, what an exception covers."""

    violation: ReportViolation
    failure: ReportViolation
    listed: ReportViolation

    def report(
        self, finding: Finding, line: str, excepted: str | None, urn: str | None = None
    ) -> None:
        if finding.verdict is Verdict.FAILED:
            self.failure(line, urn)
        elif excepted is None:
            self.violation(line, urn)
        else:
            self.listed(marked(line, excepted), urn)


class RulePolicy(ResourceValidationPolicy):
    rule: Rule

    def __init__(self, rule: Rule, exceptions: Exceptions | None = None) -> None:
        super().__init__(**_about(rule))
        self.rule = rule
        self._exceptions = exceptions or Exceptions()

    def report(self, subject: Subject, reporters: Reporters) -> bool:
        """Report each finding and whether there was a violation."""
        fired = False
        for finding in judge(self.rule, subject).findings:
            fired = fired or finding.verdict is Verdict.FIRES
            excepted = self._exceptions.covering(self.rule.name, subject.identity)
            reporters.report(finding, self.rule.line(finding), excepted)
        return fired


class CrossResourcePolicy(StackValidationPolicy):
    rule: CrossResourceRule

    def __init__(self, rule: CrossResourceRule, exceptions: Exceptions) -> None:
        super().__init__(**_about(rule))
        self.rule = rule
        self._exceptions = exceptions

    def report(self, observations: list[Observation], reporters: Reporters) -> None:
        """Report what the observations break together, each at the resource of its observation."""
        for observation, finding in self.rule.findings(observations):
            line = f"{observation.identity}: {self.rule.line(finding)}"
            excepted = self._exceptions.covering(self.rule.name, observation.identity)
            reporters.report(finding, line, excepted, str(observation.origin))


class ExceptionsPolicy(StackValidationPolicy):
    """That no dated exception has expired or matches nothing."""

    def __init__(self, exceptions: Exceptions) -> None:
        super().__init__(
            name="dated-exceptions",
            description="A dated exception must be in force and needed.",
            enforcement_level=EnforcementLevel.MANDATORY,
            severity=Severity.MEDIUM,
            remediation_steps="mend the resource and remove the exception from exceptions.yaml",
        )
        self._exceptions = exceptions

    def of_stack(self, name: str) -> None:
        """Take the exceptions for the previews of this stack, too, from now on."""
        self._exceptions.stack = name

    def report(self, violation: ReportViolation) -> None:
        """Report each exception that is no longer good, after everything was judged."""
        for line in (*self._exceptions.expired(), *self._exceptions.unmatched()):
            violation(line, None)


def policies(exceptions: Exceptions | None = None) -> list[Policy]:
    """One policy for each rule, in order of name, and one for the exceptions.

    Raises PoliciesError when the file of exceptions is wrong: without it nothing can be judged.
    """
    held = exceptions or load_exceptions(Enforcer.PREVIEW)
    return [
        *(RulePolicy(rule, held) for rule in all_rules()),
        *(CrossResourcePolicy(rule, held) for rule in cross_resource_rules()),
        ExceptionsPolicy(held),
    ]


def subjects_of(token: str, inputs: Inputs, name: str) -> tuple[Subject, ...]:
    return tuple(subjects_of_resource(token, inputs.body, inputs.secrets, name))


def fired_on(subject: Subject) -> frozenset[str]:
    return frozenset(
        rule.name for rule in all_rules() if judge(rule, subject).verdict is Verdict.FIRES
    )
