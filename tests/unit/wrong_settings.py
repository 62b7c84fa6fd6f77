"""A stack's settings with one change, and what they are refused with."""

import json
import re
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


def changed(paths: Config) -> Change:
    """Set what each path leads to; `[+]` adds to a list, and `without` is a path to leave out."""

    def change(config: Config) -> None:
        for path, value in paths.items():
            *way, last = re.findall(r"[^.\[\]]+", value if path == "without" else path)
            place: Any = config
            for step in way:
                place = place[int(step) if isinstance(place, list) else step]
            if path == "without":
                del place[last]
            elif last == "+":
                place.append(value)
            else:
                place[int(last) if isinstance(place, list) else last] = value

    return change
