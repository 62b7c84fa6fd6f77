"""Policies in the API server for as long as a test needs them, all of them in force."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from workshop.testing.waiting import until

API = "/apis/admissionregistration.k8s.io/v1"
POLICIES = f"{API}/validatingadmissionpolicies"
_PLURALS = {
    "ValidatingAdmissionPolicy": POLICIES,
    "ValidatingAdmissionPolicyBinding": f"{API}/validatingadmissionpolicybindings",
}
_LAST = list(
    yaml.safe_load_all((Path(__file__).parent / "manifests" / "all_in_force.yaml").read_text())
)


@contextmanager
def applied(api: httpx.Client, wanted: list[dict[str, Any]]) -> Iterator[None]:
    """The policies and bindings for as long as the context lasts, and no trace of them after.

    The API server takes up changes about once a second, all that it has heard of till then. So a
    policy of our own is made and removed last: it is in force only when those before it are, and
    out of force only when they are gone.
    """
    every = [*wanted, *_LAST]
    try:
        for manifest in every:
            made = api.post(_PLURALS[manifest["kind"]], json=manifest)
            assert made.status_code == 201, made.text
        until(lambda: _denies(api), "the policies are in force")
        yield
    finally:
        for manifest in every:
            api.delete(f"{_PLURALS[manifest['kind']]}/{manifest['metadata']['name']}")
        until(lambda: not _denies(api), "the policies are out of force")


def _denies(api: httpx.Client) -> bool:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _LAST[0]["metadata"]}
    answer = api.post("/api/v1/namespaces/default/configmaps?dryRun=All", json=body)
    return answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY


def typed(api: httpx.Client, name: str) -> list[dict[str, Any]]:
    """What the API server's type check has against a policy, once it has been made."""

    def status() -> dict[str, Any]:
        policy = api.get(f"{POLICIES}/{name}").raise_for_status().json()
        return dict(policy.get("status", {}))

    until(lambda: "typeChecking" in status(), f"the type check of {name}")
    return list(status()["typeChecking"].get("expressionWarnings", []))
