"""Writes a Pulumi import file for the firewall rules that exist and that the stack wants."""

import json
import shlex
import threading
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from operations.delivery.environment import LAB_STACK, config_file
from operations.errors import OperationError
from providers.crunchybridge.firewall_rule import TYPE_NAME
from providers.crunchybridge.pace import Clock
from providers.crunchybridge.rule import KINDS, FirewallRule, resource_id
from providers.crunchybridge.settings import client_of
from providers.plugin.errors import ProviderError
from settings import Settings, read_file

_COMPONENT = "firewall"


def write(stack: str, environment: dict[str, str], target: Path) -> str:
    """Write the file and say what is in it and what was left out; raises OperationError."""
    settings = read_file(config_file(stack))
    wanted = wanted_ranges(settings)
    try:
        with closing(client_of({}, environment, Clock.real(threading.Event()))) as client:
            rules = client.rules(settings.firewall.network)
    except ProviderError as error:
        raise OperationError(str(error)) from None
    target.write_text(json.dumps(import_file(rules, wanted), indent=2) + "\n")
    others = [rule for rule in rules if rule.kind == KINDS[0] and rule.cidr not in wanted]
    # The program protects no rule, and an imported one is protected unless told otherwise.
    flags = f"--file {shlex.quote(str(target))} --yes --protect=false --generate-code=false"
    lines = [f"{target}: rules to import: {len(rules) - len(others)}, by"]
    if stack == LAB_STACK:
        lines.append(f'  eval "$(oceanid env --stack {stack})"')
    lines.append(f"  pulumi import --stack {stack} {flags}")
    if others:
        extra = [
            {"cidr": rule.cidr, "description": rule.description or "added manually"}
            for rule in others
        ]
        lines += ["rules the settings do not name; to keep them, list them under firewall.extra:"]
        lines += [f"  {line}" for line in yaml.safe_dump(extra, sort_keys=False).splitlines()]
    return "\n".join(lines)


def wanted_ranges(settings: Settings) -> set[str]:
    return {*settings.egress_ranges, *(entry.cidr for entry in settings.firewall.extra)}


def import_file(rules: Iterable[FirewallRule], wanted: set[str]) -> dict[str, Any]:
    """The import file's document: the component, and under it each rule that is wanted."""
    resources: list[dict[str, Any]] = [
        {"type": "oceanid:index:Firewall", "name": _COMPONENT, "component": True}
    ]
    resources += [
        {
            "type": TYPE_NAME,
            "name": f"{_COMPONENT}-{rule.cidr}",
            "id": resource_id(rule),
            "parent": _COMPONENT,
        }
        for rule in rules
        if rule.kind == KINDS[0] and rule.cidr in wanted
    ]
    return {"resources": resources}
