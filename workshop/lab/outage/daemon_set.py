"""The operators' DaemonSets of that day, from the manifest that the policies are tested with.

What is not as in the report is what it leaves out, or what a lab cannot have:
- the image is the one that the lab has under the stack's reference, not v1.78.3;
- `TS_USERSPACE` was false, for userspace mode touches nothing of a node's network;
- the tailnet's state was in the pod's volume, which is a folder of the node's memory here;
- the worker's pods ran on the two nodes that were lost, and its exit node was the tailnet's.
"""

from typing import Any

import yaml

from workshop.lab.home import REPOSITORY, LabError

MANIFEST = REPOSITORY / "tests" / "policies" / "manifests" / "incident.yaml"
NAMESPACE, WORKER, EXIT_NODE = "tailscale-system", "tailscale-worker", "tailscale-exit"
REPORTED_EXIT_NODE = "100.121.150.65"
_STATE = "/run/tailscale-worker"


def namespace() -> dict[str, Any]:
    """The namespace of both."""
    return _reported()[0]


def secret(auth_key: str) -> dict[str, Any]:
    """The Secret that the pods log in with."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": NAMESPACE, "name": "tailscale-auth"},
        "stringData": {"authkey": auth_key},
    }


def worker(*nodes: str, exit_node: str, firewall: str) -> dict[str, Any]:
    """The one that took nodes away: all that they send goes to the exit node at that address.

    `firewall` is what tailscaled writes its packet filter with (`TS_DEBUG_FIREWALL_MODE`).
    """
    return _daemon_set(WORKER, nodes, exit_node, {"TS_DEBUG_FIREWALL_MODE": firewall})


def exit_node(*nodes: str) -> dict[str, Any]:
    """The other one, which offers itself as an exit node."""
    return _daemon_set(EXIT_NODE, nodes, "", {"TS_EXTRA_ARGS": "--advertise-exit-node"})


def hostname(node: str) -> str:
    """The name that the pod on this node has in the tailnet."""
    return f"incident-{node}"


def _daemon_set(
    name: str, nodes: tuple[str, ...], exit_node: str, environment: dict[str, str]
) -> dict[str, Any]:
    daemon_set = _reported()[1]
    labels = {"app": name}
    daemon_set["metadata"] |= {"name": name}
    daemon_set["spec"]["selector"] = {"matchLabels": labels}
    daemon_set["spec"]["template"]["metadata"] = {"labels": labels}
    pod: dict[str, Any] = daemon_set["spec"]["template"]["spec"]
    pod["affinity"] = _affinity(nodes)
    (container,) = pod["containers"]
    container["image"] = _image()
    environment |= {
        "TS_USERSPACE": "false",
        "TS_KUBE_SECRET": "",
        "TS_STATE_DIR": "/var/lib/tailscale",
        "TS_HOSTNAME": hostname("$(NODE)"),
    }
    reported = [each for each in container["env"] if each["name"] not in environment]
    for each in reported:
        if "value" in each:
            each["value"] = each["value"].replace(REPORTED_EXIT_NODE, exit_node)
    node = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    ours = [{"name": key, "value": value} for key, value in environment.items()]
    container["env"] = [node, *reported, *ours]
    for volume in pod["volumes"]:
        if volume["name"] == "tailscale-state":
            volume["hostPath"]["path"] = _STATE
    return daemon_set


def _reported() -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(MANIFEST.read_text()))
    if REPORTED_EXIT_NODE not in MANIFEST.read_text():
        raise LabError(f"{MANIFEST} is not the incident's: it names no {REPORTED_EXIT_NODE}")
    return documents


def _affinity(nodes: tuple[str, ...]) -> dict[str, Any]:
    named = {"key": "kubernetes.io/hostname", "operator": "In", "values": list(nodes)}
    terms = [{"matchExpressions": [named]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return {"nodeAffinity": required}


def _image() -> str:
    settings = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    return str(settings["oceanid-cluster:tailnet"]["image"])
