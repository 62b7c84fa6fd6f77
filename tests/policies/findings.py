"""What the rules have to say of a program that was recorded, and the pack without its process."""

from typing import Any

from pulumi_policy import EnforcementLevel, Policy

from policies.crossguard import UnknownAwareAnalyzer
from policies.pack import fired_on
from policies.rules import all_rules, cross_resource_rules
from policies.rules._cross_resource import Observation
from policies.rules._model import Enforcement, Finding, Rule, judge
from policies.rules._subject import subjects_of_resource
from workshop.testing.recording import Recording


def analyzer(policies: list[Policy]) -> Any:
    """What the pack's process answers the engine with; the SDK leaves the types out."""
    return UnknownAwareAnalyzer("oceanid", "0.0.1", policies, EnforcementLevel.MANDATORY)


def mandatory(recording: Recording) -> list[str]:
    """A line for each finding of a mandatory rule, on one resource or over all of them."""
    found: list[tuple[str, Rule, Finding]] = []
    observations: dict[str, list[Observation]] = {rule.name: [] for rule in cross_resource_rules()}
    for each in recording.resources:
        for subject in subjects_of_resource(each.typ, each.inputs, None, each.name):
            for rule in all_rules():
                found += [(subject.identity, rule, one) for one in judge(rule, subject).findings]
            for rule in cross_resource_rules():
                observations[rule.name].extend(rule.observe(subject, fired_on(subject)))
    for rule in cross_resource_rules():
        found += [
            (observation.identity, rule, one)
            for observation, one in rule.findings(observations[rule.name])
        ]
    # What a chart brings is made by the engine, so the advice on what may live elsewhere is left.
    return [
        f"{identity}: {rule.line(finding)}"
        for identity, rule, finding in found
        if rule.enforcement is Enforcement.MANDATORY
    ]
