"""The External Secrets Operator is used so that secrets keep their owners and stay fresh."""

import re
from collections.abc import Iterator

from ._check import each_object, wrong
from ._field import value_at
from ._model import Finding, Rule, Severity
from ._subject import Body, Subject

_GROUP = "external-secrets.io"
_SERVED = ("ExternalSecret", "SecretStore", "ClusterSecretStore", "ClusterExternalSecret")
_OLD = frozenset({f"{_GROUP}/v1beta1", f"{_GROUP}/v1alpha1"})
# A duration of Go that is nothing, or less: 0, 0s, +.0s, 0h0m0s, -15m.
_NONE = r"(?:0+(?:\.0*)?|\.0+)"
_ZERO = re.compile(rf"-.*|\+?{_NONE}(?:[a-zµμ]+{_NONE})*[a-zµμ]*")
_SOURCE = "Facts of the operator's releases, looked up in its sources"
_URL = "https://external-secrets.io/latest/api/spec/"


def _old_version(subject: Subject, body: Body) -> Iterator[Finding]:
    version = body.get("apiVersion")
    if version is None and subject.token is not None:
        version = subject.token.removeprefix("kubernetes:").rpartition(":")[0]
    return wrong(
        [((*subject.where, "apiVersion"), version)],
        lambda value: isinstance(value, str) and value in _OLD,
        "the operator no longer serves this version, so it does nothing",
    )


def _open_to_all(subject: Subject, body: Body) -> Iterator[Finding]:
    return wrong(
        [value_at(body, subject.where, "spec", "conditions")],
        lambda value: not value and not (subject.partial and value is None),
        "every namespace of the cluster may read what the store holds",
    )


def _never_refreshed(subject: Subject, body: Body) -> Iterator[Finding]:
    nested = ("externalSecretSpec",) if subject.kind == "ClusterExternalSecret" else ()
    return wrong(
        [value_at(body, subject.where, "spec", *nested, "refreshInterval")],
        _is_none,
        "a secret that is changed at its source never arrives",
    )


def _is_none(interval: object) -> bool:
    return interval == 0 or (isinstance(interval, str) and bool(_ZERO.fullmatch(interval.strip())))


RULES = (
    Rule(
        name="external-secrets-version",
        severity=Severity.HIGH,
        description="An object of the External Secrets Operator must be of a version it serves.",
        remedy="write apiVersion: external-secrets.io/v1",
        source=f"{_SOURCE}: v1beta1 is no longer served",
        url=_URL,
        limitations="Generators and PushSecret, which are still v1alpha1; and which operator runs.",
        check=each_object(_SERVED, _old_version),
        tags=("secrets", "correctness"),
    ),
    Rule(
        name="secret-store-conditions",
        severity=Severity.HIGH,
        description="A store for the whole cluster must say which namespaces may use it.",
        remedy="set spec.conditions to the namespaces, or use a SecretStore in the namespace",
        source=f"{_SOURCE}: without conditions a ClusterSecretStore is for every namespace",
        url=_URL,
        limitations="Conditions that match every namespace.",
        check=each_object(("ClusterSecretStore",), _open_to_all),
        tags=("secrets",),
    ),
    Rule(
        name="external-secret-refresh",
        severity=Severity.MEDIUM,
        description="An ExternalSecret must be refreshed.",
        remedy="set refreshInterval to a time such as 15m, or leave it out (1h)",
        source=f"{_SOURCE}: a refreshInterval of 0 reads the secret once and never again",
        url=_URL,
        limitations="The refresh policy CreatedOnce, which somebody has to choose by its name.",
        check=each_object(("ExternalSecret", "ClusterExternalSecret"), _never_refreshed),
        tags=("secrets",),
    ),
)
