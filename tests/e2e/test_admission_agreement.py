"""The rules and the real API server agree: on its policies, and on its own Pod Security."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from policies.admission import expressed, manifests
from policies.exceptions import Exceptions
from policies.rules import all_rules
from policies.rules._model import Verdict, judge
from policies.rules._subject import subjects_of_manifest
from policies.rules.namespace_rules import LEVELS
from tests.e2e.fleet import Fleet
from tests.e2e.test_admission import applied, posted
from tests.policies.rule_cases import all_cases, plain

pytestmark = pytest.mark.e2e

_VERSIONS = {
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
# The rule and the reason, which docs/policies.md gives under "Where the three differ".
_EXPLAINED = {"exit-node-address": "--exit-node=$("}


def completed(tree: object) -> dict[str, Any] | None:
    """A case as an object that the API server takes; None for what it does not serve."""
    if "UNKNOWN" in repr(tree) or not isinstance(tree, dict):
        return None
    if tree.get("kind") not in _VERSIONS or not isinstance(tree.get("spec"), dict):
        return None
    body: dict[str, Any] = copy.deepcopy(tree)
    body["apiVersion"] = _VERSIONS[body["kind"]]
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


def objects() -> Iterator[dict[str, Any]]:
    """Every case that the API server can serve, and its pods in every other kind of workload."""
    seen: set[str] = set()
    for case in all_cases():
        if case.group == "unknown":
            continue
        tree, _ = plain(case.tree)
        for each in (tree, *_in_every_kind(tree)):
            body = completed(each)
            text = json.dumps(body, sort_keys=True, default=str)
            if body is not None and text not in seen:
                seen.add(text)
                yield body


def _in_every_kind(tree: object) -> Iterator[dict[str, Any]]:
    for subject in subjects_of_manifest(tree):
        for pod in subject.pods:
            template = {"template": {"spec": pod.spec}}
            for kind in _VERSIONS:
                if kind == "Pod":
                    yield {"kind": kind, "spec": pod.spec}
                elif kind == "CronJob":
                    yield {"kind": kind, "spec": {"jobTemplate": {"spec": template}}}
                else:
                    yield {"kind": kind, "spec": template}


def _fired(body: dict[str, Any]) -> set[str]:
    """The rules that fire, as the scanner judges them."""
    (subject,) = subjects_of_manifest(body)
    return {rule.name for rule in all_rules() if judge(rule, subject).verdict is Verdict.FIRES}


def _warned(answer: httpx.Response) -> set[str]:
    """The rules that the API server warned of."""
    told = answer.headers.get_list("warning")
    return {name for name in expressed() if any(f"'oceanid-{name}'" in each for each in told)}


def _until_warned(api: httpx.Client, name: str) -> None:
    """Wait until the policy of a rule is in force: each comes into force by itself."""
    bodies = [body for body in objects() if name in _fired(body)][:8]
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if any(name in _warned(posted(api, body)) for body in bodies):
            return
        time.sleep(0.2)
    raise AssertionError(f"{name} never warned")


def test_the_api_server_gives_the_same_verdict_as_the_rules(fleet: Fleet) -> None:
    wanted: list[Any] = manifests(Exceptions())
    for manifest in wanted:
        if manifest["kind"] == "ValidatingAdmissionPolicyBinding":
            # A warning names every policy that fails, a denial only the first.
            manifest["spec"]["validationActions"] = ["Warn"]
    judged = 0
    different: list[str] = []
    seen: set[str] = set()
    with fleet.api() as api, applied(api, wanted):
        for name in sorted(expressed()):
            _until_warned(api, name)
        for body in objects():
            answer = posted(api, body)
            if answer.status_code != 201:  # the API server refuses it by itself
                continue
            judged += 1
            ours = _fired(body) & expressed()
            seen |= ours
            different.extend(
                f"{name}: {body}"
                for name in _warned(answer) ^ ours
                if _EXPLAINED.get(name, "nothing") not in repr(body)
            )
    assert different == []
    assert seen == expressed()
    assert judged > 300


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_what_pod_security_rejects_one_of_the_rules_rejects(fleet: Fleet, level: str) -> None:
    namespace = f"agreement-{level}"
    labels = {"pod-security.kubernetes.io/enforce": level}
    labels["pod-security.kubernetes.io/enforce-version"] = "latest"
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    made["metadata"] = {"name": namespace, "labels": labels}
    controls = LEVELS[level].keys()
    missed: list[str] = []
    stricter: set[str] = set()
    rejected = 0
    with fleet.api() as api:
        assert api.post("/api/v1/namespaces", json=made).status_code == 201
        account = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        api.post(account, json={"metadata": {"name": "default"}})
        for body in objects():
            if body["kind"] != "Pod":
                continue
            answer = posted(api, body, namespace)
            ours = _fired(body) & controls
            if answer.status_code == 403 and "violates PodSecurity" in answer.text:
                rejected += 1
                if not ours:
                    missed.append(f"{answer.json()['message']}: {body}")
            elif answer.status_code == 201:
                stricter |= ours
        api.delete(f"/api/v1/namespaces/{namespace}")
    assert missed == []
    assert rejected > 10
    # Only what the rules themselves say that they are stricter in.
    assert stricter <= {"root-user", "run-as-non-root"}
