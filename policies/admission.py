"""The rules that CEL can express, as ValidatingAdmissionPolicies: plain data, for the API server.

``python -m policies admission`` writes them into the file that `components/admission` deploys.
They are data there, and not code, because the components import nothing from here and because a
change of what the API server will refuse is then seen in a review.

The CEL is that of Kubernetes 1.30 and later: optional types (``.?``) are left out, and ``object``
is taken as ``dyn``, because one policy is for every workload kind.
"""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from .commands import written
from .exceptions import DatedException, Enforcer, Exceptions, load_exceptions
from .rules import all_rules
from .rules._model import Enforcement, Rule

DATA_FILE = (
    Path(__file__).resolve().parent.parent / "components" / "admission" / "admission_policies.json"
)
Manifest = dict[str, object]

_API = "admissionregistration.k8s.io/v1"
# The cluster's own: a fault of a policy must not keep it from mending itself.
SYSTEM_NAMESPACES = ("kube-node-lease", "kube-public", "kube-system")
_RESOURCES = (
    ("", ("pods", "pods/ephemeralcontainers", "replicationcontrollers")),
    ("apps", ("daemonsets", "deployments", "replicasets", "statefulsets")),
    ("batch", ("cronjobs", "jobs")),
)
_POD = (
    "dyn(object).kind == 'Pod' ? dyn(object).spec : "
    "dyn(object).kind == 'CronJob' ? dyn(object).spec.jobTemplate.spec.template.spec : "
    "dyn(object).spec.template.spec"
)
_CONTAINERS = " + ".join(
    f"(has(variables.pod.{field}) ? variables.pod.{field} : [])"
    for field in ("containers", "initContainers", "ephemeralContainers")
)
_IMAGES = (
    "variables.containers.filter(c, has(c.image) && c.image != '').map(c, c.image) + "
    "(has(variables.pod.volumes) ? variables.pod.volumes.filter(v, has(v.image) && "
    "has(v.image.reference)).map(v, v.image.reference) : [])"
)
# What Kubernetes hands a container: the values of its variables, with a NUL between them because
# none is read on from the one before, and its command with its arguments, which are.
_TEXTS = (
    "variables.containers.filter(c, has(c.env)).map(c, "
    "c.env.filter(e, has(e.value)).map(e, e.value).join('\\u0000')) + "
    "variables.containers.map(c, "
    "((has(c.command) ? c.command : []) + (has(c.args) ? c.args : [])).join('\\n'))"
)
_VARIABLES = (
    ("pod", _POD),
    ("containers", _CONTAINERS),
    ("images", _IMAGES),
    ("texts", _TEXTS),
)
# An object that was there before the policy must be able to lose its finalizers and be deleted.
_CHANGED = (
    "request.operation == 'CREATE' || "
    "(!has(object.metadata.deletionTimestamp) && dyn(object).spec != dyn(oldObject).spec)"
)
# Who makes the pods of a workload, where it is not the workload itself.
_MAKES = {"Deployment": "ReplicaSet", "CronJob": "Job"}


@cache
def expressed() -> frozenset[str]:
    """The names of the rules that the API server can enforce."""
    return frozenset(rule.name for rule in all_rules() if rule.cel_expression is not None)


@cache
def denied() -> frozenset[str]:
    """The names of those whose binding denies; the others warn."""
    return frozenset(
        rule.name
        for rule in all_rules()
        if rule.cel_expression is not None and rule.enforcement is Enforcement.MANDATORY
    )


def manifests(exceptions: Exceptions) -> list[Manifest]:
    """A ValidatingAdmissionPolicy and a binding for each rule with a CEL expression, by name."""
    made: list[Manifest] = []
    for rule in all_rules():
        if rule.cel_expression is not None:
            made.extend((_policy(rule, rule.cel_expression, exceptions), _binding(rule)))
    return made


def _policy(rule: Rule, cel: str, exceptions: Exceptions) -> Manifest:
    used = [pair for pair in _VARIABLES if _needs(cel, pair[0])]
    return {
        "apiVersion": _API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {
            "name": f"oceanid-{rule.name}",
            "labels": _labels(rule),
            **_excepted(rule, exceptions),
        },
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [group],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": list(resources),
                    }
                    for group, resources in _RESOURCES
                ]
            },
            "matchConditions": [
                {"name": "spec-is-new", "expression": _CHANGED},
                *(
                    {"name": f"exception-{number}", "expression": _unless(entry)}
                    for number, entry in enumerate(_in_force(rule, exceptions), start=1)
                ),
            ],
            "variables": [{"name": name, "expression": text} for name, text in used],
            "validations": [
                {
                    "expression": cel,
                    "message": f"{rule.name}: {rule.description} Remedy: {rule.remedy}",
                    "reason": "Forbidden",
                }
            ],
        },
    }


def _needs(cel: str, variable: str) -> bool:
    """Whether the expression uses a variable, by itself or by another that it uses."""
    if f"variables.{variable}" in cel:
        return True
    return any(
        f"variables.{variable}" in text and _needs(cel, name)
        for name, text in _VARIABLES
        if name != variable
    )


def _binding(rule: Rule) -> Manifest:
    name = f"oceanid-{rule.name}"
    return {
        "apiVersion": _API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name, "labels": _labels(rule)},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny" if rule.name in denied() else "Warn", "Audit"],
            "matchResources": {
                "namespaceSelector": {
                    "matchExpressions": [
                        {
                            "key": "kubernetes.io/metadata.name",
                            "operator": "NotIn",
                            "values": list(SYSTEM_NAMESPACES),
                        }
                    ]
                }
            },
        },
    }


def _labels(rule: Rule) -> Manifest:
    return {
        "app.kubernetes.io/part-of": "oceanid",
        "oceanid.io/severity": rule.severity.value,
    }


def _excepted(rule: Rule, exceptions: Exceptions) -> Manifest:
    """What the policy lets pass and until when, for whoever looks at it in the cluster."""
    lines = "\n".join(
        f"{entry.resource} until {entry.expires}: {entry.reason}"
        for entry in _in_force(rule, exceptions)
    )
    return {"annotations": {"oceanid.io/exceptions": lines}} if lines else {}


def _in_force(rule: Rule, exceptions: Exceptions) -> list[DatedException]:
    return [
        entry
        for entry in exceptions.entries
        if entry.rule == rule.name
        and Enforcer.CLUSTER in entry.enforcers
        and entry.expires >= exceptions.today
    ]


def _unless(entry: DatedException) -> str:
    """True for every object but the excepted one and what its controllers make of it, in time."""
    kind, _, place = entry.resource.partition(" ")
    namespace, _, name = place.rpartition("/")
    kind, namespace, name = (json.dumps(text) for text in (kind, namespace or "default", name))
    maker = _MAKES.get(json.loads(kind))
    same = f"(object.kind == {kind} && object.metadata.name == {name})"
    owned = f"o.kind == {kind} && o.name == {name}"
    if maker is not None:
        owned = f"({owned}) || (o.kind == {json.dumps(maker)} && o.name.startsWith({name} + '-'))"
    owners = "object.metadata.ownerReferences"
    made = f"(has({owners}) && {owners}.exists(o, {owned}))"
    return f"!(request.namespace == {namespace} && ({same} || {made}) && ({_until(entry.expires)}))"


def _until(last: date) -> str:
    """True through a day, as UTC has it, by the API server's own clock.

    CEL has no clock, but the API server writes the time into an object before it asks the
    policies: the time of creation, which no client can set (Store.Create of
    k8s.io/apiserver v0.35.4, registry/generic/registry/store.go), and on an update that of the
    manager whose fields change. A client may ask for no managed fields: then nothing is excepted.
    """
    end = json.dumps(f"{last + timedelta(days=1)}T00:00:00Z")
    fields = "dyn(object).metadata.managedFields"
    return (
        f"request.operation == 'CREATE' ? "
        f"timestamp(dyn(object).metadata.creationTimestamp) < timestamp({end}) : "
        f"has({fields}) && {fields}.exists(m, has(m.time)) && "
        f"{fields}.all(m, !has(m.time) || timestamp(m.time) < timestamp({end}))"
    )


def text(exceptions: Exceptions | None = None) -> str:
    """The data file as text. Raises PoliciesError when the exceptions are wrong."""
    held = exceptions or load_exceptions(Enforcer.CLUSTER)
    return f"{json.dumps(manifests(held), indent=2)}\n"


def main(arguments: Sequence[str]) -> int:
    return written("admission", text(), DATA_FILE, arguments)
