"""Each answer on the wire is the real plugin's, as recorded from it: `answers/*.yaml`."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from providers.plugin.property_value import UNKNOWN, Secret
from tests.lab.stand_in_processes import Plugin, StandIn
from tests.lab.wire import Wire

_ANSWERS = Path(__file__).with_name("answers")
_COMMAND = "command:local:Command"
_ROUTES = ["0.0.0.0/0", "::/0"]
_REQUESTS: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(
    Path(__file__).with_name("requests.yaml").read_text()
)


def _expected(name: str) -> Any:
    return yaml.safe_load((_ANSWERS / f"{name}.yaml").read_text())


@pytest.mark.parametrize("kind", _REQUESTS)
def test_a_resource_of_tailscale(tailscale: Plugin, stand_in: StandIn, kind: str) -> None:
    devices = {
        name: stand_in.log_in(stand_in.key()["key"], host, routes=_ROUTES).json()["nodeId"]
        for name, host in (("(one)", "exit-a"), ("(other)", "exit-b"))
    }

    def with_devices(inputs: dict[str, Any]) -> dict[str, Any]:
        return {n: devices.get(v, v) if isinstance(v, str) else v for n, v in inputs.items()}

    inputs, change, replacement = map(with_devices, _REQUESTS[kind].values())
    type_name, changed = f"tailscale:index/{kind}", inputs | change
    wire = Wire(tailscale)
    wire.check("check", type_name, inputs)
    wire.create("create in a preview", type_name, inputs, preview=True)
    made, state = wire.create("create", type_name, inputs)
    wire.diff("nothing changes", type_name, made, state, inputs, inputs)
    wire.diff("an input changes", type_name, made, state, inputs, changed)
    if replacement:
        again = inputs | replacement
        wire.diff("an input changes that replaces", type_name, made, state, inputs, again)
    wire.update("update in a preview", type_name, made, state, inputs=changed, preview=True)
    wire.read("refresh", type_name, made, state, inputs)
    after = wire.update("update", type_name, made, state, inputs=changed)
    wire.read("refresh after the update", type_name, made, after, changed)
    imported = inputs["deviceId"] if "Routes" in kind else made
    wire.read("import", type_name, imported, {}, {})
    wire.delete("delete", type_name, made, after)
    if "deviceId" not in inputs:
        wire.read("refresh after the end", type_name, made, after, changed)
    assert wire.answers == _expected("tailscale")[kind]


def test_the_functions_of_tailscale(tailscale: Plugin, stand_in: StandIn) -> None:
    key = stand_in.key()["key"]
    stand_in.log_in(key, "exit-a")
    stand_in.log_in(key, "exit-b")
    wire = Wire(tailscale)
    functions = "tailscale:index/get{0}:get{0}".format
    wire.invoke("getDevice", functions("Device"), {"hostname": "exit-a", "waitFor": "30s"})
    filters = [{"name": "tags", "values": ["tag:exit"]}]
    some = {"namePrefix": "exit-b", "filters": filters}
    wire.invoke("getDevices", functions("Devices"), some)
    wire.invoke("getDevices without arguments", functions("Devices"), {})
    assert wire.answers == _expected("tailscale")["functions"]


def test_the_settings_of_tailscale(tailscale: Plugin) -> None:
    wire = Wire(tailscale)
    wire.check_config("tailscale", {"baseUrl": "http://127.0.0.1:1", "tailnet": "-"})
    assert wire.answers == _expected("tailscale")["settings"]


def test_a_command(command: Plugin) -> None:
    inputs: dict[str, Any] = {
        "create": "echo made; echo err >&2",
        "update": 'echo "was $PULUMI_COMMAND_STDOUT"',
        "delete": "true",
        "environment": {"A": "a"},
        "interpreter": ["/bin/sh", "-c"],
        "triggers": [1, "x"],
        "logging": "none",
        "stdin": "in",
        "addPreviousOutputInEnv": True,
    }
    wire = Wire(command)
    wire.check_config("command", {})
    wire.check("check", _COMMAND, inputs)
    wire.create("create in a preview", _COMMAND, inputs, preview=True)
    made, state = wire.create("create", _COMMAND, inputs)
    wire.diff("nothing changes", _COMMAND, made, state, inputs, inputs)
    changes: dict[str, dict[str, Any]] = {
        "another command": {"create": "b"},
        "another variable": {"environment": {"A": "b", "B": "b"}},
        "an unknown variable": {"environment": {"A": UNKNOWN}},
        "no command for its end": {"delete": None},
        "another trigger": {"triggers": [2, "x"]},
        "one more trigger": {"triggers": [1, "x", 3]},
        "an unknown trigger": {"triggers": [UNKNOWN]},
        "unknown triggers": {"triggers": UNKNOWN},
        "no triggers": {"triggers": None},
    }
    for name, change in changes.items():
        new = {n: v for n, v in (inputs | change).items() if v is not None}
        wire.diff(name, _COMMAND, made, state, inputs, new)
    changed = inputs | {"create": "b"}
    wire.update("update in a preview", _COMMAND, made, state, inputs=changed, preview=True)
    after = wire.update("update", _COMMAND, made, state, inputs=changed)
    wire.read("refresh", _COMMAND, made, after, changed)
    wire.delete("delete", _COMMAND, made, after)
    others: dict[str, dict[str, Any]] = {
        "nothing": {},
        "a secret variable": {"create": "echo $A", "environment": {"A": Secret("a")}},
        "a secret environment": {"create": "echo $A", "environment": Secret({"A": "a"})},
        "a secret trigger": {"create": "true", "triggers": [Secret(1)]},
    }
    for name, few in others.items():
        wire.create(name, _COMMAND, few)
    few = {"create": UNKNOWN, "triggers": [UNKNOWN]}
    wire.create("unknown inputs in a preview", _COMMAND, few, preview=True)
    run = {"command": "cat; echo $A >&2", "stdin": "in", "environment": {"A": "a"}}
    wire.invoke("run", "command:local:run", run)
    wire.invoke("run with a secret", "command:local:run", run | {"stdin": Secret("in")})
    assert wire.answers == _expected("command")
