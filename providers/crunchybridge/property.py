"""Pulumi property values on the wire: texts that may be unknown or secret.

Signatures and the unknown's mark are those of `pulumi.runtime.rpc` (SDK 3.272). The SDK's own
`PropertyValue` neither reads nor writes unknowns, which every preview has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from google.protobuf import json_format, struct_pb2

_SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type mark
_UNKNOWN_MARK: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


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

    def with_value(self, value: Any) -> Property:  # noqa: ANN401 - any JSON value
        """The same property, as secret as before, with another value."""
        return replace(self, value=value)


UNKNOWN: Final = Property(unknown=True)

Properties = dict[str, Property]


def decode(struct: struct_pb2.Struct) -> Properties:
    """The properties of a message, without the engine's own (`__defaults` and the like)."""
    return {
        name: _decode(value) for name, value in struct.fields.items() if not name.startswith("__")
    }


def encode(properties: Mapping[str, Property]) -> struct_pb2.Struct:
    """The message of properties; those without a value are left out."""
    struct = struct_pb2.Struct()
    for name, each in properties.items():
        if each.given:
            struct.fields[name].CopyFrom(_encode(each))
    return struct


def json_value(value: Any) -> struct_pb2.Value:  # noqa: ANN401 - any JSON value
    """Any JSON value as a message."""
    return json_format.ParseDict(value, struct_pb2.Value())


def _decode(value: struct_pb2.Value) -> Property:
    fields = value.struct_value.fields
    if fields and fields[_SIGNATURE_KEY].string_value == _SECRET_SIGNATURE:
        return replace(_decode(fields["value"]), secret=True)
    if value.string_value == _UNKNOWN_MARK:
        return UNKNOWN
    if value.WhichOneof("kind") is None:
        return Property()
    return Property(json_format.MessageToDict(value))


def _encode(each: Property) -> struct_pb2.Value:
    value = json_value(_UNKNOWN_MARK if each.unknown else each.value)
    if not each.secret:
        return value
    wrapped = struct_pb2.Struct()
    wrapped.fields[_SIGNATURE_KEY].string_value = _SECRET_SIGNATURE
    wrapped.fields["value"].CopyFrom(value)
    return struct_pb2.Value(struct_value=wrapped)
