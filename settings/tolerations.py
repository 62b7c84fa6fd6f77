"""Which taints of nodes the pods may ignore, each by the name of its key.

The rules are Kubernetes' own (apimachinery's `ValidateTolerations`), and some more: what Kubernetes
takes and what could only do harm here is refused.
"""

from typing import Annotated

from pydantic import AfterValidator

from components.cluster.toleration import Effect, Operator, Toleration
from components.values.fields import refuse

# Set by Kubernetes itself on a node in trouble ("Well-Known Labels, Annotations and Taints").
_OF_KUBERNETES = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
# Kubernetes' documentation, "Taint based Evictions", names a pod that is to stay with its node
# through a network partition as what tolerating these two is for. An exit node is such a pod: it
# is pinned, so that an eviction moves it nowhere and restarts it when the node is back.
_PARTITION = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def is_of_kubernetes(key: str) -> bool:
    """Whether Kubernetes sets taints of that key by itself, and removes them with their cause."""
    return key.startswith(_OF_KUBERNETES)


def _of_gateway(toleration: Toleration) -> Toleration:
    if is_of_kubernetes(toleration.key):
        refuse(
            "Kubernetes sets it on a node in trouble; what a gateway there has to tolerate, such "
            "as a cordon, the DaemonSet controller adds",
            "remove it",
            value=toleration.key,
        )
    if toleration.toleration_seconds is not None:
        refuse(
            "a gateway that is evicted after that time is started again on the same node, and "
            "evicted again, for as long as the taint is there",
            "remove tolerationSeconds, or the whole toleration",
            value=toleration.toleration_seconds,
        )
    return toleration


def _of_exit_node(toleration: Toleration) -> Toleration:
    partition = toleration.key in _PARTITION and toleration.effect is Effect.NO_EXECUTE
    if is_of_kubernetes(toleration.key) and not partition:
        refuse(
            "Kubernetes sets it on a node in trouble, where a new exit node would not start",
            f"remove it; only {' and '.join(_PARTITION)} may be tolerated, and only with "
            "effect: NoExecute",
            value=toleration.key,
        )
    if toleration.toleration_seconds is not None and not partition:
        refuse(
            "an exit node is pinned: it is started again on the same node, and evicted again, for "
            "as long as the taint is there",
            "remove tolerationSeconds, or the whole toleration",
            value=toleration.toleration_seconds,
        )
    return toleration


def _unique(tolerations: tuple[Toleration, ...]) -> tuple[Toleration, ...]:
    seen: set[tuple[str, Operator, str, Effect | None]] = set()
    for toleration in tolerations:
        taint = (toleration.key, toleration.operator, toleration.value or "", toleration.effect)
        if taint in seen:
            refuse("given twice", "each may stand in the list once", value=toleration.key)
        seen.add(taint)
    return tolerations


GatewayTolerations = Annotated[
    tuple[Annotated[Toleration, AfterValidator(_of_gateway)], ...], AfterValidator(_unique)
]
ExitNodeTolerations = Annotated[
    tuple[Annotated[Toleration, AfterValidator(_of_exit_node)], ...], AfterValidator(_unique)
]
