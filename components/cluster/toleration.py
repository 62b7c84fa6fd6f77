"""A taint of nodes that pods may ignore."""

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from ..values.fields import LabelValue, check_label_key, refuse
from ..values.model import StrictModel


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


class Toleration(StrictModel):
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


def documents(tolerations: Iterable[Toleration]) -> list[dict[str, str | int]]:
    """The tolerations with Kubernetes' own names, as a chart's values have them."""
    return [
        toleration.model_dump(mode="json", by_alias=True, exclude_none=True)
        for toleration in tolerations
    ]


def as_json(tolerations: Iterable[Toleration]) -> str:
    """The same as one JSON list, for a program's argument."""
    return json.dumps(documents(tolerations))
