"""Rights by which whoever holds them gets every other right, or runs programs in any pod."""

from collections.abc import Iterator
from dataclasses import dataclass

from ._check import Check, each_role_rule
from ._field import entries_of, value_at
from ._model import UNKNOWN, Enforcement, Finding, Path, Rule, Severity, Verdict
from ._subject import Subject

_URL = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"
_CORE = ""
_RBAC = "rbac.authorization.k8s.io"
_CERTIFICATES = "certificates.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_ANY = "*"
# Names that give everything, so that to bind or to be one of them is not bounded by its name.
_ALL_POWERS = frozenset({"admin", "cluster-admin", "edit", "system:masters", "system:admin"})


@dataclass(frozen=True, slots=True)
class _Power:
    """Verbs on resources of one group, and why they are dangerous.

    `nameable` when resourceNames bound the power, unless they name one of `_ALL_POWERS`.
    `cluster` when it is over objects outside namespaces, which a Role cannot grant.
    """

    group: str
    resources: frozenset[str]
    verbs: frozenset[str]
    harm: str
    nameable: bool = False
    cluster: bool = False


def _power(
    group: str,
    resources: str,
    verbs: str,
    harm: str,
    *,
    nameable: bool = False,
    cluster: bool = False,
) -> _Power:
    split = frozenset(resources.split()), frozenset(verbs.split())
    return _Power(group, *split, harm, nameable, cluster)


_ESCALATIONS = (
    _power(
        _RBAC, "roles clusterroles", "escalate", "whoever may escalate can give a role every right"
    ),
    _power(
        _RBAC,
        "roles clusterroles",
        "bind",
        "whoever may bind roles can bind cluster-admin to themselves",
        nameable=True,
    ),
    _power(
        _CORE,
        "users groups serviceaccounts",
        "impersonate",
        "whoever may impersonate can act as anybody, also as cluster-admin",
        nameable=True,
    ),
    _power(
        "authentication.k8s.io",
        "uids",
        "impersonate",
        "whoever may impersonate can act as anybody",
        nameable=True,
        cluster=True,
    ),
    _power(
        _CORE,
        "nodes/proxy",
        "get create update patch delete",
        "it opens the kubelet's API, which runs commands in every pod and is not in the audit log",
        nameable=True,
        cluster=True,
    ),
    _power(
        _CERTIFICATES,
        "certificatesigningrequests/approval",
        "update patch",
        "whoever approves certificates can have one of any user",
        cluster=True,
    ),
    _power(
        _CERTIFICATES,
        "signers",
        "approve sign",
        "whoever approves certificates can have one of any user",
        nameable=True,
        cluster=True,
    ),
    _power(
        _ADMISSION,
        "validatingwebhookconfigurations mutatingwebhookconfigurations "
        "validatingadmissionpolicies validatingadmissionpolicybindings "
        "mutatingadmissionpolicies mutatingadmissionpolicybindings",
        "create update patch delete deletecollection",
        "whoever writes these reads and changes every object, or turns the cluster's rules off",
        nameable=True,
        cluster=True,
    ),
)
_REACHES = (
    _power(
        _CORE,
        "pods/exec pods/attach pods/ephemeralcontainers",
        "get create update patch",
        "it runs commands in other pods, with the rights and the secrets that they have",
        nameable=True,
    ),
    _power(
        _CORE,
        "pods/portforward pods/proxy services/proxy",
        "get create update patch delete",
        "it reaches the ports of other pods past every NetworkPolicy",
        nameable=True,
    ),
    _power(
        _CORE,
        "serviceaccounts/token",
        "create",
        "it makes tokens of any service account of the namespace or the cluster",
        nameable=True,
    ),
)


def _powers(powers: tuple[_Power, ...]) -> Check:
    def judge(subject: Subject, rule: object, where: Path) -> Iterator[Finding]:
        unseen: set[Path] = set()
        for power in powers:
            if power.cluster and subject.kind == "Role":
                continue
            for finding in _granted(power, rule, where):
                if finding.verdict is Verdict.FIRES:
                    yield finding
                else:
                    unseen.add(finding.where)
        for place in sorted(unseen, key=repr):
            yield Finding.unjudged(place)

    return each_role_rule(judge)


def _granted(power: _Power, rule: object, where: Path) -> Iterator[Finding]:
    """Where a rule of a role grants a power; what is unknown and could decide it."""
    doubts: list[Path] = []
    places: list[list[Path]] = []
    for field, wanted in (
        ("verbs", power.verbs),
        ("resources", power.resources),
        ("apiGroups", frozenset({power.group})),
    ):
        at, listed = value_at(rule, where, field)
        entries = list(entries_of(listed, at))
        matching = [place for place, entry in entries if _is_of(entry, wanted, field)]
        unknown = [place for place, entry in entries if entry is UNKNOWN]
        if field == "apiGroups" and listed is None:
            matching = [at]  # a rule that names no group may be meant for this one
        if not matching and not unknown:
            return
        doubts += [] if matching else unknown
        places.append(matching)
    at, names = value_at(rule, where, "resourceNames")
    if power.nameable and names is UNKNOWN:
        doubts.append(at)
    elif power.nameable and isinstance(names, list) and names:
        held = [entry for _, entry in entries_of(names, at)]
        if not any(isinstance(name, str) and name in _ALL_POWERS for name in held):
            if UNKNOWN not in held:
                return
            doubts.append(at)
    if doubts:
        yield from map(Finding.unjudged, doubts)
        return
    # The resource says most; a verb of one meaning says it itself.
    verbs, resources, _ = places
    yield from (
        Finding.fires(place, power.harm)
        for place in (verbs if len(power.verbs) == 1 else resources)
    )


def _is_of(entry: object, wanted: frozenset[str], field: str) -> bool:
    if not isinstance(entry, str):
        return False
    if entry == _ANY or entry in wanted:
        return True
    # */exec is the subresource of every resource.
    return (
        field == "resources"
        and entry.startswith("*/")
        and any(name.endswith(entry[1:]) for name in wanted)
    )


_SOURCE = "Kubernetes' good practices for RBAC, privilege escalation risks"

RULES = (
    Rule(
        name="rbac-escalation",
        severity=Severity.CRITICAL,
        description=(
            "A role must not grant what leads to every right: escalate, bind, impersonate, "
            "nodes/proxy, the approval of certificates, the cluster's admission webhooks."
        ),
        remedy=(
            "remove it; where a program needs it for one object, name that object in resourceNames"
        ),
        source=_SOURCE,
        url=_URL,
        limitations=(
            "What an aggregated ClusterRole collects, the cluster's own roles, and the right to "
            "make pods, which leads as far where Pod Security does not bound it. A name in "
            "resourceNames counts as a bound unless it is that of cluster-admin or its like."
        ),
        check=_powers(_ESCALATIONS),
        tags=("rbac",),
    ),
    Rule(
        name="rbac-reach",
        severity=Severity.HIGH,
        enforcement=Enforcement.ADVISORY,
        description=(
            "A role should not open other programs' pods or tokens: exec, attach, port-forward, "
            "service account tokens."
        ),
        remedy="remove it, or name the objects in resourceNames",
        source=f"{_SOURCE}; it advises, because operators such as External Secrets need tokens",
        url=_URL,
        limitations="What an aggregated ClusterRole collects, and the cluster's own roles.",
        check=_powers(_REACHES),
        tags=("rbac",),
    ),
)
