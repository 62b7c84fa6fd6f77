"""The plugins a program's packages need."""

import pytest
from pulumi.runtime.proto import language_pb2

from workshop.toolchain.language_host.packages import dependency, plugin_version

from .running import RunningHost


def test_the_installed_packages_name_their_plugins(host: RunningHost) -> None:
    info = host.program("")
    request = language_pb2.GetRequiredPackagesRequest(info=info)
    found = {
        (package.kind, package.name, package.version)
        for package in host.runtime.GetRequiredPackages(request).packages
    }
    assert found == {
        ("resource", "kubernetes", "v4.25.0"),
        ("resource", "tailscale", "v0.29.2"),
        ("resource", "command", "v1.2.1"),
    }


def test_a_package_says_for_itself_what_its_plugin_is() -> None:
    assert dependency("pulumi-policy", "1.21.0", None) is None
    assert dependency("some-package", "1.0", {"resource": False}) is None
    assert dependency("pulumi-odd", "1!2.0", None) is None
    own = dependency("my-sdk", "1.0", {"resource": True, "name": "reef", "version": "2.0.0"})
    derived = dependency("pulumi-reef", "1.0", None)
    assert own is not None
    assert derived is not None
    assert (own.name, own.version) == ("reef", "v2.0.0")
    assert (derived.name, derived.version) == ("reef", "v1.0.0")


@pytest.mark.parametrize(
    ("python", "plugin"),
    [
        ("4.25.0", "4.25.0"),
        ("1.0", "1.0.0"),
        ("1.2.3rc4", None),
        ("1!1.2.3", None),
        ("1.2.3+local", None),
        ("", None),
    ],
)
def test_a_python_version_is_the_plugins_semantic_version(python: str, plugin: str | None) -> None:
    assert plugin_version(python) == plugin
