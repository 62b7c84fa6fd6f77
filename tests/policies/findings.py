"""What the rules have to say of a program that was recorded."""

from __future__ import annotations

from policies.pack import fired_on
from policies.rules import all_rules, joint_rules
from policies.rules._joint import Fact
from policies.rules._model import Enforcement, Finding, Rule, judge
from policies.rules._subject import subjects_of_resource
from tests.components.recording import Recording


def mandatory(recording: Recording) -> list[str]:
    """A line for each finding of a mandatory rule, on one resource or over all of them."""
    found: list[tuple[str, Rule, Finding]] = []
    facts: dict[str, list[Fact]] = {rule.name: [] for rule in joint_rules()}
    for each in recording.resources:
        for subject in subjects_of_resource(each.typ, each.inputs, None, each.name):
            for rule in all_rules():
                found += [(subject.identity, rule, one) for one in judge(rule, subject).findings]
            for joint in joint_rules():
                facts[joint.name].extend(joint.noted(subject, fired_on(subject)))
    for joint in joint_rules():
        found += [(fact.identity, joint, one) for fact, one in joint.joined(facts[joint.name])]
    # What a chart brings is made by the engine, so the advice on what may live elsewhere is left.
    return [
        f"{identity}: {rule.line(finding)}"
        for identity, rule, finding in found
        if rule.enforcement is Enforcement.MANDATORY
    ]
