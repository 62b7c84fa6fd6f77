"""A cluster as the preflight sees it, made of the objects a test names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from operations.preflight.view import Kind, View
from settings import Settings, parse, read_file

REPOSITORY = Path(__file__).resolve().parents[2]


def prod() -> Settings:
    """The operators' settings."""
    return read_file(REPOSITORY / "Pulumi.prod.yaml")


def changed_prod(change: Callable[[dict[str, Any]], object]) -> Settings:
    """The operators' settings after a change."""
    document = yaml.safe_load((REPOSITORY / "Pulumi.prod.yaml").read_text())["config"]
    config = {key.partition(":")[2]: value for key, value in document.items()}
    change(config)
    return parse({key: json.dumps(value) for key, value in config.items()})


def no_pods(_: str) -> list[dict[str, Any]]:
    """The pods of a node that runs none."""
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


TETHYS, STYX, CALYPSO = "srv712429", "srv712695", "calypso"
_NAMES = {TETHYS: "tethys", STYX: "styx", CALYPSO: "calypso"}
ADDRESSES = {TETHYS: "157.173.210.123", STYX: "191.101.1.3", CALYPSO: "192.168.2.80"}


def fleet_node(name: str, *taints: str, system: str = "linux", **status: Any) -> dict[str, Any]:
    """A Ready node of the fleet or next to it, with taints as kubectl writes them."""
    labels = {"oceanid.node/name": _NAMES.get(name, name), "kubernetes.io/os": system}
    ready = node(name, address=ADDRESSES.get(name, "203.0.113.9"), labels=labels, status="True")
    ready["status"] |= status
    return {**ready, "spec": {"taints": list(map(_taint, taints))}}


def _taint(text: str) -> dict[str, str]:
    left, _, effect = text.rpartition(":")
    key, _, value = left.partition("=")
    return {"key": key, "value": value, "effect": effect}


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
