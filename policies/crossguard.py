"""The rules as a CrossGuard policy pack: what the engine asks on every preview and update.

The SDK's analyzer deserialises the inputs anew for every policy, twice (from protobuf to JSON, then
into proxies), does not say what is marked as secret, and drops a policy that touches an unknown
value for that resource with an advisory note. `UnknownAwareAnalyzer` replaces that method: it
decodes the inputs once, and every rule judges the same subjects. All else stays the SDK's: each
rule is a policy of its own with its name, severity, tags, url and remediation, and enforcement
levels can be configured as usual. With an SDK that it does not fit, importing this module fails,
and the pack does not start.
"""

from collections.abc import Iterable
from typing import Any

import grpc
import pulumi_policy.policy as sdk
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel, Policy, ReportViolation

from .analyzer_fit import require_fit
from .inputs import from_struct
from .pack import (
    PACK,
    CrossResourcePolicy,
    ExceptionsPolicy,
    Reporters,
    RulePolicy,
    fired_on,
    policies,
    subjects_of,
)
from .rules._cross_resource import Observation
from .rules._model import Verdict, judge
from .rules._subject import Subject

__all__ = ["PACK", "RulePolicy", "UnknownAwareAnalyzer", "install_analyzer", "policies"]

require_fit()


class UnknownAwareAnalyzer(sdk._PolicyAnalyzerServicer):  # noqa: SLF001 - see the top of this file
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
        self._cross_resource_policies = [
            policy for policy in policies if isinstance(policy, CrossResourcePolicy)
        ]
        self._others = [policy for policy in policies if isinstance(policy, ExceptionsPolicy)]
        self._names = {policy.name for policy in policies}
        # What each resource says for the rules over several, by rule and URN.
        self._observations: dict[str, dict[str, list[Observation]]] = {}

    def Analyze(  # noqa: N802 - the protocol's name
        self, request: analyzer_pb2.AnalyzeRequest, _context: object
    ) -> analyzer_pb2.AnalyzeResponse:
        response = analyzer_pb2.AnalyzeResponse()
        subjects = subjects_of(request.type, from_struct(request.properties), request.name)
        fired: list[set[str]] = [set() for _ in subjects]
        for policy in self._rule_policies:
            level = self._level_of(policy)
            if level is EnforcementLevel.DISABLED:
                # What it finds is not said, but rules over several resources go by it.
                for subject, names in zip(subjects, fired, strict=True):
                    if judge(policy.rule, subject).verdict is Verdict.FIRES:
                        names.add(policy.rule.name)
                continue
            reporters = self._reporters(response, policy, level)
            for subject, names in zip(subjects, fired, strict=True):
                if policy.report(subject, reporters):
                    names.add(policy.rule.name)
        self._collect(request.urn, zip(subjects, map(frozenset, fired), strict=True))
        return response

    def AnalyzeStack(  # noqa: N802 - the protocol's name
        self, request: analyzer_pb2.AnalyzeStackRequest, _context: object
    ) -> analyzer_pb2.AnalyzeResponse:
        response = analyzer_pb2.AnalyzeResponse()
        for resource in request.resources:
            if resource.urn not in self._observations:
                inputs = from_struct(resource.properties)
                subjects = subjects_of(resource.type, inputs, resource.name)
                self._collect(resource.urn, ((subject, fired_on(subject)) for subject in subjects))
        for policy in self._cross_resource_policies:
            level = self._level_of(policy)
            if level is not EnforcementLevel.DISABLED:
                observations = [
                    observation
                    for resource in request.resources
                    for observation in self._observations[resource.urn].get(policy.name, ())
                ]
                policy.report(observations, self._reporters(response, policy, level))
        for other in self._others:
            level = self._level_of(other)
            if level is not EnforcementLevel.DISABLED:
                other.report(self._reporter(response, other, level))
        return response

    def _collect(self, urn: str, judged: Iterable[tuple[Subject, frozenset[str]]]) -> None:
        observations = self._observations.setdefault(urn, {})
        observations.clear()
        for subject, fired in judged:
            for policy in self._cross_resource_policies:
                for observation in policy.rule.observe(subject, fired):
                    observations.setdefault(policy.name, []).append(observation.with_origin(urn))

    def _level_of(self, policy: Policy) -> EnforcementLevel:
        level: EnforcementLevel = self._get_enforcement_level(policy)
        # There is nothing to remediate with.
        return EnforcementLevel.MANDATORY if level is EnforcementLevel.REMEDIATE else level

    def Remediate(  # noqa: N802 - the protocol's name
        self, _request: analyzer_pb2.AnalyzeRequest, _context: object
    ) -> analyzer_pb2.RemediateResponse:
        """Nothing: no rule rewrites a resource. The SDK's method would decode it all the same."""
        return analyzer_pb2.RemediateResponse()

    def Configure(  # noqa: N802 - the protocol's name
        self, request: analyzer_pb2.ConfigureAnalyzerRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Take the configured levels; refuse a policy that does not exist, or a setting of one.

        The engine passes a misspelled name on without a word, and the level meant for the policy
        would not be in force.
        """
        for name, config in sorted(request.policyConfig.items()):
            if config.properties.fields:
                context.abort(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    f"policy configuration: {name}: {', '.join(sorted(config.properties.fields))}: "
                    "no such setting; a policy takes its enforcementLevel only",
                )
        strangers = sorted(set(request.policyConfig) - self._names - {"all"})
        if strangers:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"policy configuration: {', '.join(strangers)}: no such policy in pack {PACK}; "
                f"its policies are {', '.join(sorted(self._names))}",
            )
        super().Configure(request, context)  # type: ignore[no-untyped-call]  # the SDK's
        return empty_pb2.Empty()

    def ConfigureStack(  # noqa: N802 - the protocol's name
        self, request: analyzer_pb2.AnalyzerStackConfigureRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzerStackConfigureResponse:
        """Take the name of the stack, for which an exception may be."""
        for other in self._others:
            other.of_stack(request.stack)
        super().ConfigureStack(request, context)
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def _reporters(
        self, response: analyzer_pb2.AnalyzeResponse, policy: Policy, level: EnforcementLevel
    ) -> Reporters:
        levels = (level, EnforcementLevel.MANDATORY, EnforcementLevel.ADVISORY)
        return Reporters(*(self._reporter(response, policy, one) for one in levels))

    def _reporter(
        self, response: analyzer_pb2.AnalyzeResponse, policy: Policy, level: EnforcementLevel
    ) -> ReportViolation:
        return self._create_report_violation(
            response, policy.name, policy.description, level, policy.severity
        )


def install_analyzer() -> None:
    """Make `PolicyPack` serve `UnknownAwareAnalyzer`. Call before it."""
    sdk._PolicyAnalyzerServicer = UnknownAwareAnalyzer  # type: ignore[assignment,misc]  # noqa: SLF001
