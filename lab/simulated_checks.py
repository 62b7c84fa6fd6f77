"""`python -m lab.simulated_checks`: ends the gate's pods, in which nothing really runs.

A stand-in: every check passes, unless the faults file says what a node's gateway would show. It
holds JSON, `{"styx": {"egress-address": "191.101.1.3"}}`: for a node, the failing checks and what
was seen. The real checker is tested by itself and in the network lab.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from lab.kube import connect

_SELECTOR = "app.kubernetes.io/name=oceanid-egress-check"
_SECONDS_BETWEEN_LOOKS = 0.3


def main(arguments: list[str]) -> None:
    """Look at the gate's pods until ended; an API server that is away is waited for."""
    parser = argparse.ArgumentParser(prog="python -m lab.simulated_checks", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--faults", type=Path, required=True)
    options = parser.parse_args(arguments)
    with connect(options.kubeconfig) as api:
        while True:
            try:
                end_running_checks(api, options.faults)
            except httpx.HTTPError as error:
                print(f"the API server does not answer: {error}", file=sys.stderr, flush=True)
            time.sleep(_SECONDS_BETWEEN_LOOKS)


def end_running_checks(api: httpx.Client, faults: Path) -> None:
    """Give every running check pod its end: Succeeded, or Failed with what was seen."""
    pods = api.get("/api/v1/pods", params={"labelSelector": _SELECTOR}).raise_for_status().json()
    for pod in pods["items"]:
        if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]:
            failing = read_faults(faults).get(pod["spec"]["nodeName"], {})
            _end(api, pod, failing)


def read_faults(path: Path) -> dict[str, dict[str, str]]:
    """The faults by node and check; none when there is no file."""
    if not path.exists():
        return {}
    faults: dict[str, dict[str, str]] = json.loads(path.read_text())
    return faults


def summary(failing: dict[str, str]) -> str:
    """The line the checker leaves as its pod's termination message."""
    if not failing:
        return "simulated: all checks passed"
    seen = "; ".join(f"{check}: saw {what}" for check, what in sorted(failing.items()))
    return f"simulated: {len(failing)} failed: {seen}"


def _end(api: httpx.Client, pod: dict[str, Any], failing: dict[str, str]) -> None:
    metadata = pod["metadata"]
    code = 1 if failing else 0
    statuses = [
        {
            **status,
            "ready": False,
            "started": False,
            "state": {
                "terminated": {
                    "exitCode": code,
                    "reason": "Error" if failing else "Completed",
                    "message": summary(failing),
                }
            },
        }
        for status in pod["status"].get("containerStatuses", [])
    ]
    phase, reason = ("Failed", "PodFailed") if failing else ("Succeeded", "PodCompleted")
    # As a kubelet does at a pod's end; the engine looks for the message of a pod that is not ready.
    conditions = [
        {**condition, "status": "False", "reason": reason}
        if condition["type"] in {"Ready", "ContainersReady"}
        else condition
        for condition in pod["status"].get("conditions", [])
    ]
    status = {"phase": phase, "conditions": conditions, "containerStatuses": statuses}
    api.patch(
        f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status",
        content=json.dumps({"status": status}),
        headers={"content-type": "application/merge-patch+json"},
    ).raise_for_status()
    print(f"{metadata['name']} on {pod['spec']['nodeName']}: {summary(failing)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
