"""A container's probes, asked as a kubelet asks them."""

import http.client
from collections.abc import Mapping
from typing import Any

from workshop.lab.network.container import Container
from workshop.lab.network.node import PodSandbox

_REDIRECTS_END = 400


def passes(container: Container, sandbox: PodSandbox, probe: Mapping[str, Any]) -> bool:
    """One attempt of a probe: HTTP from the node, or a command in the container."""
    seconds = float(probe.get("timeoutSeconds") or 1)
    if "exec" in probe:
        return container.execute(probe["exec"]["command"], seconds=seconds) is not None
    target = probe["httpGet"]
    with sandbox.node.namespace.entered():
        connection = http.client.HTTPConnection(
            str(sandbox.address), int(target["port"]), timeout=seconds
        )
        try:
            connection.request("GET", target["path"])
            return 200 <= connection.getresponse().status < _REDIRECTS_END  # noqa: PLR2004  RFC 9110
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def ready(containers: list[Container], sandbox: PodSandbox) -> bool:
    """Whether every container runs and passes its readiness probe once."""
    return all(
        container.started.running
        and (
            "readinessProbe" not in container.manifest
            or passes(container, sandbox, container.manifest["readinessProbe"])
        )
        for container in containers
    )
