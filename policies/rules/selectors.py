"""What selects pods or Services by their labels selects some."""

from collections.abc import Iterator, Mapping, Sequence

from ._cross_resource import CrossResourceRule, Observation, namespace_of
from ._field import value_at
from ._model import UNKNOWN, Enforcement, Finding, Severity
from ._selector import is_empty, matches
from ._subject import Subject

# Where each kind keeps its selector, and what it selects.
_SELECTORS: dict[str, tuple[str, str]] = {
    "NetworkPolicy": ("podSelector", "pods"),
    "PodDisruptionBudget": ("selector", "pods"),
    "PodMonitor": ("selector", "pods"),
    "Service": ("selector", "pods"),
    "ServiceMonitor": ("selector", "services"),
}
# Labels that controllers set on pods by themselves: no template shows them, or their value.
# https://kubernetes.io/docs/reference/labels-annotations-taints/
_MADE = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/job-name",
        "controller-revision-hash",
        "controller-uid",
        "job-name",
        "pod-template-generation",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)
_NOTHING = "it selects nothing that is in sight: the labels may be misspelled"
_SEEN = Finding.fires((), "a observation that is looked for, and never reported")


def _collect(subject: Subject, _fired: frozenset[str]) -> Iterator[Observation]:
    _, namespace = namespace_of(subject)
    for pod in subject.pods:
        yield _labelled("pods", namespace, subject.pod_metadata(pod, "labels")[1])
    if subject.kind == "Service":
        labels = value_at(subject.body, (), "metadata", "labels")[1]
        yield _labelled("services", namespace, labels)
    if isinstance(subject.kind, str) and subject.kind in _SELECTORS:
        field, about = _SELECTORS[subject.kind]
        where, selector = value_at(subject.body, subject.where, "spec", field)
        if subject.kind == "Service" and selector is not UNKNOWN:
            selector = {"matchLabels": selector}
        if about == "pods":
            selector = _without_made(selector)
        if not is_empty(selector):
            value = (about, _namespaces(subject, namespace), selector)
            yield Observation(
                subject.identity, namespace, "selects", value, Finding.fires(where, _NOTHING)
            )


def _without_made(selector: object) -> object:
    """The selector without what it asks of labels that controllers set by themselves."""
    if not isinstance(selector, Mapping):
        return selector
    equal, asked = selector.get("matchLabels"), selector.get("matchExpressions")
    if isinstance(equal, Mapping):
        equal = {key: value for key, value in equal.items() if key not in _MADE}
    if isinstance(asked, list):
        asked = [
            entry
            for entry in asked
            if not (isinstance(entry, Mapping) and entry.get("key") in tuple(_MADE))
        ]
    return {"matchLabels": equal, "matchExpressions": asked}


def _labelled(about: str, namespace: object, labels: object) -> Observation:
    held = labels if labels is UNKNOWN or isinstance(labels, Mapping) else {}
    return Observation("", namespace, about, held, _SEEN)


def _namespaces(subject: Subject, own: object) -> object:
    """Where it looks: a list of names, UNKNOWN, or None for everywhere."""
    _, wider = value_at(subject.body, (), "spec", "namespaceSelector")
    if not isinstance(wider, Mapping):
        return UNKNOWN if wider is UNKNOWN else [own]
    if wider.get("any") is True:
        return None
    names = wider.get("matchNames")
    return names if isinstance(names, list) and names else UNKNOWN if names is UNKNOWN else [own]


class _Labelled:
    """What has labels, by namespace and by each label, so that a selector asks few of them."""

    def __init__(self, observations: Sequence[Observation]) -> None:
        self._all: dict[object, list[Observation]] = {}
        self._with: dict[tuple[object, object], list[Observation]] = {}
        for observation in observations:
            self._all.setdefault(observation.about, []).append(observation)
            pairs = observation.value.items() if isinstance(observation.value, Mapping) else ()
            for pair in pairs:
                # What is unknown, or could not be looked up, is asked by every selector.
                known = all(isinstance(part, str) for part in pair)
                self._with.setdefault((observation.about, pair if known else None), []).append(
                    observation
                )
            if observation.value is UNKNOWN:
                self._with.setdefault((observation.about, None), []).append(observation)

    def candidates(self, about: str, selector: object) -> Sequence[Observation]:
        """All that the selector may match, and perhaps more."""
        equal = selector.get("matchLabels") if isinstance(selector, Mapping) else None
        for pair in equal.items() if isinstance(equal, Mapping) else ():
            if all(isinstance(part, str) for part in pair):
                named = self._with.get((about, pair), [])
                return [*named, *self._with.get((about, None), [])]
        return self._all.get(about, [])


def _evaluate(observations: Sequence[Observation]) -> Iterator[tuple[Observation, Finding]]:
    labelled = _Labelled(
        [observation for observation in observations if observation.about in {"pods", "services"}]
    )
    for observation in observations:
        if observation.about == "selects":
            about, namespaces, selector = observation.value
            answers = {
                _selected(namespaces, selector, each)
                for each in labelled.candidates(about, selector)
            }
            if True not in answers:
                doubtful = None in answers or UNKNOWN in (namespaces, selector)
                finding = observation.finding
                yield observation, Finding.unjudged(finding.where) if doubtful else finding


def _selected(namespaces: object, selector: object, each: Observation) -> bool | None:
    matched = matches(selector, each.value if isinstance(each.value, Mapping) else UNKNOWN)
    if not isinstance(namespaces, list):
        return matched if namespaces is None else (None if matched is not False else False)
    if each.namespace in namespaces and each.namespace is not UNKNOWN:
        return matched
    if each.namespace is UNKNOWN or UNKNOWN in namespaces:
        return None if matched is not False else False
    return False


CROSS_RESOURCE_RULES = (
    CrossResourceRule(
        name="selector-target",
        severity=Severity.LOW,
        enforcement=Enforcement.ADVISORY,
        description="A selector should match something in the stack or the folder that is scanned.",
        remedy="correct the selector or the labels, or define both together",
        source=(
            "A NetworkPolicy or a PodDisruptionBudget whose selector matches no pod is accepted, "
            "and protects nothing; Kubernetes on labels and selectors"
        ),
        url="https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/",
        limitations=(
            "Pods that are made elsewhere: by an operator, by a chart that is not rendered here or "
            "by another stack. That is why it advises only. A selector that matches the wrong "
            "pods; the selectors inside a NetworkPolicy's rules; the values of labels that "
            "controllers set by themselves, such as statefulset.kubernetes.io/pod-name."
        ),
        tags=("correctness",),
        collect=_collect,
        evaluate=_evaluate,
        needs_all=True,
    ),
)
