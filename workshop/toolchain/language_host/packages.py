"""The Pulumi packages a program has installed, as the engine's package dependencies."""

import base64
import re
from typing import Any

from pulumi.runtime.proto import plugin_pb2

# Known to have no plugin and no pulumi-plugin.json that says so (main.go, packagesWithoutPlugins).
WITHOUT_PLUGIN = frozenset({"pulumi-policy", "pulumi-esc-sdk"})

_VERSION = re.compile(
    r"(?P<release>\d+(\.\d+)*)"
    r"((?P<phase>a|b|rc)(?P<number>\d*))?(\.post(?P<post>\d*))?(\.dev(?P<dev>\d*))?",
    re.ASCII,
)
_PHASES = {"a": "alpha", "b": "beta", "rc": "rc"}


def plugin_version(version: str) -> str | None:
    """Translate a Python version to the plugin's semantic version, or None where that is unknown.

    `1.0` is `1.0.0`, `1.2.3a4` is `1.2.3-alpha.4`, `1.2.3.post4.dev5` is `1.2.3+post4dev5`
    (main.go, determinePluginVersion).
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    numbers = match["release"].split(".")
    translated = ".".join(numbers + ["0"] * (3 - len(numbers)))
    if match["phase"] is not None:
        translated += f"-{_PHASES[match['phase']]}.{match['number']}"
    local = "" if match["post"] is None else f"post{match['post']}"
    local += "" if match["dev"] is None else f"dev{match['dev']}"
    return f"{translated}+{local}" if local else translated


def dependency(
    name: str, version: str, plugin: dict[str, Any] | None
) -> plugin_pb2.PackageDependency | None:
    """Return what the package `name` needs, or None when it has no plugin or an unknown version.

    `plugin` is its `pulumi-plugin.json` (sdk plugin.go, PulumiPluginJSON). The plugin's own name
    and version win over the package's.
    """
    plugin = {"resource": True} if plugin is None else plugin
    found = plugin.get("version") or plugin_version(version)
    if name in WITHOUT_PLUGIN or not plugin.get("resource") or not found:
        return None
    parameterization = plugin.get("parameterization")
    return plugin_pb2.PackageDependency(
        name=plugin.get("name") or name.removeprefix("pulumi-"),
        kind="resource",
        version=found if found.startswith("v") else f"v{found}",
        server=plugin.get("server", ""),
        parameterization=None
        if parameterization is None
        else plugin_pb2.PackageParameterization(
            name=parameterization["name"],
            version=parameterization["version"],
            value=base64.b64decode(parameterization.get("value") or ""),
        ),
    )
