"""No field of a type that the API server does not take, and that the rules cannot read."""

from collections.abc import Iterator

from ._field_types import SHAPES, mistyped
from ._model import Finding, Rule, Severity
from ._subject import Subject

_WRONG = "it is not of the type that this field has, so that the API server refuses it"
# Groups whose objects have the fields that SHAPES knows, besides Kubernetes' own.
_KNOWN = frozenset(
    {
        "bitnami.com",
        "cert-manager.io",
        "external-secrets.io",
        "monitoring.coreos.com",
        "upgrade.cattle.io",
    }
)


def _check(subject: Subject) -> Iterator[Finding]:
    shape = SHAPES.get(subject.kind) if isinstance(subject.kind, str) else None
    if shape is not None and (not subject.foreign or subject.group in _KNOWN):
        for where in mistyped(subject.body, shape, subject.where):
            yield Finding.fires(where, _WRONG)


RULES = (
    Rule(
        name="field-type",
        severity=Severity.HIGH,
        description="A field that a rule reads must be of the type that the API server takes.",
        remedy=(
            'write a boolean or a number without quotes, a text such as "1" or "yes" with them, '
            "and a list or a mapping where the field is one"
        ),
        source=(
            "A rule that looks for a list sees nothing in capabilities.add: NET_ADMIN; a guard "
            "does not bet on how a value of a wrong type will be read"
        ),
        url="https://kubernetes.io/docs/reference/kubernetes-api/",
        limitations=(
            "Fields that no other rule reads; a value that a preview does not know is judged on "
            "update. Pods in an object of another group, whose fields may be others: there the "
            "rule not-evaluated says so."
        ),
        check=_check,
        tags=("correctness",),
    ),
)
