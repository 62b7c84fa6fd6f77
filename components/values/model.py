"""What every group of values has in common."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from .fields import refuse


class StrictModel(BaseModel):
    """A group of values: frozen, strict about types, without unknown keys.

    A stack's file has the keys in camelCase; a program gives them by their names here.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        # Errors name the key as it stands in the stack's file.
        loc_by_alias=True,
    )


def refuse_twice(key: str, field: str, values: Iterable[str]) -> None:
    """Refuse the second of two equal `values` of `field`, or of entries, in the list at `key`."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            refuse(
                "given twice",
                "each may stand in the list once",
                key=f"{key}[{index}].{to_camel(field)}".removesuffix("."),
                value=value,
            )
        seen.add(value)
