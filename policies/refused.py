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

from .admission import SYSTEM_NAMESPACES, denied
from .errors import PoliciesError
from .exceptions import (
    DEFAULT_FILE,
    Enforcer,
    Exceptions,
    load_exceptions,
)
from .rules import all_rules, cross_resource_rules, every_rule
from .rules._cross_resource import Observation, namespace_of
from .rules._model import Unknown, Verdict, judge
from .rules._subject import Subject, subjects_of_manifest

# Kubernetes' own admission, where nothing of exceptions.yaml counts.
_POD_SECURITY = next(rule for rule in cross_resource_rules() if rule.name == "pod-security-label")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One rule that one workload breaks, and whether a pod of it breaks the rule too."""

    rule: str
    resource: str
    pods: bool


def refusals(objects: Iterable[object], exceptions: Exceptions) -> Iterator[Refusal]:
    """Those of workloads outside the cluster's own namespaces. Raises PoliciesError."""
    observations: list[Observation] = []
    for each in objects:
        for subject in subjects_of_manifest(each):
            _, namespace = namespace_of(subject)
            if namespace in SYSTEM_NAMESPACES:
                continue
            fired = _fired(subject)
            observations += _POD_SECURITY.observe(subject, fired)
            of_pods = frozenset[str]().union(*map(_fired, _pods(subject)))
            for name in sorted((fired | of_pods) & denied()):
                if exceptions.covering(name, subject.identity) is None:
                    yield Refusal(name, subject.identity, name in of_pods)
    for observation, _ in _POD_SECURITY.findings(observations):
        if observation.about == "pods":
            yield Refusal(_POD_SECURITY.name, observation.identity, pods=True)


def _fired(subject: Subject) -> frozenset[str]:
    fired = set()
    for rule in all_rules():
        judged = judge(rule, subject)
        if judged.verdict is Verdict.FAILED:
            raise PoliciesError(f"{subject.identity}: {rule.line(judged.findings[0])}")
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
    names = [rule.name for rule in every_rule()]
    exceptions = load_exceptions(DEFAULT_FILE, names, Enforcer.CLUSTER)
    try:
        workloads = json.load(sys.stdin)
    except ValueError as error:
        raise PoliciesError(f"standard input is no JSON: {error}") from None
    if not isinstance(workloads, list):
        raise PoliciesError("standard input is no JSON list of workloads")
    found = [asdict(each) for each in refusals(workloads, exceptions)]
    sys.stdout.write(f"{json.dumps(found)}\n")
    return 0
