"""One manifest before the three enforcers: as each takes it, and what each says."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel

from policies import crossguard
from policies.admission import expressed
from policies.loader import documents
from policies.rules import all_rules
from policies.rules._model import Verdict, judge
from policies.rules._subject import subjects_of_manifest
from workshop.testing.rule_cases import all_cases, plain

VERSIONS = {
    "Pod": "v1",
    "ReplicationController": "v1",
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}
_LABELS = {"app": "case"}
# Pod Security admits these since Kubernetes 1.37; the API server here is older and refuses them, as
# the rule unsafe-sysctl says.
_NEWER = ("net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_slow_start_after_idle")


def posted(
    api: httpx.Client, body: dict[str, Any], namespace: str = "default", *, dry: bool = True
) -> httpx.Response:
    """The API server's answer to a create, which for `dry` changes nothing."""
    kind = body["kind"]
    root = "/api" if VERSIONS[kind] == "v1" else "/apis"
    path = f"{root}/{VERSIONS[kind]}/namespaces/{namespace}/{kind.lower()}s"
    return api.post(path, json=body, params={"dryRun": "All"} if dry else {})


def completed(tree: object) -> dict[str, Any] | None:
    """A case as an object that the API server takes; None for what it does not serve."""
    if "UNKNOWN" in repr(tree) or not isinstance(tree, dict):
        return None
    if tree.get("kind") not in VERSIONS or not isinstance(tree.get("spec"), dict):
        return None
    body: dict[str, Any] = copy.deepcopy(tree)
    body["apiVersion"] = VERSIONS[body["kind"]]
    body["metadata"] = {**body.get("metadata", {}), "name": "case"}
    body["metadata"].pop("namespace", None)
    _name_parts(_pod_of(body))
    return body


def _pod_of(body: dict[str, Any]) -> dict[str, Any]:
    """The pod spec of an object, after what is around it was completed."""
    spec: dict[str, Any] = body["spec"]
    if body["kind"] == "Pod":
        return spec
    if body["kind"] == "CronJob":
        spec["schedule"] = "0 0 * * *"
        spec = spec.setdefault("jobTemplate", {}).setdefault("spec", {})
    template = spec.setdefault("template", {})
    labels = {**template.get("metadata", {}).get("labels", {}), **_LABELS}
    template["metadata"] = {**template.get("metadata", {}), "labels": labels}
    pod: dict[str, Any] = template.setdefault("spec", {})
    if body["kind"] in {"Job", "CronJob"}:
        pod["restartPolicy"] = "Never"
    elif body["kind"] == "ReplicationController":
        spec["selector"] = _LABELS
    else:
        spec["selector"] = {"matchLabels": _LABELS}
    return pod


def _name_parts(pod: dict[str, Any]) -> None:
    pod["containers"] = pod.get("containers") or [{}]
    for field in ("containers", "initContainers", "volumes"):
        for number, part in enumerate(pod.get(field) or []):
            if isinstance(part, dict):
                part.setdefault("name", f"{field.lower()}-{number}")
                if field != "volumes":
                    part.setdefault("image", "registry.example/app:v1.2.3")


def fixtures() -> Iterator[dict[str, Any]]:
    """Every case that the API server can serve, and its pods in every other kind of workload."""
    seen: set[str] = set()
    for case in all_cases():
        # The API server reads nothing of what is of a wrong type.
        if case.group == "unknown" or case.rule.name == "field-type":
            continue
        tree, _ = plain(case.tree)
        for each in (tree, *_in_every_kind(tree)):
            body = completed(each)
            text = json.dumps(body, sort_keys=True, default=str)
            too_new = any(name in text for name in _NEWER)
            if body is not None and text not in seen and not too_new:
                seen.add(text)
                yield body


def hardened(body: dict[str, Any]) -> dict[str, Any]:
    """The object with all that Pod Security's level `restricted` asks for and it says nothing of.

    What is wrong with it otherwise is then the only reason to refuse it.
    """
    safe: dict[str, Any] = copy.deepcopy(body)
    pod = _pod_of(safe)
    _fill(pod, {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}})
    for field in ("containers", "initContainers"):
        for container in pod.get(field) or []:
            if isinstance(container, dict):
                _fill(container, {"allowPrivilegeEscalation": False, "capabilities": {}})
                if isinstance(container["securityContext"]["capabilities"], dict):
                    container["securityContext"]["capabilities"].setdefault("drop", ["ALL"])
    return safe


def _fill(part: dict[str, Any], context: dict[str, Any]) -> None:
    held = part.get("securityContext")
    part["securityContext"] = {**context, **(held if isinstance(held, dict) else {})}


def _in_every_kind(tree: object) -> Iterator[dict[str, Any]]:
    """Each pod spec of a manifest in each kind of workload."""
    for pod in (pod for subject in subjects_of_manifest(tree) for pod in subject.pods):
        template = {"template": {"spec": pod.spec}}
        specs = {"Pod": pod.spec, "CronJob": {"jobTemplate": {"spec": template}}}
        for kind in VERSIONS:
            yield {"kind": kind, "spec": specs.get(kind, template)}


def found_by_scanner(body: dict[str, Any]) -> set[str]:
    """The rules that fire on the object as YAML, read as the scanner reads it.

    With every text in quotes: PyYAML leaves out those of ``1e3``, which is a number to kubectl.
    """
    (document,) = documents(json.dumps(body, ensure_ascii=False).encode())
    (subject,) = subjects_of_manifest(document)
    return {rule.name for rule in all_rules() if judge(rule, subject).verdict is Verdict.FIRES}


def found_in_preview(body: dict[str, Any]) -> set[str]:
    """The rules that fire on the object as a resource.

    Raises AssertionError when one could not be judged: nothing here is unknown.
    """
    made: Any = crossguard.UnknownAwareAnalyzer(
        "oceanid", "0.0.1", _POLICIES, EnforcementLevel.MANDATORY
    )
    said = made.Analyze(request_for(body), None).diagnostics
    assert not any("cannot be judged" in each.message for each in said)
    return {each.policyName for each in said}


def request_for(body: dict[str, Any], name: str = "case") -> analyzer_pb2.AnalyzeRequest:
    """What the engine asks about the object as a resource."""
    properties = Struct()
    properties.update(body)
    version = body["apiVersion"] if "/" in body["apiVersion"] else "core/v1"
    token = f"kubernetes:{version}:{body['kind']}"
    return analyzer_pb2.AnalyzeRequest(urn=name, type=token, name=name, properties=properties)


_POLICIES = crossguard.policies()


def warned_in_cluster(answer: httpx.Response) -> set[str]:
    """The rules that the API server warned of."""
    told = answer.headers.get_list("warning")
    return {name for name in expressed() if any(f"'oceanid-{name}'" in each for each in told)}


def warned_by_pod_security(answer: httpx.Response) -> bool:
    """Whether the namespace's level of Pod Security would refuse the pods of an object."""
    return any("would violate PodSecurity" in each for each in answer.headers.get_list("warning"))


@contextmanager
def warning_namespace(api: httpx.Client, level: str) -> Iterator[str]:
    """A namespace that warns, for pods and for what makes pods, of what breaks a level."""
    name = f"agreement-{level}"
    prefix = "pod-security.kubernetes.io/warn"
    labels = {prefix: level, f"{prefix}-version": "latest"}
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    assert api.post("/api/v1/namespaces", json=made).status_code == 201
    try:
        account = {"metadata": {"name": "default"}}
        api.post(f"/api/v1/namespaces/{name}/serviceaccounts", json=account)
        yield name
    finally:
        api.delete(f"/api/v1/namespaces/{name}")
