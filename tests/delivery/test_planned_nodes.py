"""A saved plan names the nodes that its gates measure, and the API servers it was made for."""

import json
from pathlib import Path
from typing import Any

from operations.delivery import events, plan

_URN = "urn:pulumi:prod::oceanid-cluster::oceanid:index:EgressCheck$kubernetes:"


def test_the_nodes_of_a_plan_are_those_of_its_gates_jobs(tmp_path: Path) -> None:
    urns = [
        f"{_URN}batch/v1:Job::gate-fleet/naiad.example",
        f"{_URN}batch/v1:Job::gate-canary/srv712695",
        f"{_URN}core/v1:ConfigMap::gate-fleet-program",
        "urn:pulumi:prod::oceanid-cluster::kubernetes:batch/v1:Job::somebody/elses",
    ]
    file = tmp_path / "plan.json"
    gone = [
        f"{_URN}batch/v1:Job::gate-fleet/calypso",
        # The one Job of a gate, as it was before each node had its own.
        f"{_URN}batch/v1:Job::gate-canary-job",
    ]
    plans: dict[str, Any] = {urn: {"steps": ["create"]} for urn in urns}
    plans |= {urn: {"steps": ["delete"]} for urn in gone}
    gate = "urn:pulumi:prod::oceanid-cluster::oceanid:index:EgressCheck::gate-canary"
    plans[gate] = {
        "steps": ["same"],
        # As apitype.ResourcePlanV1 writes a resource's outputs.
        "state": {"nodes": ["srv712695"], "uids": {"srv712695": "u"}},
    }
    file.write_text(json.dumps({"resourcePlans": plans}))
    assert plan.measured(file) == {"naiad.example": "", "srv712695": "u"}


def test_the_api_servers_of_a_plan_are_the_output_of_its_preview(tmp_path: Path) -> None:
    def ended(kind: str, **outputs: object) -> str:
        return json.dumps({"resOutputsEvent": {"metadata": {"type": kind, "new": outputs}}})

    log = tmp_path / "preview.jsonl"
    stack = ended("pulumi:pulumi:Stack", outputs={"apiServers": ["203.0.113.10:6443"]})
    other = ended("oceanid:index:Tailnet", outputs={"apiServers": ["9.9.9.9:1"]})
    log.write_text(f'{stack}\n{other}\n{{"summaryEvent": {{}}}}\n')
    assert events.output(log, "apiServers") == ["203.0.113.10:6443"]
    log.write_text(ended("pulumi:pulumi:Stack") + "\n")
    assert events.output(log, "apiServers") is None
