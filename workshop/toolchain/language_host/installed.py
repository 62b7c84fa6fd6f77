"""Prints, as JSON, what is installed for the interpreter that runs this file.

`python installed.py packages`: every distribution, `[{name, version, required}]`, where
`required` says that another one needs it. `python installed.py plugins`: the Pulumi packages,
`[{name, version, plugin}]` with the content of `pulumi-plugin.json` or null. `python installed.py
about`: `{executable, version, pip}`. It runs in the program's interpreter, not the host's, so it
uses the standard library only.
"""

import importlib.util
import json
import re
import sys
from pathlib import Path


def packages() -> list[dict[str, object]]:
    """Return every distribution; reads each one's metadata, 0.5 ms apiece."""
    import importlib.metadata  # noqa: PLC0415  (35 ms, which `plugins` does without)

    needed: set[str] = set()
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        metadata = distribution.metadata
        found.setdefault(normalized(metadata["Name"]), metadata["Version"])
        for requirement in metadata.get_all("Requires-Dist", []):
            name, _, marker = requirement.partition(";")
            if "extra" not in marker:
                needed.add(normalized(re.split(r"[^A-Za-z0-9._-]", name.strip(), maxsplit=1)[0]))
    return [
        {"name": name, "version": version, "required": name in needed}
        for name, version in sorted(found.items())
    ]


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


def about() -> dict[str, str]:
    """Return the interpreter's path and version, and pip's version or an empty string."""
    import importlib.metadata  # noqa: PLC0415  (as above)

    try:
        pip = importlib.metadata.version("pip")
    except importlib.metadata.PackageNotFoundError:
        pip = ""
    version = ".".join(map(str, sys.version_info[:3]))
    return {"executable": sys.executable, "version": version, "pip": pip}


if __name__ == "__main__":
    questions = {"packages": packages, "plugins": plugins, "about": about}
    if len(sys.argv) != 2 or sys.argv[1] not in questions:  # noqa: PLR2004  one argument
        print(f"usage: installed.py {{{','.join(questions)}}}", file=sys.stderr)
        sys.exit(2)
    print(json.dumps(questions[sys.argv[1]]()))
