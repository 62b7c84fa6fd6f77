"""Pulumi property values on the wire, and as plain Python.

Signatures and the unknown's mark are those of `pulumi.runtime.rpc` (SDK 3.272). The SDK's own
`PropertyValue` neither reads nor writes unknowns, which every preview has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

_SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type mark
_UNKNOWN_MARK: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


@dataclass(frozen=True, repr=False)
class Secret:
    """A value the engine keeps encrypted. It does not print."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


def decode(properties: struct_pb2.Struct) -> dict[str, Any]:
    """A struct as a dictionary; whole numbers become ints, marks become UNKNOWN and Secret."""
    return {name: _decode(value) for name, value in properties.fields.items()}


def encode(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """The struct of a dictionary that `decode` could have given."""
    struct = struct_pb2.Struct()
    for name, value in properties.items():
        struct.fields[name].CopyFrom(_encode(value))
    return struct


def reveal(value: Any) -> Any:  # noqa: ANN401 - any property value
    """The value with every Secret in it opened."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, list):
        return [reveal(item) for item in value]
    if isinstance(value, dict):
        return {name: reveal(item) for name, item in value.items()}
    return value


def has_secret(value: Any) -> bool:  # noqa: ANN401 - any property value
    return _any(value, lambda item: isinstance(item, Secret))


def has_unknown(value: Any) -> bool:  # noqa: ANN401 - any property value
    return _any(value, lambda item: item is UNKNOWN)


def _any(value: Any, holds: Any) -> bool:  # noqa: ANN401 - any property value, any predicate
    if holds(value):
        return True
    if isinstance(value, Secret):
        return _any(value.value, holds)
    if isinstance(value, list):
        return any(_any(item, holds) for item in value)
    if isinstance(value, dict):
        return any(_any(item, holds) for item in value.values())
    return False


def _decode(value: struct_pb2.Value) -> Any:  # noqa: ANN401, PLR0911 - one a kind of value
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == _UNKNOWN_MARK else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "struct_value":
        fields = decode(value.struct_value)
        if fields.get(_SIGNATURE_KEY) == _SECRET_SIGNATURE:
            return Secret(fields.get("value"))
        return fields
    return None


def _encode(value: Any) -> struct_pb2.Value:  # noqa: ANN401, PLR0911 - one a kind of value
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if value is UNKNOWN:
        return struct_pb2.Value(string_value=_UNKNOWN_MARK)
    if isinstance(value, Secret):
        wrapped = {_SIGNATURE_KEY: _SECRET_SIGNATURE, "value": value.value}
        return struct_pb2.Value(struct_value=encode(wrapped))
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=encode(value))
    if isinstance(value, list | tuple):
        items = [_encode(item) for item in value]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    raise TypeError(f"{type(value).__name__} is no property value")
