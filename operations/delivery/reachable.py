"""What a command does about an API server that does not answer: it says so, and keeps the state."""

from __future__ import annotations

import re
from collections.abc import Mapping

from operations.delivery.environment import LAB_STACK, config_file
from operations.errors import OperationError, RequestError
from operations.kubernetes.client import KubernetesClient
from settings import read_file

# The Kubernetes provider's advice for a cluster that it cannot reach [provider.go, Read, Delete].
# Who follows it while the API server is only away loses the state of all that goes on running.
_ADVICE = re.compile(r"If the cluster was deleted.*PULUMI_K8S_DELETE_UNREACHABLE[^\n]*")
_INSTEAD = (
    "The state stays as it is. Do NOT set PULUMI_K8S_DELETE_UNREACHABLE: it takes all that the "
    "cluster holds out of the state. See docs/runbooks/state.md"
)
# What makes the provider drop from the state, or take for unchanged, what it cannot reach.
_HARMFUL = ("PULUMI_K8S_DELETE_UNREACHABLE", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE")


def require_answer(stack: str, environment: Mapping[str, str]) -> None:
    """Return once the stack's API server has said that it is ready.

    Raises OperationError, within seconds, with why it has not; or when the environment has the
    provider give up the state of what it cannot reach.
    """
    harmful = [name for name in _HARMFUL if environment.get(name, "").lower() not in {"", "false"}]
    if harmful:
        raise OperationError(
            f"{harmful[0]} is set: it gives up the state of what runs when the API server is away "
            "for a moment: unset it (docs/runbooks/state.md)"
        )
    context = read_file(config_file(stack)).cluster.context
    try:
        with KubernetesClient(context=context, environment=environment) as client:
            client.require_ready()
    except RequestError as error:
        remedy = f"check KUBECONFIG, its context {context} and the network"
        raise OperationError(
            f"the API server of {stack} does not answer: {error}: "
            f"{'run `oceanid lab up`' if stack == LAB_STACK else remedy}; nothing has been changed"
        ) from None


def without_advice(text: str) -> str:
    """What the engine says, with a warning where the provider advises to empty the state."""
    return _ADVICE.sub(_INSTEAD, text)
