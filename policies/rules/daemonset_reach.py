"""A DaemonSet never reaches every node at once."""

from collections.abc import Iterable, Iterator

from ._check import each_object, each_pod, wrong
from ._field import entries_of, value_at
from ._model import UNKNOWN, Enforcement, Finding, Path, Rule, Severity, Unknown
from ._subject import Body, Pod, Subject

WAVE_LABEL = "oceanid.io/wave"
# Labels that every node has, so that choosing by them chooses nothing. k3s gives the last to each.
_ON_EVERY_NODE = frozenset(
    {
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "egress.k3s.io/cluster",
    }
)
# Their values on every node of k3s and RKE2, where no cloud gives others.
_INSTANCE_TYPES = frozenset(
    {"node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"}
)
_EVERY_INSTANCE = ("k3s", "rke2")
# Labels and fields that every node has with a value of its own, the last ones where a cloud gives
# them: to ask for a value chooses, to ask that there is one does not.
_OF_EVERY_NODE = _INSTANCE_TYPES | frozenset(
    {
        "kubernetes.io/hostname",
        "metadata.name",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
    }
)
# The operators that choose. What only leaves nodes out (NotIn, DoesNotExist) does not.
_POSITIVE = ("Exists", "Gt", "In", "Lt")
_EVERYWHERE = "the DaemonSet starts on every node at once, so what is wrong with it is everywhere"
# What an update may do to how many nodes at a time, and what it then does.
_BOUNDS = {
    "maxUnavailable": "the update takes more than one node at a time out of service",
    "maxSurge": "the update starts its new pods on more than one node at a time",
}


def _everywhere(subject: Subject, body: Body) -> Iterator[Finding]:
    labels = [
        value_at(body, subject.where, *path, "metadata", "labels")
        for path in ((), ("spec", "template"))
    ]
    if any(isinstance(held, dict) and WAVE_LABEL in held for _, held in labels):
        return
    unseen = [where for where, held in labels if held is UNKNOWN]
    for pod in subject.pods:
        if isinstance(pod.spec, Unknown):
            yield Finding.unjudged(pod.where)
        else:
            yield from _unless_chosen(pod, pod.spec, unseen)


def _unless_chosen(pod: Pod, spec: Body, doubts: list[Path]) -> Iterator[Finding]:
    """`doubts` are the places of labels that are not known and may name a wave."""
    where, selector = value_at(spec, pod.where, "nodeSelector")
    if pod.partial and selector is None and "affinity" not in spec:
        return  # a patch leaves the choice of nodes as it is
    pairs = selector if isinstance(selector, dict) else {}
    chosen = any(_chooses(key, value) for key, value in pairs.items())
    if selector is UNKNOWN:
        doubts = [*doubts, where]
    doubts = doubts + [
        (*where, key) for key, value in pairs.items() if key in _INSTANCE_TYPES and value is UNKNOWN
    ]
    for narrows in _affinities(spec, pod.where):
        if isinstance(narrows, bool):
            chosen = chosen or narrows
        else:
            doubts = [*doubts, narrows]
    if not chosen:
        yield Finding.unjudged(doubts[-1]) if doubts else Finding.fires(where, _EVERYWHERE)


def _chooses(key: object, value: object) -> bool:
    """Whether a pair of a nodeSelector leaves some nodes out."""
    if key in _INSTANCE_TYPES:
        return value is not UNKNOWN and value not in _EVERY_INSTANCE
    return isinstance(key, str) and key not in _ON_EVERY_NODE


def _affinities(spec: Body, where: Path) -> Iterator[bool | Path]:
    """Whether the required node affinity chooses some nodes; the place of what is unknown."""
    place, terms = value_at(
        spec,
        where,
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
    )
    narrowing = []
    for at, term in entries_of(terms, place):
        if term is UNKNOWN:
            yield at
            return
        expressions = [
            expression
            for field in ("matchExpressions", "matchFields")
            for expression in entries_of(value_at(term, at, field)[1], (*at, field))
        ]
        for position, expression in expressions:
            doubt = _unknown_in(expression, position)
            if doubt is not None:
                yield doubt
                return
        narrowing.append(any(_narrows(expression) for _, expression in expressions))
    # Terms are alternatives: all must narrow. To leave some nodes out is not to choose one.
    yield bool(narrowing) and all(narrowing)


def _unknown_in(expression: object, position: Path) -> Path | None:
    """The place of what is not known in a requirement and decides whether it narrows."""
    if expression is UNKNOWN:
        return position
    if isinstance(expression, dict):
        for field in ("operator", "key"):
            if expression.get(field) is UNKNOWN:
                return (*position, field)
        if expression.get("key") in tuple(_INSTANCE_TYPES):
            place, values = value_at(expression, position, "values")
            return next((at for at, entry in entries_of(values, place) if entry is UNKNOWN), None)
    return None


def _narrows(expression: object) -> bool:
    if not isinstance(expression, dict):
        return False
    key, operator = expression.get("key"), expression.get("operator")
    if not isinstance(key, str) or key in _ON_EVERY_NODE or operator not in _POSITIVE:
        return False
    if operator == "Exists":
        return key not in _OF_EVERY_NODE
    values = expression.get("values")
    listed = values if isinstance(values, list) else []
    return key not in _INSTANCE_TYPES or not any(value in _EVERY_INSTANCE for value in listed)


def _blanket_tolerations(subject: Subject) -> Iterable[Finding]:
    may_be = isinstance(subject.kind, Unknown) or subject.kind == "DaemonSet"
    return _TOLERATIONS(subject) if may_be else ()


def _tolerates_all(pod_where: Path, spec: Body) -> Iterator[Finding]:
    for where, toleration in entries_of(spec.get("tolerations"), (*pod_where, "tolerations")):
        if toleration is UNKNOWN:
            yield Finding.unjudged(where)
        elif isinstance(toleration, dict):
            key, operator = toleration.get("key"), toleration.get("operator")
            if key is UNKNOWN or operator is UNKNOWN:
                yield Finding.unjudged((*where, "key" if key is UNKNOWN else "operator"))
            elif operator == "Exists" and not key:
                yield Finding.fires(
                    where, "the pods go to nodes that are tainted because they are in trouble"
                )


_TOLERATIONS = each_pod(lambda pod, spec: _tolerates_all(pod.where, spec))


def _unbounded(subject: Subject, body: Body) -> Iterator[Finding]:
    for field, message in _BOUNDS.items():
        bound = value_at(body, subject.where, "spec", "updateStrategy", "rollingUpdate", field)
        yield from wrong([bound], lambda value: value not in (None, 0, 1, "0", "1", "0%"), message)


# Untyped, because not every kind that the policy is asked about has these fields.
_TEMPLATE = "dyn(object).spec.template"
_STRATEGY = "dyn(object).spec.updateStrategy"
_REQUIRED = "variables.pod.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
_NARROWS_CEL = (
    f"e.operator in {list(_POSITIVE)} && !(e.key in {sorted(_ON_EVERY_NODE)}) && "
    f"!(e.operator == 'Exists' && e.key in {sorted(_OF_EVERY_NODE)}) && "
    f"!(e.key in {sorted(_INSTANCE_TYPES)} && has(e.values) && "
    f"e.values.exists(v, v in {list(_EVERY_INSTANCE)}))"
)
_REACH_CEL = (
    "object.kind != 'DaemonSet' || "
    f"(has(object.metadata.labels) && '{WAVE_LABEL}' in object.metadata.labels) || "
    f"(has({_TEMPLATE}.metadata) && has({_TEMPLATE}.metadata.labels) && "
    f"'{WAVE_LABEL}' in {_TEMPLATE}.metadata.labels) || "
    "(has(variables.pod.nodeSelector) && "
    f"variables.pod.nodeSelector.exists(k, !(k in {sorted(_ON_EVERY_NODE)}) && "
    f"!(k in {sorted(_INSTANCE_TYPES)} && "
    f"variables.pod.nodeSelector[k] in {list(_EVERY_INSTANCE)}))) || "
    "(has(variables.pod.affinity) && has(variables.pod.affinity.nodeAffinity) && "
    f"has({_REQUIRED}) && {_REQUIRED}.nodeSelectorTerms.size() > 0 && "
    f"{_REQUIRED}.nodeSelectorTerms.all(t, "
    f"(has(t.matchExpressions) && t.matchExpressions.exists(e, {_NARROWS_CEL})) || "
    f"(has(t.matchFields) && t.matchFields.exists(e, {_NARROWS_CEL}))))"
)
_ROLLING = f"{_STRATEGY}.rollingUpdate"
_BOUND_CEL = (
    f"object.kind != 'DaemonSet' || !has({_STRATEGY}) || !has({_ROLLING}) || "
    + " && ".join(
        f"(!has({_ROLLING}.{field}) || string({_ROLLING}.{field}) in ['0', '1', '0%'])"
        for field in _BOUNDS
    )
)
_SOURCE = "Incident of 2025-10-13: the DaemonSet reached all nodes within seconds"
_URL = "https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/"
_REMEDY = (
    "roll it out in waves: a DaemonSet for each wave with a nodeSelector (a canary node first) and "
    f"the label {WAVE_LABEL}; the last wave, which takes the rest, needs the label only"
)

RULES = (
    Rule(
        name="daemonset-reach",
        severity=Severity.HIGH,
        description="A DaemonSet must not start on every node at once.",
        remedy=_REMEDY,
        source=_SOURCE,
        url=_URL,
        limitations=(
            "How many nodes carry the labels and values that are chosen, and whether the waves "
            "wait for each other. An affinity that only leaves nodes out (NotIn, DoesNotExist) "
            "counts as every node: the DaemonSet of the incident had one. Labels that somebody put "
            "on every node; a region or a zone that is asked for by its value may hold every node."
        ),
        check=each_object(("DaemonSet",), _everywhere),
        cel_expression=_REACH_CEL,
        tags=("rollout", "incident-2025-10-13"),
    ),
    Rule(
        name="daemonset-tolerations",
        severity=Severity.MEDIUM,
        enforcement=Enforcement.ADVISORY,
        description="A DaemonSet should tolerate only the taints that it names.",
        remedy="name the key of each taint that the pods may ignore",
        source="The incident's DaemonSet tolerated every taint, also those of nodes in trouble",
        url="https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/",
        limitations="The tolerations that the DaemonSet controller adds by itself.",
        check=_blanket_tolerations,
        tags=("rollout",),
    ),
    Rule(
        name="daemonset-rollout-bound",
        severity=Severity.HIGH,
        description="An update of a DaemonSet must take one node at a time.",
        remedy=(
            "remove maxUnavailable (the default is 1) or set it to 1; or set maxSurge to 1 and "
            "maxUnavailable to 0"
        ),
        source=f"{_SOURCE}; these bound updates only, creation is bound by waves",
        url=_URL,
        limitations="The first rollout, which maxUnavailable and maxSurge do not bound.",
        check=each_object(("DaemonSet",), _unbounded),
        cel_expression=_BOUND_CEL,
        tags=("rollout",),
    ),
)
