"""A cluster as the preflight sees it, made of the objects a test names."""

from __future__ import annotations

from typing import Any

from operations.preflight.view import Kind, View
from settings import Settings
from tests.unit.wrong_settings import Change, config_of, parsed


def prod() -> Settings:
    """The operators' settings."""
    return parsed(config_of())


def changed_prod(change: Change) -> Settings:
    """The operators' settings after a change."""
    config = config_of()
    change(config)
    return parsed(config)


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
