"""`python -m workshop.lab.simulated_devices`: a device in the tailnet for each simulated Tailscale.

No pod of a simulated node runs a program, so nothing logs in. This has the lab's tailnet show what
a running pod's Tailscale would be there: a device with its hostname, tags and routes. One whose
identity is in a Secret is the same device in the next pod; any other is gone with its pod.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from workshop.lab.kube import connect
from workshop.lab.tailscale_api.policy import EXIT_ROUTES

_PODS = "/api/v1/pods"
_NODE_FIRST = "$node-$TS_HOSTNAME"
"""In the start script of a pod of many nodes."""
_WATCH_SECONDS, _PAUSE_SECONDS = 300, 1.0
Pod = dict[str, Any]


def main(arguments: list[str] | None = None) -> None:
    """Follow the cluster's pods until ended; an API that is away is waited for."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.lab.simulated_devices", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--api-url", required=True, help="where workshop.lab.tailscale_api listens")
    options = parser.parse_args(arguments)
    with (
        connect(options.kubeconfig, timeout=_WATCH_SECONDS + 15) as api,
        httpx.Client(base_url=options.api_url, timeout=10, trust_env=False) as tailnet,
    ):
        while True:
            try:
                follow(api, tailnet)
            except (httpx.HTTPError, ValueError, KeyError) as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            time.sleep(_PAUSE_SECONDS)


def follow(api: httpx.Client, tailnet: httpx.Client) -> None:
    """Bring the tailnet in line with the pods there are, then with each change of one."""
    listed = api.get(_PODS).raise_for_status().json()
    running = {pod["metadata"]["uid"]: pod for pod in listed["items"] if _runs(pod)}
    known = {device["note"]["pod"] for device in _devices(tailnet)}
    for uid in known - set(running):
        _leave(tailnet, uid)
    for uid in set(running) - known:
        _join(tailnet, running[uid])
    # One that a test takes offline while its pod runs stays so.
    known = set(running)
    for event in _events(api, listed["metadata"]["resourceVersion"]):
        pod = event["object"]
        uid = pod["metadata"]["uid"]
        runs = event["type"] != "DELETED" and _runs(pod)
        if runs and uid not in known:
            known.add(uid)
            _join(tailnet, pod)
        elif not runs and uid in known:
            known.remove(uid)
            if any(devices(pod)):
                _leave(tailnet, uid)


def _events(api: httpx.Client, version: str) -> Iterator[dict[str, Any]]:
    query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": str(_WATCH_SECONDS)}
    with api.stream("GET", _PODS, params=query) as response:
        for line in response.raise_for_status().iter_lines():
            yield json.loads(line)


def _runs(pod: Pod) -> bool:
    is_running = pod.get("status", {}).get("phase") == "Running"
    return is_running and "deletionTimestamp" not in pod["metadata"]


def _devices(tailnet: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tailnet.get("/lab/devices").raise_for_status().json()["devices"]
    return [device for device in found if "pod" in device["note"]]


def _join(tailnet: httpx.Client, pod: Pod) -> None:
    for device in devices(pod):
        answer = tailnet.post("/lab/devices", json=device)
        print(f"{device['hostname']}: {answer.status_code} {answer.text[:200]}", flush=True)


def _leave(tailnet: httpx.Client, uid: str) -> None:
    """What becomes of the devices of a pod that has ended."""
    for device in _devices(tailnet):
        path = f"/lab/devices/{device['nodeId']}"
        if device["note"]["pod"] == uid and device["isEphemeral"]:
            tailnet.delete(path)
        elif device["note"]["pod"] == uid:
            tailnet.post(f"{path}/online", json={"online": False})


def devices(pod: Pod) -> Iterator[dict[str, Any]]:
    """What each Tailscale of the pod would be in the tailnet: a body for `POST /lab/devices`."""
    metadata, spec = pod["metadata"], pod["spec"]
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        values = {each["name"]: each.get("value", "") for each in container.get("env") or []}
        if "TS_HOSTNAME" not in values:
            continue
        flags = dict(
            word.lstrip("-").partition("=")[::2] for word in values.get("TS_EXTRA_ARGS", "").split()
        )
        state = values.get("TS_KUBE_SECRET")
        identity = f"{metadata['namespace']}/{state or metadata['uid']}/{container['name']}"
        name = values["TS_HOSTNAME"]
        if _NODE_FIRST in " ".join(container.get("command") or []):
            node = spec["nodeName"].lower().replace(".", "-")[:40].rstrip("-")
            name = f"{node}-{name}"
        yield {
            "identity": hashlib.sha256(identity.encode()).hexdigest(),
            "simulated": True,
            "ephemeral": not state,
            "hostname": name,
            "tags": [tag for tag in flags.get("advertise-tags", "").split(",") if tag],
            "routes": EXIT_ROUTES if "advertise-exit-node" in flags else (),
            "note": {"pod": metadata["uid"], "container": container["name"]},
        }


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
