"""States under the real engine: of a stand-in of before, and of a device that registered again."""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab.stand_in_processes import REPOSITORY, StandIn
from tests.lab_variables import lab_variables
from workshop.testing.checkout import passed
from workshop.testing.local_stack import LocalStack, write_program

pytestmark = pytest.mark.e2e

_BOTH_PLUGINS = """
import pulumi_command
import pulumi_tailscale as tailscale

client = tailscale.OauthClient("client", scopes=["auth_keys"], tags=["tag:exit"])
tailscale.TailnetKey("key", reusable=True, tags=["tag:worker"], expiry=3600)
device = tailscale.get_device_output(hostname="exit-a")
tailscale.DeviceSubnetRoutes("routes", device_id=device.node_id, routes=["0.0.0.0/0", "::/0"])
pulumi_command.local.Command("command", create="echo made", environment={"A": client.key})
"""
_DEFAULT_ROUTES = ["0.0.0.0/0", "::/0"]
_EXIT_NODE = f"""
import sys

sys.path.insert(0, {str(REPOSITORY)!r})
import pulumi
import pulumi_tailscale
from components.egress.tailnet import ApprovedExitNode, ApprovedExitNodeArgs

hostname = pulumi.Output.from_input("exit-a")
opts = pulumi.ResourceOptions(providers=[pulumi_tailscale.Provider("api")])
approved = ApprovedExitNode("exit", ApprovedExitNodeArgs(hostname=hostname), opts)
pulumi.export("deviceId", approved.device_id)
"""
# What the stand-ins of before did not write.
_LATER = {"id", "__pulumi_raw_state_delta", "userAgent", "__pulumi-go-provider-version"}


class Stack(LocalStack):
    """A stack of its own, run by the engine on a program.

    `plugins` is a folder of plugins that are taken before the engine's own.
    """

    def __init__(
        self, folder: Path, stand_in: StandIn, program: str, plugins: Path | None = None
    ) -> None:
        super().__init__(
            write_program(folder, program),
            PATH=os.pathsep.join([*([str(plugins)] if plugins else []), os.environ["PATH"]]),
            **{
                **lab_variables(folder),
                "TAILSCALE_API_KEY": stand_in.api_key,
                "TAILSCALE_BASE_URL": stand_in.url,
            },
        )

    def printed(self, *arguments: str) -> str:
        """What the engine prints; it must succeed."""
        return passed(self.run(*arguments)).stdout

    def apply(self, command: str, *options: str) -> str:
        """An update, a refresh or a destroy, without the preview before it."""
        return self.printed(command, "--yes", "--skip-preview", *options)


def _stand_in_plugins(folder: Path) -> Path:
    """The stand-ins, for an engine that may have the real ones."""
    folder.mkdir()
    for name in ("tailscale", "command"):
        script = folder / f"pulumi-resource-{name}"
        start = f"{shlex.quote(sys.executable)} -m workshop.lab.plugins.{name}"
        script.write_text(
            f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(REPOSITORY))} exec {start} "$@"\n'
        )
        script.chmod(0o755)
    return folder


def _resources(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    resources = document["deployment"]["resources"]
    return {each["urn"]: each for each in resources if each["custom"]}


def test_a_state_of_before_gets_what_the_real_plugins_need_and_replaces_nothing(
    stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.log_in(stand_in.key()["key"], "exit-a").raise_for_status()
    stack = Stack(
        tmp_path, stand_in, _BOTH_PLUGINS, plugins=_stand_in_plugins(tmp_path / "plugins")
    )
    stack.apply("up")
    document = json.loads(stack.printed("stack", "export"))
    for resource in _resources(document).values():
        for part in ("inputs", "outputs"):
            kept = {n: v for n, v in resource.get(part, {}).items() if n not in _LATER}
            resource[part] = kept
    before = tmp_path / "before.json"
    before.write_text(json.dumps(document))
    stack.printed("stack", "import", "--file", str(before))

    assert "replaced" not in stack.apply("up")
    after = _resources(json.loads(stack.printed("stack", "export")))
    ids = {urn: each["id"] for urn, each in after.items()}
    assert ids == {urn: each["id"] for urn, each in _resources(document).items()}
    tailscale = [each for each in after.values() if each["type"].startswith("tailscale:")]
    assert len(tailscale) == 3
    assert all(each["outputs"]["id"] == each["id"] for each in tailscale)
    stack.apply("up", "--expect-no-changes")
    stack.apply("refresh", "--expect-no-changes")


def test_an_exit_node_that_registered_again_stops_neither_an_update_nor_a_destroy(
    stand_in: StandIn, tmp_path: Path
) -> None:
    def register(identity: str) -> str:
        # Not by a tag that the policy approves: the approval is to be the stack's.
        key = stand_in.key(tags=["tag:worker"])["key"]
        device = stand_in.log_in(key, "exit-a", identity=identity, routes=_DEFAULT_ROUTES)
        return str(device.json()["nodeId"])

    def approved(device: str) -> list[str]:
        routes = stand_in.api.get(f"device/{device}/routes").json()["enabledRoutes"]
        return sorted(map(str, routes))

    first = register("first")
    stack = Stack(tmp_path, stand_in, _EXIT_NODE)
    stack.apply("up")
    assert approved(first) == _DEFAULT_ROUTES
    stand_in.api.delete(f"device/{first}")
    second = register("second")
    stack.apply("up")
    assert json.loads(stack.printed("stack", "output", "--json"))["deviceId"] == second
    assert approved(second) == _DEFAULT_ROUTES
    stack.apply("up", "--expect-no-changes")
    stand_in.api.delete(f"device/{second}")
    stack.apply("destroy")
