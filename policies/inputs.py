"""The inputs of a Pulumi resource as plain Python, decoded once, with what is unknown and secret.

The protocol is the engine's property encoding in a protobuf Struct:
https://github.com/pulumi/pulumi/blob/sdk/v3.246.0/sdk/go/common/resource/plugin/rpc.go
"""

from dataclasses import dataclass

from google.protobuf.struct_pb2 import ListValue, Struct, Value
from pulumi_policy import proxy
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY

from .rules._model import UNKNOWN, Path

# One constant of the SDK for each type of value.
_UNKNOWN_VALUES = frozenset(
    value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_")
)
# sdk/go/common/resource/properties.go; the engine does not send these to analyzers today.
_OUTPUT_VALUE_SIG = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


@dataclass(frozen=True, slots=True)
class Inputs:
    """`body`: the inputs, whole numbers as int, UNKNOWN for what the preview does not know.

    `secrets`: the paths of what Pulumi keeps encrypted.
    """

    body: dict[object, object]
    secrets: frozenset[Path]


def from_struct(struct: Struct) -> Inputs:
    """Decode what the engine sent. Markers of secrets are taken off and their paths noted."""
    decoder = _Decoder()
    body = decoder.mapping(struct)
    return Inputs(body, frozenset(decoder.secrets))


class _Decoder:
    """Decodes one Struct; keeps the trail to where it is, so that paths cost nothing till used."""

    def __init__(self) -> None:
        self.secrets: set[Path] = set()
        self._trail: list[str | int] = []

    def mapping(self, struct: Struct) -> dict[object, object]:
        """A Struct that carries no marker, key by key."""
        body: dict[object, object] = {}
        trail = self._trail
        for key, value in struct.fields.items():
            trail.append(key)
            body[key] = self._value(value)
            trail.pop()
        return body

    def _value(self, value: Value) -> object:
        kind = value.WhichOneof("kind")
        if kind == "string_value":
            text = value.string_value
            return UNKNOWN if text in _UNKNOWN_VALUES else text
        if kind == "struct_value":
            return self._marked(value.struct_value)
        if kind == "list_value":
            return self._list(value.list_value)
        if kind == "number_value":
            return _whole(value.number_value)
        return value.bool_value if kind == "bool_value" else None

    def _list(self, listed: ListValue) -> list[object]:
        entries: list[object] = []
        trail = self._trail
        for position, value in enumerate(listed.values):
            trail.append(position)
            entries.append(self._value(value))
            trail.pop()
        return entries

    def _marked(self, struct: Struct) -> object:
        """A Struct that may stand for something else: a secret or an output."""
        fields = struct.fields
        signature = fields[SPECIAL_SIG_KEY].string_value if SPECIAL_SIG_KEY in fields else ""
        if signature not in {SPECIAL_SECRET_SIG, _OUTPUT_VALUE_SIG}:
            return self.mapping(struct)
        if signature == SPECIAL_SECRET_SIG or ("secret" in fields and fields["secret"].bool_value):
            self.secrets.add(tuple(self._trail))
        return self._value(fields["value"]) if "value" in fields else UNKNOWN


def _whole(number: float) -> int | float:
    """Numbers come as doubles; a whole one is given as the int that was meant."""
    return int(number) if number.is_integer() else number
