"""`pulumi policy analyze`: the pack over the state of a stack, with the real engine and no program.

The engine of these tests (3.246.0) takes a stack and no file, so the state is imported into one.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from workshop.testing.checkout import passed
from workshop.testing.local_stack import LocalStack
from workshop.testing.rule_cases import HERE

pytestmark = pytest.mark.slow

ROOT = HERE.parents[1]
_KUBERNETES = "urn:pulumi:kept::reef::pulumi:providers:kubernetes::cluster"
_PROVIDER_ID = "00000000-0000-4000-8000-000000000000"


class KeptStack(LocalStack):
    """A stack with a state and no program that could be run."""

    def __init__(self, folder: Path) -> None:
        (folder / "Pulumi.yaml").write_text("{name: reef, runtime: python}\n")
        super().__init__(folder)

    def keep(self, *bodies: dict[str, Any]) -> None:
        state = {"version": 3, "deployment": {"manifest": {}, "resources": _resources(bodies)}}
        (self.folder / "state.json").write_text(json.dumps(state))
        passed(self.run("stack", "import", "--stack", "kept", "--file", "state.json"))

    def analyze(self) -> subprocess.CompletedProcess[str]:
        pack = ("--policy-pack", str(ROOT / "policies"))
        return self.run("policy", "analyze", "--stack", "kept", "--json", *pack)


def _resources(bodies: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = [
        {
            "urn": _KUBERNETES,
            "type": "pulumi:providers:kubernetes",
            "custom": True,
            "id": _PROVIDER_ID,
            "inputs": {"version": "4.25.0"},
            "outputs": {"version": "4.25.0"},
        }
    ]
    for number, body in enumerate(bodies):
        version = body["apiVersion"] if "/" in body["apiVersion"] else "core/v1"
        token = f"kubernetes:{version}:{body['kind']}"
        resources.append(
            {
                "urn": f"urn:pulumi:kept::reef::{token}::kept-{number}",
                "type": token,
                "custom": True,
                "id": f"default/kept-{number}",
                "inputs": body,
                "outputs": body,
                "provider": f"{_KUBERNETES}::{_PROVIDER_ID}",
            }
        )
    return resources


def test_the_incident_is_found_in_a_state_and_so_is_what_resources_break_together(
    tmp_path: Path,
) -> None:
    incident = list(yaml.safe_load_all((HERE / "manifests" / "incident.yaml").read_text()))[1]
    shop: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": incident["metadata"]["namespace"],
            "labels": {"pod-security.kubernetes.io/enforce": "baseline"},
        },
    }
    stack = KeptStack(tmp_path)
    stack.keep(incident, shop)
    found = stack.analyze()
    assert found.returncode != 0
    for name in ("daemonset-host-namespaces", "daemonset-reach", "pod-security-label"):
        assert f'"policyName":"{name}"' in found.stdout.replace(" ", ""), name
    assert "spec.template.spec.hostNetwork" in found.stdout
    assert "userspace gateway in the pod network" in found.stdout


def test_a_state_that_breaks_nothing_passes(tmp_path: Path) -> None:
    stack = KeptStack(tmp_path)
    stack.keep({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {}})
    found = passed(stack.analyze())
    assert "policyName" not in found.stdout
