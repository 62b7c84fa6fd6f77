"""What the API server will refuse of the workloads that it has already.

``python -m policies refused`` reads a JSON list of workloads and namespaces, as the API server has
them, on standard input, and prints a list of ``{rule, resource, pods}``: each mandatory rule of the
cluster that a workload breaks without an exception, and Pod Security's where its namespace enforces
that. With ``pods`` its next pods are refused, else only a change of the workload itself.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from policies.admission import SYSTEM_NAMESPACES, denied
from policies.exceptions import (
    DEFAULT_FILE,
    Enforcer,
    Exceptions,
    ExceptionsError,
    load_exceptions,
)
from policies.rules import all_rules, every_rule, joint_rules
from policies.rules._joint import Fact, namespace_of
from policies.rules._model import Unknown, Verdict, judge
from policies.rules._subject import Subject, subjects_of_manifest

# Kubernetes' own admission, where nothing of exceptions.yaml counts.
_POD_SECURITY = next(rule for rule in joint_rules() if rule.name == "pod-security-label")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One rule that one workload breaks, and whether a pod of it breaks the rule too."""

    rule: str
    resource: str
    pods: bool


def refusals(objects: Iterable[object], exceptions: Exceptions) -> Iterator[Refusal]:
    """Those of workloads outside the cluster's own namespaces. Raises RuleFailedError."""
    facts: list[Fact] = []
    for each in objects:
        for subject in subjects_of_manifest(each):
            _, namespace = namespace_of(subject)
            if namespace in SYSTEM_NAMESPACES:
                continue
            fired = _fired(subject)
            facts += _POD_SECURITY.noted(subject, fired)
            of_pods = frozenset[str]().union(*map(_fired, _pods(subject)))
            for name in sorted((fired | of_pods) & denied()):
                if exceptions.covering(name, subject.identity) is None:
                    yield Refusal(name, subject.identity, name in of_pods)
    for fact, _ in _POD_SECURITY.joined(facts):
        if fact.about == "pods":
            yield Refusal(_POD_SECURITY.name, fact.identity, pods=True)


class RuleFailedError(Exception):
    """A rule itself failed, so that nobody knows what is refused. The text is one line."""


def _fired(subject: Subject) -> frozenset[str]:
    fired = set()
    for rule in all_rules():
        judged = judge(rule, subject)
        if judged.verdict is Verdict.FAILED:
            raise RuleFailedError(f"{subject.identity}: {rule.line(judged.findings[0])}")
        if judged.verdict is Verdict.FIRES:
            fired.add(rule.name)
    return frozenset(fired)


def _pods(subject: Subject) -> Iterator[Subject]:
    """The pods that the workload's controller makes, as objects of their own."""
    for pod in subject.pods:
        if not isinstance(pod.spec, Unknown):
            yield Subject({"metadata": {}, "spec": pod.spec}, "Pod")


def main(arguments: Sequence[str]) -> int:
    """Judge what comes on standard input; 2 where that, the call or the exceptions are wrong."""
    if arguments:
        sys.stderr.write("usage: python -m policies refused < WORKLOADS.json\n")
        return 2
    try:
        names = [rule.name for rule in every_rule()]
        exceptions = load_exceptions(DEFAULT_FILE, names, Enforcer.CLUSTER)
        workloads = json.load(sys.stdin)
    except ExceptionsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except ValueError as error:
        sys.stderr.write(f"standard input is no JSON: {error}\n")
        return 2
    if not isinstance(workloads, list):
        sys.stderr.write("standard input is no JSON list of workloads\n")
        return 2
    try:
        found = [asdict(each) for each in refusals(workloads, exceptions)]
    except RuleFailedError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{json.dumps(found)}\n")
    return 0
