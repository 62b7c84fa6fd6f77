"""A stack of firewall rules under the real engine, in a folder of its own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from pathlib import Path
from typing import Any

import yaml

from delivery.environment import engine, engine_variables
from tests.provider.stand_in import REPOSITORY, StandIn
from tests.waiting import ENGINE_SECONDS

_PROGRAM = """
import json, pathlib, sys
sys.path.insert(0, {repository!r})
import pulumi
from components._crunchybridge import FirewallRule, firewall_rules

for name, fields in json.loads(pathlib.Path("rules.json").read_text()).items():
    options = fields.pop("options", {{}})
    if "secret" in options:
        fields["description"] = pulumi.Output.secret(fields["description"])
    rule = FirewallRule(name, network_id={network!r}, **fields)
    pulumi.export(name, rule.rule_id)
pulumi.export("listed", firewall_rules({network!r}).apply(lambda rules: [r.rule for r in rules]))
"""


class Stack:
    """One stack; `rules` maps resource names to the arguments of FirewallRule."""

    def __init__(self, folder: Path, stand_in: StandIn) -> None:
        self.folder = folder / "project"
        self.stand_in = stand_in
        state = folder / "state"
        self.folder.mkdir()
        state.mkdir()
        plugin = {"name": "crunchybridge", "path": str(REPOSITORY / "providers/crunchybridge")}
        runtime = {"name": "python", "options": {"virtualenv": str(REPOSITORY / ".venv")}}
        project = {
            "name": "reef",
            "runtime": runtime,
            "plugins": {"providers": [plugin]},
        }
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        (self.folder / "__main__.py").write_text(
            _PROGRAM.format(repository=str(REPOSITORY), network=stand_in.network)
        )
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            **engine_variables(),
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(16),
            "CRUNCHY_API_KEY": stand_in.api_key,
            "CRUNCHYBRIDGE_BASE_URL": stand_in.url,
        }
        self.set({})
        self.run("stack", "init", "test")

    def set(self, rules: dict[str, dict[str, Any]]) -> None:
        """What the program asks for."""
        (self.folder / "rules.json").write_text(json.dumps(rules))

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run the engine; what it printed."""
        result = subprocess.run(
            [engine(), *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=ENGINE_SECONDS,
            check=False,
        )
        assert (result.returncode != 0) == fails, result.stdout
        assert self.stand_in.api_key not in result.stdout
        return result.stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the engine in a session of its own."""
        return subprocess.Popen(
            [engine(), *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def up(self, *arguments: str, fails: bool = False) -> str:
        """Run `up`, without a preview."""
        return self.run("up", "--yes", "--skip-preview", *arguments, fails=fails)

    def state(self) -> list[dict[str, Any]]:
        """The firewall rules in the state."""
        document = json.loads(self.run("stack", "export"))
        resources = document["deployment"].get("resources", [])
        return [each for each in resources if each["type"].startswith("crunchybridge:index:")]
