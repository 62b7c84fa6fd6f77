"""The rules as a CrossGuard policy pack: what the engine asks on every preview and update.

The SDK's analyzer deserialises the inputs anew for every policy, twice (from protobuf to JSON, then
into proxies), and a policy that touches an unknown value is dropped for that resource with an
advisory note. `Analyzer` replaces that one method: it decodes the inputs once, and every rule
judges the same subjects. All else stays the SDK's: each rule is a policy of its own with its
name, severity, tags, url and remediation, and enforcement levels can be configured as usual.

Each `RulePolicy` also works under the SDK's own analyzer, through the public interface. Should the
SDK change so that `Analyzer` no longer fits, the pack is slower and does not see what is marked as
secret, but judges the same; a test compares the two.
"""

import sys
from collections.abc import Callable, Iterable
from inspect import signature
from typing import Any

import grpc
import pulumi_policy.policy as sdk
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from policies.inputs import Inputs, from_proxy, from_struct
from policies.rules import all_rules
from policies.rules._model import Rule, Verdict, judge
from policies.rules._subject import Subject, subjects_of_resource

PACK = "oceanid"


class RulePolicy(ResourceValidationPolicy):
    """One rule as a policy."""

    rule: Rule

    def __init__(self, rule: Rule) -> None:
        super().__init__(
            name=rule.name,
            description=rule.description,
            enforcement_level=EnforcementLevel(rule.enforcement.value),
            severity=Severity(rule.severity.value),
            tags=list(rule.tags),
            remediation_steps=rule.remedy,
            url=rule.url,
        )
        self.rule = rule

    def validate(self, args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        """Judge one resource as the SDK presents it. Used only under the SDK's own analyzer."""
        subjects = _subjects(args.resource_type, from_proxy(args.props))
        self.report(subjects, report_violation, report_violation)

    def report(
        self, subjects: Iterable[Subject], violation: ReportViolation, failure: ReportViolation
    ) -> None:
        """Report each finding, at the rule's level; that the rule itself failed, by `failure`."""
        for subject in subjects:
            for finding in judge(self.rule, subject).findings:
                report = failure if finding.verdict is Verdict.FAILED else violation
                report(self.rule.line(finding), None)


def policies() -> list[Policy]:
    """One policy for each rule, in order of name."""
    return [RulePolicy(rule) for rule in all_rules()]


def _subjects(token: str, inputs: Inputs) -> tuple[Subject, ...]:
    return tuple(subjects_of_resource(token, inputs.body, inputs.secrets))


class Analyzer(sdk._PolicyAnalyzerServicer):  # noqa: SLF001 - see the top of this file
    """The SDK's analyzer with one decoding a resource for all rules."""

    def __init__(
        self,
        name: str,
        version: str,
        policies: list[Policy],
        enforcement_level: EnforcementLevel,
        *rest: Any,  # noqa: ANN401 - handed on as they come
    ) -> None:
        super().__init__(name, version, policies, enforcement_level, *rest)
        self._rule_policies = [policy for policy in policies if isinstance(policy, RulePolicy)]
        self._names = {policy.name for policy in policies}

    def Analyze(  # noqa: N802 - the protocol's name
        self, request: analyzer_pb2.AnalyzeRequest, _context: object
    ) -> analyzer_pb2.AnalyzeResponse:
        """Judge one resource by every rule that is not disabled."""
        response = analyzer_pb2.AnalyzeResponse()
        subjects = _subjects(request.type, from_struct(request.properties))
        for policy in self._rule_policies:
            level = self._get_enforcement_level(policy)
            if level is EnforcementLevel.DISABLED:
                continue
            if level is EnforcementLevel.REMEDIATE:  # there is nothing to remediate with
                level = EnforcementLevel.MANDATORY
            policy.report(
                subjects,
                self._reporter(response, policy, level),
                self._reporter(response, policy, EnforcementLevel.MANDATORY),
            )
        return response

    def Remediate(  # noqa: N802 - the protocol's name
        self, _request: analyzer_pb2.AnalyzeRequest, _context: object
    ) -> analyzer_pb2.RemediateResponse:
        """Nothing: no rule rewrites a resource. The SDK's method would decode it all the same."""
        return analyzer_pb2.RemediateResponse()

    def Configure(  # noqa: N802 - the protocol's name
        self, request: analyzer_pb2.ConfigureAnalyzerRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Take the configured levels; refuse a policy that does not exist.

        The engine passes a misspelled name on without a word, and the level meant for the policy
        would not be in force.
        """
        strangers = sorted(set(request.policyConfig) - self._names - {"all"})
        if strangers:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"policy configuration: {', '.join(strangers)}: no such policy in pack {PACK}; "
                f"its policies are {', '.join(sorted(self._names))}",
            )
        super().Configure(request, context)  # type: ignore[no-untyped-call]  # the SDK's
        return empty_pb2.Empty()

    def _reporter(
        self, response: analyzer_pb2.AnalyzeResponse, policy: RulePolicy, level: EnforcementLevel
    ) -> ReportViolation:
        return self._create_report_violation(
            response, policy.name, policy.description, level, policy.severity
        )


def decode_once() -> bool:
    """Make `PolicyPack` serve `Analyzer`. Call before it.

    Returns whether the SDK is one that `Analyzer` fits. If not, it says so on standard error and
    leaves the SDK's own analyzer in place.
    """
    expected: dict[str, Callable[..., object]] = {
        "Analyze": Analyzer.Analyze,
        "Remediate": Analyzer.Remediate,
        "Configure": Analyzer.Configure,
    }
    stock = Analyzer.__base__
    for name, ours in expected.items():
        theirs = getattr(stock, name, None)
        if theirs is None or len(signature(theirs).parameters) != len(signature(ours).parameters):
            sys.stderr.write(f"policies: pulumi-policy has a new {name}; using the slower way\n")
            return False
    sdk._PolicyAnalyzerServicer = Analyzer  # type: ignore[assignment,misc]  # noqa: SLF001
    return True
