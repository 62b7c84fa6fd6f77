"""A short table of what runs where, read from the API server."""

from typing import Any

import httpx

from workshop.lab.nodes import is_ready

# On the nodes that kwok keeps.
_KWOK = "kwok.x-k8s.io/node"
_OWN_NAMESPACES = {"kube-system", "kube-public", "kube-node-lease"}


def table(api: httpx.Client) -> str:
    """Nodes, and the pods of every namespace but Kubernetes' own, one line each."""
    nodes = api.get("/api/v1/nodes").raise_for_status().json()["items"]
    pods = api.get("/api/v1/pods").raise_for_status().json()["items"]
    simulated = any(_KWOK in (node["metadata"].get("annotations") or {}) for node in nodes)
    rows = [("NODE", "ADDRESS", "STATE", f"PODS{' (simulated below the API)' * simulated}")]
    for node in nodes:
        name = node["metadata"]["name"]
        own = [_pod(pod) for pod in pods if _is_shown(pod) and pod["spec"].get("nodeName") == name]
        state = "Ready" if is_ready(node) else "NotReady"
        for index, text in enumerate(own or ["-"]):
            rows.append((name, _address(node), state, text) if index == 0 else ("", "", "", text))
    waiting = [_pod(pod) for pod in pods if _is_shown(pod) and not pod["spec"].get("nodeName")]
    rows += [("no node yet", "", "", text) for text in waiting]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    )


def _is_shown(pod: dict[str, Any]) -> bool:
    return pod["metadata"]["namespace"] not in _OWN_NAMESPACES


def _pod(pod: dict[str, Any]) -> str:
    metadata, status = pod["metadata"], pod["status"]
    containers = status.get("containerStatuses", [])
    ready = sum(1 for each in containers if each["ready"])
    return (
        f"{metadata['namespace']}/{metadata['name']}  {status['phase']} "
        f"{ready}/{len(pod['spec']['containers'])} ready"
    )


def _address(node: dict[str, Any]) -> str:
    return str(
        next(
            (a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"), "none"
        )
    )
