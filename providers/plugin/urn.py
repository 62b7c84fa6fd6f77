"""A resource's URN taken apart: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`."""

from dataclasses import dataclass

STACK_TYPE = "pulumi:pulumi:Stack"
"""The type of the resource that a stack itself is, with the program's outputs."""
_SEPARATOR = "::"
_PREFIX = "urn:pulumi:"
_PARTS = 4


@dataclass(frozen=True, kw_only=True)
class Urn:
    """The type of a resource, without its parents', and its name in the program."""

    type: str
    name: str


def parsed(text: str) -> Urn:
    """The parts of a URN; raises ValueError when `text` is not one.

    Only the name may hold the separator, as that of a firewall rule for an IPv6 range does: the
    engine counts parts from the front too [sdk/go/common/resource/urn, 3.246.0]. The SDK's own
    functions for this do not.
    """
    parts = text.split(_SEPARATOR, _PARTS - 1)
    if not text.startswith(_PREFIX) or len(parts) < _PARTS:
        raise ValueError(f"{text!r} is not a URN: its form is {_PREFIX}STACK::PROJECT::TYPE::NAME")
    return Urn(type=parts[2].rpartition("$")[2], name=parts[3])
