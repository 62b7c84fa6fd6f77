"""A stack of firewall rules under the real engine, in a folder of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

from operations.delivery.environment import engine
from workshop.testing.checkout import REPOSITORY
from workshop.testing.local_stack import LocalStack, write_program
from workshop.testing.provider_stand_in import StandIn

_PROGRAM = """
import json, pathlib, sys
sys.path.insert(0, {repository!r})
import pulumi
from components.firewall.crunchybridge import FirewallRule, firewall_rules

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
        self.stand_in = stand_in
        plugin = {"name": "crunchybridge", "path": str(REPOSITORY / "providers/crunchybridge")}
        program = _PROGRAM.format(repository=str(REPOSITORY), network=stand_in.network)
        self.folder = write_program(folder, program, plugins={"providers": [plugin]})
        self.set({})
        self.engine = LocalStack(
            self.folder,
            "test",
            CRUNCHY_API_KEY=stand_in.api_key,
            CRUNCHYBRIDGE_BASE_URL=stand_in.url,
        )

    def set(self, rules: dict[str, dict[str, Any]]) -> None:
        """What the program asks for."""
        (self.folder / "rules.json").write_text(json.dumps(rules))

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run the engine; what it printed."""
        result = self.engine.run(*arguments)
        assert (result.returncode != 0) == fails, result.stdout
        assert self.stand_in.api_key not in result.stdout
        return result.stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the engine in a session of its own."""
        return subprocess.Popen(
            [engine(), *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.engine.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def up(self, *arguments: str, fails: bool = False) -> str:
        return self.run("up", "--yes", "--skip-preview", *arguments, fails=fails)

    def state(self) -> list[dict[str, Any]]:
        document = json.loads(self.run("stack", "export"))
        resources = document["deployment"].get("resources", [])
        return [each for each in resources if each["type"].startswith("crunchybridge:index:")]
