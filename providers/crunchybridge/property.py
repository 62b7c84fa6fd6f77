"""Pulumi properties: texts that may be unknown or secret."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from google.protobuf import struct_pb2

from providers.plugin import property_value
from providers.plugin.property_value import Secret


@dataclass(frozen=True)
class Property:
    """One property: `value` is text or None, or any JSON value a program gave by mistake."""

    value: Any = None
    secret: bool = False
    unknown: bool = False

    def __repr__(self) -> str:
        shown = "secret" if self.secret else "unknown" if self.unknown else repr(self.value)
        return f"Property({shown})"

    @property
    def text(self) -> str:
        """The value of a property that has been checked; empty when it is not given."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def given(self) -> bool:
        """Whether the property has a value, known or not."""
        return self.unknown or self.value is not None

    def with_value(self, value: Any) -> Self:  # noqa: ANN401 - any JSON value
        """The same property, as secret as before, with another value."""
        return replace(self, value=value)


UNKNOWN: Final = Property(unknown=True)

Properties = dict[str, Property]


def decode(struct: struct_pb2.Struct) -> Properties:
    """The properties of a message, without the engine's own (`__defaults` and the like)."""
    return {
        name: _property(value)
        for name, value in property_value.decode(struct).items()
        if not name.startswith("__")
    }


def encode(properties: Mapping[str, Property]) -> struct_pb2.Struct:
    """The message of properties; those without a value are left out."""
    return property_value.encode(
        {name: _value(value) for name, value in properties.items() if value.given}
    )


def _property(value: Any) -> Property:  # noqa: ANN401 - any property value
    if isinstance(value, Secret):
        return replace(_property(value.value), secret=True)
    return UNKNOWN if value is property_value.UNKNOWN else Property(value)


def _value(given: Property) -> Any:  # noqa: ANN401 - any property value
    value = property_value.UNKNOWN if given.unknown else given.value
    return Secret(value) if given.secret else value
