"""`python -m workshop.lab.simulated_checks`: ends the gate's pods, in which nothing really runs.

A stand-in: every check passes, unless the faults file says what a node's gateway would show. It
holds JSON, `{"styx": {"egress-address": "191.101.1.3"}}`: for a node, the failing checks and what
was seen. As the real checker it fails on another node than the one it is for, and on a node whose
gateway is not ready. The real checker is tested by itself and in the network lab.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from workshop.lab.kube import connect

_SELECTOR = "app.kubernetes.io/name=oceanid-egress-check"
_GATEWAY = "app.kubernetes.io/name=oceanid-gateway"
_SECONDS_BETWEEN_LOOKS = 0.3


def main(arguments: list[str]) -> None:
    """Look at the gate's pods until ended; an API server that is away is waited for."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.lab.simulated_checks", description=__doc__, allow_abbrev=False
    )
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
    running = [pod for pod in _pods(api, _SELECTOR) if _phase(pod) == "Running"]
    if not running:
        return
    ready = {pod["spec"]["nodeName"] for pod in _pods(api, _GATEWAY) if _is_ready(pod)}
    told = read_faults(faults)
    for pod in running:
        node = pod["spec"]["nodeName"]
        own = {} if node in ready else {"egress-address": "connection refused"}
        _end(api, pod, own | told.get(node, {}))


def _pods(api: httpx.Client, selector: str) -> list[dict[str, Any]]:
    found = api.get("/api/v1/pods", params={"labelSelector": selector}).raise_for_status().json()
    return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]


def _phase(pod: dict[str, Any]) -> str:
    return str(pod["status"].get("phase"))


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def read_faults(path: Path) -> dict[str, dict[str, str]]:
    """The faults by node and check; none when there is no file."""
    if not path.exists():
        return {}
    faults: dict[str, dict[str, str]] = json.loads(path.read_text())
    return faults


def summary(pod: dict[str, Any], failing: dict[str, str]) -> tuple[int, str]:
    """The checker's exit code and the line that it leaves as its pod's termination message."""
    (container,) = pod["spec"]["containers"]
    node, ran = container["command"][-1], pod["spec"]["nodeName"]
    if ran != node:
        return 1, f"simulated: node {node}: not measured: its check ran on {ran}"
    if not failing:
        return 0, f"simulated: node {node}: all checks passed"
    seen = "; ".join(f"{check}: saw {what}" for check, what in sorted(failing.items()))
    return 1, f"simulated: node {node}: {len(failing)} failed: {seen}"


def _end(api: httpx.Client, pod: dict[str, Any], failing: dict[str, str]) -> None:
    metadata = pod["metadata"]
    code, message = summary(pod, failing)
    statuses = [
        {
            **status,
            "ready": False,
            "started": False,
            "state": {
                "terminated": {
                    "exitCode": code,
                    "reason": "Error" if code else "Completed",
                    "message": message,
                }
            },
        }
        for status in pod["status"].get("containerStatuses", [])
    ]
    phase, reason = ("Failed", "PodFailed") if code else ("Succeeded", "PodCompleted")
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
    print(f"{metadata['name']}: {message}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
