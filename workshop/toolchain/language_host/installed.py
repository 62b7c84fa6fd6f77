"""Prints, as JSON, the Pulumi packages installed for the interpreter that runs this file.

`[{name, version, plugin}]` with the content of `pulumi-plugin.json` or null. It runs in the
program's interpreter, not the host's, so it uses the standard library only.
"""

import importlib.util
import json
import re
import sys
from pathlib import Path


def plugins() -> list[dict[str, object]]:
    """Return the packages that carry a `pulumi-plugin.json` or are named `pulumi-…`.

    Names and versions come from the folder names `{name}-{version}.dist-info`, whose form is
    fixed by the binary distribution format; that is ten times faster than reading metadata.
    """
    found: dict[str, dict[str, object]] = {}
    for folder in map(Path, dict.fromkeys(filter(None, sys.path))):
        modules = {normalized(file.parent.name) for file in folder.glob("*/pulumi-plugin.json")}
        for entry in folder.glob("*.dist-info"):
            name, _, version = entry.name.removesuffix(".dist-info").partition("-")
            name = normalized(name)
            if name in modules or name.startswith("pulumi-"):
                module = name.replace("-", "_")
                found.setdefault(
                    name, {"name": name, "version": version, "plugin": _plugin(module)}
                )
    return list(found.values())


def _plugin(module: str) -> object:
    spec = importlib.util.find_spec(module)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder, "pulumi-plugin.json")
        if file.is_file():
            return json.loads(file.read_bytes())
    return None


def normalized(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    if sys.argv[1:]:
        print("usage: installed.py", file=sys.stderr)
        sys.exit(2)
    print(json.dumps(plugins()))
