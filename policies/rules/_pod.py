"""One pod spec and its containers, wherever they stand in an object."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ._environment import Environment
from ._model import UNKNOWN, Path, Unknown

Body = Mapping[object, object]
_CONTAINER_FIELDS = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True)
class Container:
    """One container of any sort; `body` is UNKNOWN when the preview does not know it."""

    where: Path
    body: Body | Unknown
    pod: "Pod"

    @property
    def ordinary(self) -> bool:
        """Whether it runs as long as its pod, and not before it or to look into it."""
        return self.where[-2:-1] == ("containers",)

    @cached_property
    def environment(self) -> Environment:
        """Its variables, read once for all rules; none where the container is not known."""
        return Environment(self.where, {} if isinstance(self.body, Unknown) else self.body)


@dataclass(frozen=True)
class Pod:
    """One pod spec, wherever its workload keeps it; `spec` is UNKNOWN when not known.

    `partial` when it is a patch, which leaves alone what it does not say.
    """

    where: Path
    spec: Body | Unknown
    partial: bool = False

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """Init, ordinary and ephemeral containers. A list that is unknown is one unknown entry."""
        if isinstance(self.spec, Unknown):
            return (Container(self.where, UNKNOWN, self),)
        found: list[Container] = []
        for field in _CONTAINER_FIELDS:
            listed = self.spec.get(field)
            if isinstance(listed, Unknown):
                found.append(Container((*self.where, field), UNKNOWN, self))
            elif isinstance(listed, list):
                found.extend(
                    Container((*self.where, field, position), entry, self)
                    for position, entry in enumerate(listed)
                    if isinstance(entry, Mapping | Unknown)
                )
        return tuple(found)
