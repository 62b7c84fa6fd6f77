"""A cluster in a dictionary, and pods for it; the real one is in tests/e2e."""

from dataclasses import dataclass, field
from typing import Any

from workshop.lab.simulated_devices.pod import Pod, PodError


@dataclass
class Cluster:
    """Objects by kind and `namespace/name`, and what was said to people."""

    secrets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    may_patch: bool = True
    warnings: list[str] = field(default_factory=list)

    def data(self, kind: str, namespace: str, name: str) -> dict[str, bytes] | None:
        return self.secrets.get(f"{namespace}/{name}") if kind == "secrets" else None

    def state(self, pod: Pod, secret: str) -> dict[str, bytes]:
        found = self.secrets.get(f"{pod.namespace}/{secret}")
        if found is None:
            raise PodError(f"state Secret {secret!r} does not exist")
        return found

    def keep_state(self, pod: Pod, secret: str, values: dict[str, str]) -> None:
        if not self.may_patch:
            raise PodError(f"state Secret {secret!r}: cannot patch it: forbidden")
        encoded = {key: value.encode() for key, value in values.items()}
        self.secrets[f"{pod.namespace}/{secret}"].update(encoded)

    def warn(self, pod: Pod, message: str) -> None:
        assert pod.uid
        self.warnings.append(message)


def container(name: str = "tailscale", **environment: str) -> dict[str, Any]:
    return {
        "name": name,
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "volumeMounts": [{"name": "credential", "mountPath": "/run/secrets/tailscale"}],
    }


def manifest(*containers: dict[str, Any], uid: str = "u1", phase: str = "Running") -> Any:
    return {
        "metadata": {"name": "pod-0", "namespace": "ns", "uid": uid, "labels": {"a/b": "c"}},
        "spec": {
            "nodeName": "styx",
            "containers": list(containers),
            "volumes": [{"name": "credential", "secret": {"secretName": "key"}}],
        },
        "status": {"phase": phase, "podIP": "10.0.0.9"},
    }
