"""The plugin's real process, spoken to over gRPC as the engine speaks to it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import provider_pb2

from providers.plugin.property_value import decode, encode
from tests.plugin_process import PluginProcess
from tests.provider.world import urn
from workshop.testing.checkout import REPOSITORY


class Plugin(PluginProcess):
    """The CrunchyBridge plugin."""

    @classmethod
    def start(cls, folder: Path, **environment: str) -> Plugin:
        """Start the folder as the engine does, from another working directory."""
        command = [sys.executable, "-u", str(REPOSITORY / "providers" / "crunchybridge")]
        return cls.run(command, folder, **environment)

    def check(self, name: str = "rule", **inputs: Any) -> tuple[dict[str, Any], list[str]]:
        """The inputs in normal form, and the reasons for refusing them."""
        response = self.checked(urn(name), inputs)
        return decode(response.inputs), [failure.reason for failure in response.failures]

    def diff(self, state: dict[str, Any], inputs: dict[str, Any]) -> provider_pb2.DiffResponse:
        request = provider_pb2.DiffRequest(
            urn=urn("rule"), id="id", olds=encode(state), news=encode(inputs)
        )
        response: provider_pb2.DiffResponse = self.stub.Diff(request)
        return response

    def create(
        self, name: str = "rule", *, preview: bool = False, **inputs: Any
    ) -> tuple[str, dict[str, Any]]:
        """Check and create; the id and the outputs."""
        checked, failures = self.check(name, **inputs)
        assert failures == []
        return self.made(urn(name), checked, preview=preview)

    def read(
        self, given_id: str, state: dict[str, Any], name: str = "rule"
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """The id, the outputs and the inputs; an empty state is an import."""
        return self.found(urn(name), given_id, state, {})

    def update(
        self, given_id: str, state: dict[str, Any], *, preview: bool = False, **inputs: Any
    ) -> dict[str, Any]:
        """Check and update; the outputs."""
        checked, failures = self.check(**inputs)
        assert failures == []
        return self.changed(urn("rule"), given_id, state, checked, preview=preview)

    def delete(self, given_id: str, name: str = "rule") -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(urn=urn(name), id=given_id))
