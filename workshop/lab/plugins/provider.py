"""A stand-in for one provider: its settings, resource types and functions."""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from operations.delivery.lab_only import REMEDY, not_of_a_lab
from providers.plugin.errors import ProviderError
from providers.plugin.urn import parsed
from workshop.lab.plugins.resource_kind import ResourceKind

Log = Callable[[str], None]
Function = Callable[[dict[str, Any]], dict[str, Any]]


class BadArgumentsError(ProviderError):
    """A function's arguments are refused: pairs of argument and reason."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in problems))
        self.problems = problems


class Provider(ABC):
    name: ClassVar[str]
    version: ClassVar[str]
    notice: ClassVar[str]
    """One line that says what stands in for what."""
    accepts_secrets: ClassVar[bool] = True
    """Whether secrets come marked; else the engine marks what was secret itself."""
    config_names: ClassVar[frozenset[str]] = frozenset()
    config_defaults: ClassVar[Mapping[str, str]] = {}
    """What the real provider adds to its settings, which are in the state."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    @abstractmethod
    def configure(self, config: Mapping[str, Any]) -> None:
        """Take the configuration; raises ProviderError. Values may be UNKNOWN in a preview."""

    def refuse_outside_a_lab(self, **addresses: str) -> None:
        """Raise ProviderError unless this process's environment is a lab's.

        `addresses` are settings that go before variables of the environment.
        """
        why = not_of_a_lab({**os.environ, **addresses})
        if why is not None:
            raise ProviderError(
                f"the provider {self.name} in use is a stand-in, for the lab only, and this is not "
                f"a lab: {why}. Nothing has been changed. {REMEDY}"
            )

    @abstractmethod
    def kinds(self) -> tuple[ResourceKind, ...]:
        """The resource types there are, made for one request."""

    @abstractmethod
    def functions(self, log: Log) -> Mapping[str, Function]:
        """The functions there are, by token; `log` tells the user a line."""

    def kind(self, urn: str, log: Log) -> ResourceKind:
        """The resource type of a URN; raises ProviderError where the stand-in has none."""
        token = parsed(urn).type
        for kind in self.kinds():
            if kind.type_name == token:
                kind.urn, kind.log = urn, log
                return kind
        raise ProviderError(f"the {self.notice} It has no resource type {token!r}.")
