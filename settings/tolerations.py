"""Which taints of nodes the pods may ignore, each by the name of its key.

The rules are Kubernetes' own (apimachinery's `ValidateTolerations`), and some more: what Kubernetes
takes and what could only do harm here is refused.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from settings.base import SettingGroup
from settings.fields import LabelValue, check_label_key, refuse

# Set by Kubernetes itself on a node in trouble ("Well-Known Labels, Annotations and Taints").
_OF_KUBERNETES = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
# Kubernetes' documentation, "Taint based Evictions", names a pod that is to stay with its node
# through a network partition as what tolerating these two is for. An exit node is such a pod: it
# is pinned, so that an eviction moves it nowhere and restarts it when the node is back.
_PARTITION = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


class Operator(StrEnum):
    """How a toleration compares the taint's value: not at all, or by equality."""

    EXISTS = "Exists"
    EQUAL = "Equal"


class Effect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    NO_EXECUTE = "NoExecute"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"


def _named_key(value: str) -> str:
    if not value:
        refuse(
            "without a key the pods tolerate every taint, those of nodes in trouble included",
            "name the key of the taint",
        )
    return check_label_key(value)


class Toleration(SettingGroup):
    """A taint that pods may ignore, as Kubernetes has it, but with a key in every case.

    Without `effect` every effect of the taint is tolerated. `toleration_seconds` is how long a pod
    stays after a NoExecute taint was set, for ever if left out.
    """

    key: Annotated[str, AfterValidator(_named_key), Field(validate_default=True)] = ""
    operator: Operator = Operator.EQUAL
    value: LabelValue | None = None
    effect: Effect | None = None
    toleration_seconds: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _as_kubernetes(self) -> Self:
        if self.operator is Operator.EXISTS and self.value:
            refuse(
                "Exists compares no value",
                "remove value, or set operator: Equal",
                value=self.value,
            )
        if self.toleration_seconds is not None and self.effect is not Effect.NO_EXECUTE:
            refuse(
                "tolerationSeconds is for NoExecute only: no other effect ends a pod",
                "set effect: NoExecute, or remove tolerationSeconds",
                value=self.toleration_seconds,
            )
        return self

    def matches(self, key: str, value: str, effect: str) -> bool:
        """Whether it tolerates the taint, as the scheduler decides it; `value` may be empty."""
        return (
            self.key == key
            and self.effect in (None, effect)
            and (self.operator is Operator.EXISTS or (self.value or "") == value)
        )


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
    for each in tolerations:
        taint = (each.key, each.operator, each.value or "", each.effect)
        if taint in seen:
            refuse("given twice", "each may stand in the list once", value=each.key)
        seen.add(taint)
    return tolerations


GatewayTolerations = Annotated[
    tuple[Annotated[Toleration, AfterValidator(_of_gateway)], ...], AfterValidator(_unique)
]
ExitNodeTolerations = Annotated[
    tuple[Annotated[Toleration, AfterValidator(_of_exit_node)], ...], AfterValidator(_unique)
]
