"""A cluster as the preflight sees it, made of the objects a test names."""

from typing import Any

from operations.preflight.view import Kind, View
from settings import Settings
from tests.unit.wrong_settings import Change, config_of, parsed

# Of the operators' nodes, by their names in the cluster: name in the settings and address.
FLEET = {
    "srv712429": ("tethys", "157.173.210.123"),
    "srv712695": ("styx", "191.101.1.3"),
    "calypso": ("calypso", "192.168.2.80"),
}
TETHYS, STYX, CALYPSO = FLEET


def prod() -> Settings:
    """The operators' settings."""
    return parsed(config_of())


def changed_prod(change: Change) -> Settings:
    """The operators' settings after a change."""
    config = config_of()
    change(config)
    return parsed(config)


def no_pods(_: str) -> list[dict[str, Any]]:
    return []


def view(**objects: list[dict[str, Any]]) -> View:
    """The objects by kind, named as in `Kind`; nothing of the others."""
    answers = {kind: objects.pop(kind.name.lower(), []) for kind in Kind}
    assert not objects, f"no such kinds: {sorted(objects)}"
    return View(objects={**answers})


def node(
    name: str,
    *,
    address: str = "157.173.210.123",
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    **ready: str,
) -> dict[str, Any]:
    """A Node; with `ready`, the fields of its Ready condition."""
    return {
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, **(labels or {})},
            "annotations": annotations or {},
        },
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}],
            "conditions": [{"type": "Ready", **ready}] if ready else [],
        },
    }


def fleet_node(
    name: str, *taints: str, system: str = "linux", **status: dict[str, Any]
) -> dict[str, Any]:
    """A Ready node that is as the settings say, with taints as kubectl writes them."""
    own, address = FLEET.get(name, (name, "203.0.113.9"))
    labels = {"oceanid.node/name": own, "kubernetes.io/os": system}
    whole = node(name, address=address, labels=labels, status="True")
    whole["status"] |= status
    return {**whole, "spec": {"taints": [_taint(each) for each in taints]}}


def _taint(text: str) -> dict[str, str]:
    left, _, effect = text.rpartition(":")
    key, _, value = left.partition("=")
    return {"key": key, "value": value, "effect": effect}


def fleet(*changed: dict[str, Any]) -> list[dict[str, Any]]:
    """The operators' nodes as they should be, but for those that are given."""
    nodes = {name: fleet_node(name) for name in FLEET}
    return list((nodes | {each["metadata"]["name"]: each for each in changed}).values())


def workload(
    name: str,
    *,
    namespace: str = "apps",
    image: str = "docker.io/library/web:1.0.0",
    labels: dict[str, str] | None = None,
    status: dict[str, int] | None = None,
    **pod: Any,
) -> dict[str, Any]:
    """A workload whose pods have one container of `image`, and `pod` besides in their spec."""
    spec = {"containers": [{"name": "main", "image": image}], **pod}
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "spec": {"template": {"metadata": {"labels": {"app": name}}, "spec": spec}},
        "status": status or {},
    }
