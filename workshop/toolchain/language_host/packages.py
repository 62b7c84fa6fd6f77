"""The Pulumi packages a program has installed, as the engine's package dependencies."""

import re
from typing import Any

from pulumi.runtime.proto import plugin_pb2

# Known to have no plugin and no pulumi-plugin.json that says so (main.go, packagesWithoutPlugins).
WITHOUT_PLUGIN = frozenset({"pulumi-policy", "pulumi-esc-sdk"})


def plugin_version(version: str) -> str | None:
    """The plugin's semantic version for a Python package's, or None where that is unknown.

    `1.0` is `1.0.0`. Releases only: what this project installs is pinned to one.
    """
    if re.fullmatch(r"\d+(\.\d+)*", version, re.ASCII) is None:
        return None
    numbers = version.split(".")
    return ".".join(numbers + ["0"] * (3 - len(numbers)))


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
    return plugin_pb2.PackageDependency(
        name=plugin.get("name") or name.removeprefix("pulumi-"),
        kind="resource",
        version=found if found.startswith("v") else f"v{found}",
        server=plugin.get("server", ""),
    )
