"""Writes a Pulumi import file for the firewall rules that exist and that the stack wants."""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from delivery.environment import LAB_STACK, DeliveryError, config_file
from provider_plugin.errors import ProviderError
from providers.crunchybridge.client import Client
from providers.crunchybridge.pace import Clock
from providers.crunchybridge.rule import Rule
from providers.crunchybridge.settings import settings as provider_settings
from settings import Settings, read_file

_COMPONENT = "firewall"


def write(stack: str, environment: dict[str, str], target: Path) -> str:
    """Write the file and say what is in it and what was left out; raises DeliveryError."""
    settings = read_file(config_file(stack))
    wanted = wanted_ranges(settings)
    try:
        given = provider_settings({}, environment)
        client = Client(api_key=given.api_key, url=given.url, clock=Clock.real(threading.Event()))
        rules = client.rules(settings.firewall.network)
        client.close()
    except ProviderError as error:
        raise DeliveryError(str(error)) from None
    target.write_text(json.dumps(import_file(rules, wanted), indent=2) + "\n")
    others = [each for each in rules if each.kind == "ingress" and each.cidr not in wanted]
    # The program protects no rule, and an imported one is protected unless told otherwise.
    flags = f"--file {shlex.quote(str(target))} --yes --protect=false --generate-code=false"
    lines = [f"{target}: rules to import: {len(rules) - len(others)}, by"]
    if stack == LAB_STACK:
        lines.append(f'  eval "$(.venv/bin/python -m delivery env --stack {stack})"')
    lines.append(f"  pulumi import --stack {stack} {flags}")
    if others:
        extra = [{"cidr": e.cidr, "description": e.description or "typed by hand"} for e in others]
        lines += ["rules the settings do not name; to keep them, list them under firewall.extra:"]
        lines += [f"  {line}" for line in yaml.safe_dump(extra, sort_keys=False).splitlines()]
    return "\n".join(lines)


def wanted_ranges(settings: Settings) -> set[str]:
    """The ranges the stack has a rule for, in the API's own form."""
    return {*settings.egress_ranges, *(each.cidr for each in settings.firewall.extra)}


def import_file(rules: Iterable[Rule], wanted: set[str]) -> dict[str, Any]:
    """The import file's document: the component, and under it each rule that is wanted."""
    resources: list[dict[str, Any]] = [
        {"type": "oceanid:index:Firewall", "name": _COMPONENT, "component": True}
    ]
    resources += [
        {
            "type": "crunchybridge:index:FirewallRule",
            "name": f"{_COMPONENT}-{each.cidr}",
            "id": f"{each.network_id}/{each.id}",
            "parent": _COMPONENT,
        }
        for each in rules
        if each.kind == "ingress" and each.cidr in wanted
    ]
    return {"resources": resources}
