"""What the API server will refuse of the workloads that it has already.

A workload breaks a mandatory rule of the cluster without an exception, or Pod Security's where its
namespace enforces that.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .admission import SYSTEM_NAMESPACES, denied
from .errors import PoliciesError
from .exceptions import Exceptions
from .rules import all_rules, cross_resource_rules
from .rules._cross_resource import Observation, namespace_of
from .rules._model import Unknown, Verdict, judge
from .rules._subject import Subject, subjects_of_manifest

# Kubernetes' own admission, where nothing of exceptions.yaml counts.
_POD_SECURITY = next(rule for rule in cross_resource_rules() if rule.name == "pod-security-label")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One rule that one workload breaks.

    With `pods` its next pods are refused, else only a change of the workload itself.
    """

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
