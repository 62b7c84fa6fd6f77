"""Runs a program against Pulumi's mocks and records what it registers."""

import asyncio
import json
import runpy
import shlex
import subprocess
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pulumi
import yaml
from pulumi.runtime import rpc
from pulumi.runtime.settings import SETTINGS, get_root_resource
from pulumi.runtime.stack import Stack, run_pulumi_func

from components.secrets.synced import TOKEN_KEY

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = "oceanid-cluster"
TAILNET_ADDRESS = "100.64.0.7"
KEY_ENDS = "2027-02-19T00:00:00Z"
CRDS = Path(__file__).with_name("crds.yaml")


# Assembled here: no token, not even a made-up one, stands in the source.
_TOKEN = "-".join(("pul", "0" * 40))


@dataclass(frozen=True, kw_only=True)
class World:
    """What a program finds outside: what its invokes are answered with."""

    devices: Sequence[Mapping[str, Any]] = ()
    """The tailnet's device list."""
    problems: Sequence[Mapping[str, str]] = ()
    """What the preflight finds."""
    groups: Sequence[str] | None = ("apps", "monitoring.coreos.com")
    """The API groups that the cluster serves, None where the preflight cannot see them."""
    unnamed: Sequence[str] | None = ()
    """The cluster's nodes that the settings do not name, None where nodes cannot be seen."""
    gateways: Sequence[Mapping[str, str]] | None = ()
    """Node and wave of each gateway once a wave has rolled out, None where they cannot be seen."""
    findings: Mapping[str, str] = field(default_factory=dict)
    """What the gates' pods have said by node, where all checks passed will not do."""
    unfit: Mapping[str, str] = field(default_factory=dict)
    """The nodes on which nothing can be measured by then, with the reasons."""
    api_servers: Sequence[str] | None = (
        *("157.173.210.123:6443", "191.101.1.3:6443", "192.168.2.80:6443"),
    )
    """The cluster's own API servers, None where the preflight cannot see them."""
    uids: Mapping[str, str] = field(default_factory=dict)
    """The uids of the cluster's nodes by name."""
    firewall: Sequence[Mapping[str, str]] = ()
    """The rules of the database's network."""
    existing: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The labels of the namespaces and Secrets that are there, by their places."""
    unread: Sequence[Mapping[str, str]] = ()
    """The synced secrets that could not be read again."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Tailnet addresses by device name, where TAILNET_ADDRESS will not do."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Credentials by the Tailscale resource's name, where a made-up one will not do."""


@dataclass
class Recording(pulumi.runtime.Mocks):
    """Every resource a program registered, in order, with its inputs as the engine sees them."""

    world: World = field(default_factory=World)
    resources: list[pulumi.runtime.MockResourceArgs] = field(default_factory=list)
    invokes: list[pulumi.runtime.MockCallArgs] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    objects: list[dict[str, Any]] = field(default_factory=list)
    """Every object of the cluster as the API server would have it."""
    addresses: dict[int, str] = field(default_factory=dict)
    """The Services by the last part of their address."""

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        self.resources.append(args)
        outputs = dict(args.inputs)
        if args.typ.startswith("tailscale:"):
            # Assembled here: no key, not even a made-up one, stands in the source.
            mocked = "-".join(("tskey", "client", "mocked"))
            outputs["key"] = self.world.keys.get(args.name, mocked)
            outputs["expiresAt"] = KEY_ENDS
        if args.typ.startswith("kubernetes:"):
            # As the provider does: a name of its own for what has none, and the server's uid.
            metadata = {"name": f"{args.name}-1a2b3c4d", **args.inputs.get("metadata", {})}
            outputs["metadata"] = {**metadata, "uid": f"uid-of-{args.name}"}
            if args.inputs.get("kind") == "Service":
                outputs["spec"] = {"clusterIP": self._address(args.name), **args.inputs["spec"]}
            self.objects.append(outputs)
        return f"{args.name}-id", outputs

    def _address(self, name: str) -> str:
        """A Service's address: of the same name the same in every recording."""
        number = zlib.crc32(name.encode()) % 250
        while self.addresses.setdefault(number, name) != name:
            number = (number + 1) % 250
        return f"10.43.1.{number + 1}"

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        self.invokes.append(args)
        if args.token == "command:local:run":
            answer = self._answer(args.args["command"], args.args.get("stdin"))
            return {"stdout": json.dumps(answer)}, []
        if args.token.endswith("getFirewallRules"):
            return {"rules": self.world.firewall}, []
        if args.token.endswith("getDevices"):
            return {"devices": self.world.devices}, []
        return {
            **args.args,
            "id": "mocked",
            "nodeId": "nMocked",
            "addresses": [
                self.world.addresses.get(args.args.get("hostname", ""), TAILNET_ADDRESS),
                "fd7a:115c:a1e0::7",
            ],
        }, []

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """What such a program says when the stack runs it itself."""
        return subprocess.CompletedProcess(
            command, 0, json.dumps(self._answer(shlex.join(command))), ""
        )

    def _answer(self, command: str, sent: str | None = None) -> object:
        """What a program that the stack runs says, by its command line and input."""
        if " operations.secret_gate existing " in command:
            return self.world.existing
        if " operations.secret_gate read " in command:
            return self.world.unread
        if " operations.preflight.gateways " in command:
            why = "pods cannot be seen: forbidden"
            asked = shlex.split(command)
            unfit = {node: why for node, why in self.world.unfit.items() if node in asked}
            return {"gateways": self.world.gateways, "unfit": unfit, "why": why}
        if " operations.report.findings " in command:
            nodes = [
                asked.rsplit("=", 1)[0] for asked in shlex.split(command) if "=uid-of-" in asked
            ]
            said = {node: f"node {node}: all 9 checks passed: …" for node in nodes}
            return {**said, **{n: m for n, m in self.world.findings.items() if n in nodes}}
        told = {name: getattr(self.world, name) for name in ("groups", "unnamed", "unfit", "uids")}
        # As operations/preflight/checks/api_servers.py chooses them.
        given = json.loads(sent or "{}").get("cluster", {}).get("apiServer")
        told["apiServers"] = given or self.world.api_servers
        return {"answered": True, "results": self.world.problems, **told}

    @property
    def manifests(self) -> list[dict[str, Any]]:
        """Every object as it would be sent to the API server."""
        return [plain(each) for each in self.objects if "kind" in each]

    def of_type(self, token: str) -> list[dict[str, Any]]:
        return [each.inputs for each in self.resources if each.typ == token]

    def named(self, name: str) -> dict[str, Any]:
        (inputs,) = [each.inputs for each in self.resources if each.name == name]
        return inputs


def record(
    program: Callable[[], object],
    *,
    stack: str = "dev",
    config: dict[str, str] | None = None,
    world: World | None = None,
) -> Recording:
    """Run `program` to its end, outputs resolved, and give back what it registered."""
    recording = Recording(world=world or World())

    async def run() -> None:
        # One worker: calls come in a steady order, and the loop that the SDK's mocks open in each
        # worker and leave open can be closed.
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(max_workers=1))
        try:
            await run_mocked()
        finally:
            await loop.run_in_executor(None, _close_loop_of_thread)

    async def run_mocked() -> None:
        # As pulumi.runtime.test does: a program that failed leaves calls of a loop that is closed.
        SETTINGS.rpc_manager.clear()
        SETTINGS.outputs.clear()
        # Inside the loop: the SDK keeps futures of the loop in which its settings were made.
        pulumi.runtime.set_mocks(recording, project=PROJECT, stack=stack, preview=False)
        pulumi.runtime.set_all_config(config or {}, [f"{PROJECT}:{TOKEN_KEY}"])

        def whole() -> None:
            program()

        await run_pulumi_func(whole)
        root = get_root_resource()
        assert isinstance(root, Stack)
        recording.outputs = await pulumi.Output.from_input(root.outputs).future() or {}

    with patch("components.secrets.secret_reading.run", recording.run):
        asyncio.run(run())
    return recording


def plain(value: Any) -> Any:
    """Without the envelopes in which the SDK sends secrets (pulumi.runtime.rpc), and with integers.

    The engine knows numbers of one kind only.
    """
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return plain(value["value"])
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _close_loop_of_thread() -> None:
    # There is none when the program ended before it registered anything.
    with suppress(RuntimeError):
        asyncio.get_event_loop().close()


def configured(key: str, stack: str = "dev") -> Any:
    """A key of a stack's configuration as its file has it."""
    document = yaml.safe_load((REPOSITORY / f"Pulumi.{stack}.yaml").read_text())
    return document["config"][f"{PROJECT}:{key}"]


def encoded(stack: str, **changes: Any) -> dict[str, str]:
    """The configuration of `stack` as the engine gives it; `changes` replace top-level keys.

    The operator's CRDs come from a small file next to this one: they need neither a build nor the
    network.
    """
    document = yaml.safe_load((REPOSITORY / f"Pulumi.{stack}.yaml").read_text())["config"]
    document[f"{PROJECT}:externalSecrets"]["crds"] = str(CRDS)
    config = {key.partition(":")[2]: value for key, value in document.items()} | changes
    return {
        key: v if isinstance(v, str) else json.dumps(v)
        for key, v in config.items()
        if v is not None
    }


def record_stack(stack: str, world: World | None = None, **changes: Any) -> Recording:
    """Run `__main__` whole with the configuration of `stack`; `changes` replace top-level keys.

    A key that is changed to None is left out.
    """
    config = encoded(stack, **{TOKEN_KEY: _TOKEN, **changes})
    return record(
        lambda: runpy.run_path(str(REPOSITORY / "__main__.py")),
        stack=stack,
        config={f"{PROJECT}:{key}": value for key, value in config.items()},
        world=world,
    )
