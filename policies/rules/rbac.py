"""Nobody gets more of the API server than a program needs."""

from collections.abc import Iterator

from ._check import each_object, each_role_rule, wrong
from ._field import entries_of, value_at
from ._model import UNKNOWN, Enforcement, Finding, Path, Rule, Severity
from ._subject import Body, Subject

_BINDINGS = ("RoleBinding", "ClusterRoleBinding")
_ALL_POWERS = ("cluster-admin", "system:masters")
# A resource or a path; */exec and such are rbac-escalation's and rbac-reach's.
_EVERYTHING = ("*", "*/*", "/*")
_GRANTS_ALL = "it grants what exists and whatever will exist"
_URL = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"


def _wildcards(_subject: Subject, rule: object, where: Path) -> Iterator[Finding]:
    for field in ("verbs", "resources", "apiGroups", "nonResourceURLs"):
        place, listed = value_at(rule, where, field)
        granted = entries_of(listed, place)
        yield from wrong(granted, lambda entry: entry in _EVERYTHING, _GRANTS_ALL)


def _cluster_admin(subject: Subject, body: Body) -> Iterator[Finding]:
    return wrong(
        [value_at(body, subject.where, "roleRef", "name")],
        lambda name: name in _ALL_POWERS,
        "whoever is bound can do everything, on every node",
    )


def _secrets(_subject: Subject, rule: object, where: Path) -> Iterator[Finding]:
    place, resources = value_at(rule, where, "resources")
    named_at, names = value_at(rule, where, "resourceNames")
    for at, entry in entries_of(resources, place):
        if entry is UNKNOWN:
            yield Finding.unjudged(at)
        elif entry not in ("secrets", "*") or not _of_the_core_group(rule):
            continue
        elif names is UNKNOWN:
            yield Finding.unjudged(named_at)
        elif not names:
            yield Finding.fires(at, "it opens every Secret of the namespace or the cluster")


def _of_the_core_group(rule: object) -> bool:
    groups = rule.get("apiGroups") if isinstance(rule, dict) else None
    # Groups that are missing or unknown may be the core group.
    return not isinstance(groups, list) or any(group in ("", "*", UNKNOWN) for group in groups)


RULES = (
    Rule(
        name="rbac-wildcard",
        severity=Severity.HIGH,
        description="A role must name the verbs, resources, groups and paths that it grants.",
        remedy="write out what the program needs instead of *",
        source="Kubernetes' good practices for RBAC, least privilege",
        url=_URL,
        limitations="What an aggregated ClusterRole collects, and the cluster's own roles.",
        check=each_role_rule(_wildcards),
        tags=("rbac",),
    ),
    Rule(
        name="cluster-admin",
        severity=Severity.HIGH,
        description="Nobody must be bound to the role cluster-admin.",
        remedy="bind a role of its own that grants what is needed",
        source="Kubernetes' good practices for RBAC, avoid cluster-admin",
        url=_URL,
        limitations="A role of another name that grants as much, and bindings made outside.",
        check=each_object(_BINDINGS, _cluster_admin),
        tags=("rbac",),
    ),
    Rule(
        name="rbac-secrets",
        severity=Severity.MEDIUM,
        enforcement=Enforcement.ADVISORY,
        description="A role should open Secrets by name, not all of a namespace.",
        remedy="add resourceNames, and make the Secret beforehand where create would be needed",
        source="Kubernetes' good practices for RBAC, Secrets; RBAC cannot limit create by name",
        url=_URL,
        limitations="Secrets that a program may read by mounting them into a pod it may create.",
        check=each_role_rule(_secrets),
        tags=("rbac", "secrets"),
    ),
)
