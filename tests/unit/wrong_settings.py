"""A stack's settings with one change, and what they are refused with."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import yaml

from settings import Settings, parse

_REPOSITORY = Path(__file__).resolve().parents[2]

Config = dict[str, Any]
Change = Callable[[Config], object]


def config_of(stack: str = "prod") -> Config:
    """The configuration of a stack as its file has it."""
    document = yaml.safe_load((_REPOSITORY / f"Pulumi.{stack}.yaml").read_text())["config"]
    return {key.partition(":")[2]: value for key, value in document.items()}


def parsed(config: Config, secret: Collection[str] = ()) -> Settings:
    """The settings of a configuration."""
    encoded = {k: v if isinstance(v, str) else json.dumps(v) for k, v in config.items()}
    return parse(encoded, secret)


def lines(change: Change, secret: Collection[str] = ()) -> list[str]:
    """A line for each fault of prod's settings after the change."""
    config = config_of()
    change(config)
    try:
        parsed(config, secret)
    except ValueError as error:
        return str(error).splitlines()
    return []


def assert_refused(change: Change, key: str, rule: str) -> None:
    """One line refuses the change, with this key and this rule, and says how to correct it."""
    (line,) = lines(change)
    assert key in line
    assert rule in line
    # Key and value, rule, remedy.
    assert line.count(": ") >= 2


def destination(**changes: Any) -> Change:
    """Change the first destination, `database`."""
    return lambda c: c["egress"]["destinations"][0].update(changes)


def more(**changes: Any) -> Change:
    """One more destination next to `database` and the transparent `s3`."""
    given = {"name": "more", "host": "more.example.org", "port": 443, "localPort": 15444}
    return lambda c: c["egress"]["destinations"].append(given | changes)


def exit_node(**changes: Any) -> Change:
    """Change the exit node."""
    return lambda c: c["exitNodes"][0].update(changes)


def exit_on(node: str) -> Change:
    """Give the exit node's node another name."""

    def change(config: Config) -> None:
        config["nodes"][0]["name"] = node
        config["exitNodes"][0]["node"] = node

    return change


def wave(name: str) -> Change:
    """Give the first wave another name."""
    return lambda c: c["egress"]["waves"][0].update(name=name)


def cluster(**changes: Any) -> Change:
    """Change the cluster."""
    return lambda c: c["cluster"].update(changes)


def ranges(*ranges: str) -> Change:
    """Give the tailnet these service ranges."""
    return lambda c: c["tailnet"].update(serviceRanges=list(ranges))


def image(image: str) -> Change:
    """Give Envoy another image."""
    return lambda c: c["egress"].update(envoyImage=image)


def egress_ip(url: str) -> Change:
    """Ask another URL for the egress IP."""
    return lambda c: c["egress"].update(egressIpUrl=url)


def labels(**labels: str) -> Change:
    """Give the first node these labels, `__` standing for a slash."""
    return lambda c: c["nodes"][0].update(labels={k.replace("__", "/"): labels[k] for k in labels})
