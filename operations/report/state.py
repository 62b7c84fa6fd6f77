"""The stack's state as the engine exports it: secrets in it are encrypted and are not decrypted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from operations.report.moment import parsed
from providers.plugin import urn

_KUBERNETES = "kubernetes:"
# Encrypted in the state: it would be judged as what it is not.
_ENCRYPTED = ("data", "stringData")


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of the state: its type, its name in the program, its outputs, its times."""

    type: str
    name: str
    outputs: dict[str, Any]
    created: datetime | None

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        return cls(
            type=document["type"],
            name=urn.parsed(document["urn"]).name,
            outputs=document.get("outputs") or {},
            created=parsed(document.get("created")),
        )


@dataclass(frozen=True, kw_only=True)
class State:
    """All resources, and when the engine last wrote them; None for a stack never deployed."""

    resources: tuple[Resource, ...]
    written: datetime | None

    @classmethod
    def of(cls, deployment: dict[str, Any]) -> Self:
        resources = deployment.get("resources") or []
        written = parsed((deployment.get("manifest") or {}).get("time")) if resources else None
        return cls(resources=tuple(map(Resource.of, resources)), written=written)

    def of_type(self, *types: str) -> Iterator[Resource]:
        return (resource for resource in self.resources if resource.type in types)

    @property
    def outputs(self) -> dict[str, Any]:
        stack = next(self.of_type(urn.STACK_TYPE), None)
        return stack.outputs if stack else {}

    def manifests(self) -> Iterator[dict[str, Any]]:
        """What the stack has applied to the cluster; Secrets without what they hold."""
        for resource in self.resources:
            inputs = resource.outputs.get("__inputs")
            if not resource.type.startswith(_KUBERNETES) or not isinstance(inputs, dict):
                continue
            is_secret = inputs.get("kind") == "Secret"
            left_out = _ENCRYPTED if is_secret else ()
            yield {key: value for key, value in inputs.items() if key not in left_out}
