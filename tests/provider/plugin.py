"""The plugin's real process, spoken to over gRPC as the engine speaks to it."""

import sys
from pathlib import Path
from typing import Any

from providers.plugin.property_value import decode
from tests.plugin_process import PluginProcess
from tests.provider.world import urn
from workshop.testing.checkout import REPOSITORY


class Plugin(PluginProcess):
    @classmethod
    def start(cls, folder: Path, **environment: str) -> "Plugin":
        """Start the folder as the engine does, from another working directory."""
        command = [sys.executable, "-u", str(REPOSITORY / "providers" / "crunchybridge")]
        return cls.run(command, folder, **environment)

    def urn(self, what: str) -> str:
        return urn(what)

    def check(self, name: str = "rule", **inputs: Any) -> tuple[dict[str, Any], list[str]]:
        """The inputs in normal form, and the reasons for refusing them."""
        response = self.checked(name, inputs)
        return decode(response.inputs), [failure.reason for failure in response.failures]

    def _right(self, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        checked, failures = self.check(name, **inputs)
        assert failures == []
        return checked

    def make(
        self, name: str = "rule", *, preview: bool = False, **inputs: Any
    ) -> tuple[str, dict[str, Any]]:
        return self.create(name, preview=preview, **self._right(name, inputs))

    def change(
        self, given_id: str, state: dict[str, Any], *, preview: bool = False, **inputs: Any
    ) -> dict[str, Any]:
        return self.update("rule", given_id, state, preview=preview, **self._right("rule", inputs))
