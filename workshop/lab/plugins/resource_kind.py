"""What a stand-in knows about one type of resource."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from providers.plugin.property_value import UNKNOWN

Values = Mapping[str, Any]
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "array": (list,),
    "object": (dict,),
    "any": (object,),
}


_NAMES = {"array": "array of strings", "object": "object of strings"}


def plainly_equal(old: Any, new: Any) -> bool:  # noqa: ANN401 - any property value
    """Equality that does not take True for 1."""
    return bool(type(old) is type(new) and old == new)


def equal_as_sets(old: Any, new: Any) -> bool:  # noqa: ANN401 - any property value
    """Equality of lists whose order says nothing."""
    if not isinstance(old, list) or not isinstance(new, list):
        return plainly_equal(old, new)
    return set(map(repr, old)) == set(map(repr, new))


@dataclass(frozen=True, kw_only=True)
class Field:
    """An input property. `kind` is its JSON schema type.

    `replaces`: a change makes the resource again; without `replaces_inside` only a change of the
    property as a whole, because the SDK says the rest.
    """

    kind: str
    required: bool = False
    default: Any = None
    replaces: bool = False
    replaces_inside: bool = True
    computed: bool = False
    same: Callable[[Any, Any], bool] = plainly_equal


class ResourceKind(ABC):
    """One resource type. Methods take and give plain values: no Secret, no UNKNOWN."""

    urn: str
    """The resource that the request is about."""
    log: Callable[[str], None]
    """Tells the user a line."""
    type_name: ClassVar[str]
    fields: ClassVar[Mapping[str, Field]]
    outputs: ClassVar[tuple[str, ...]] = ()
    """Computed properties."""
    secret_outputs: ClassVar[frozenset[str]] = frozenset()
    changed_by_update: ClassVar[frozenset[str]] = frozenset()
    """Computed properties that any update may change."""
    id_is_output: ClassVar[bool] = False
    """Whether the id is among the properties too."""
    detailed_diff: ClassVar[bool] = True
    """Whether a difference names the places within properties, and how each has changed."""

    def refuse(self, inputs: Values) -> list[tuple[str, str]]:
        """Pairs of property and reason for what `fields` cannot say; values may be UNKNOWN."""
        return []

    def must_replace(self, state: Values, inputs: Values) -> str | None:
        """The computed property for whose sake the resource must be made again, if any."""
        return None

    def new_id(self) -> str:
        """The id in a preview: empty where only the API gives one."""
        return ""

    def unknown_in_update(self, state: Values, inputs: Values) -> Collection[str]:
        """The computed properties that are not known in an update's preview."""
        return self.changed_by_update

    @abstractmethod
    def create(self, inputs: Values) -> tuple[str, dict[str, Any]]:
        """Make it; give the id and the computed properties."""

    @abstractmethod
    def read(self, resource_id: str, state: Values) -> tuple[str, dict[str, Any]] | None:
        """The id and all properties as they are, or None if it is gone.

        `state` is empty on import.
        """

    @abstractmethod
    def update(self, resource_id: str, state: Values, inputs: Values) -> dict[str, Any]:
        """Change it; give the computed properties."""

    @abstractmethod
    def delete(self, resource_id: str, state: Values) -> None:
        """Remove it; one that is gone already is no error."""

    def marks(self, properties: Values) -> dict[str, Any]:
        """What the provider keeps in the state next to the properties, for itself."""
        return {}

    def computed(self) -> tuple[str, ...]:
        """The properties the provider may set itself."""
        own = ("id",) if self.id_is_output else ()
        return (
            *own,
            *self.outputs,
            *(name for name, field in self.fields.items() if field.computed),
        )

    def with_defaults(self, inputs: Values) -> dict[str, Any]:
        """The inputs, and the default of each property that is not among them."""
        defaults = {n: f.default for n, f in self.fields.items() if f.default is not None}
        return defaults | {n: v for n, v in inputs.items() if v is not None}

    def failures(self, inputs: Values) -> list[tuple[str, str]]:
        """Pairs of property and reason for everything that is wrong with the inputs."""
        return failures(self.fields, inputs) or self.refuse(inputs)


def failures(fields: Mapping[str, Field], inputs: Values) -> list[tuple[str, str]]:
    """Pairs of property and reason: what is not known, not of its type, or missing."""
    problems = []
    for name, value in inputs.items():
        field = fields.get(name)
        if field is None:
            problems.append((name, f"{name!r} is not a known property"))
        elif value is not None and not _fits(value, field.kind):
            wanted = _NAMES.get(field.kind, field.kind)
            problems.append((name, f"{name!r} must be of type {wanted}"))
    problems.extend(
        (name, f"Missing required property {name!r}")
        for name, field in fields.items()
        if field.required and inputs.get(name) is None
    )
    return problems


def _fits(value: Any, kind: str) -> bool:  # noqa: ANN401 - any property value
    if value is UNKNOWN:
        return True
    if kind == "integer" and isinstance(value, bool):
        return False
    if not isinstance(value, _TYPES[kind]):
        return False
    if isinstance(value, dict) and kind == "object":
        value = list(value.values())
    if kind not in ("array", "object"):
        return True
    return all(isinstance(item, str) or item is UNKNOWN for item in value)
