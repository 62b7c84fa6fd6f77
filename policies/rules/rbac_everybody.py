"""No role is bound to everybody."""

from collections.abc import Iterator

from ._check import each_object
from ._field import entries_of, value_at
from ._model import UNKNOWN, Finding, Rule, Severity
from ._subject import Body, Subject

_BINDINGS = ("RoleBinding", "ClusterRoleBinding")
# Whom a binding must not name, by the kind of its subject, and why.
_EVERYBODY: dict[str, dict[str, str]] = {
    "User": {"system:anonymous": "whoever reaches the API server has this role, without a login"},
    "Group": {
        "system:unauthenticated": "whoever reaches the API server has this role, without a login",
        "system:authenticated": "every user and every pod of the cluster has this role",
        "system:serviceaccounts": "every pod of the cluster has this role",
        "system:masters": (
            "members of this group can do everything past every role, and nothing revokes it"
        ),
    },
}


def _everybody(subject: Subject, body: Body) -> Iterator[Finding]:
    for where, bound in entries_of(body.get("subjects"), (*subject.where, "subjects")):
        if bound is UNKNOWN:
            yield Finding.unjudged(where)
            continue
        kind_at, kind = value_at(bound, where, "kind")
        name_at, name = value_at(bound, where, "name")
        if kind not in (UNKNOWN, *_EVERYBODY):
            continue
        if name is UNKNOWN:
            yield Finding.unjudged(name_at)
            continue
        for named_kind, names in _EVERYBODY.items():
            harm = names.get(name) if isinstance(name, str) else None
            if harm is not None and kind in (named_kind, UNKNOWN):
                if kind is UNKNOWN:
                    yield Finding.unjudged(kind_at)
                else:
                    yield Finding.fires(name_at, harm)


RULES = (
    Rule(
        name="rbac-everybody",
        severity=Severity.CRITICAL,
        description=(
            "A role must not be bound to everybody, to nobody in particular or to system:masters."
        ),
        remedy="bind it to the service account or the group of people that needs it",
        source="Kubernetes' good practices for RBAC; anonymous users of an API server in the open",
        url="https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
        limitations=(
            "The cluster's own bindings, such as system:public-info-viewer, and what an "
            "authentication proxy or a certificate makes of a user."
        ),
        check=each_object(_BINDINGS, _everybody),
        tags=("rbac",),
    ),
)
