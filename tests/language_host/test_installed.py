"""The plugins a program's packages need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version
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
    derived = dependency("pulumi-reef", "1.0rc2", None)
    assert own is not None
    assert derived is not None
    assert (own.name, own.version) == ("reef", "v2.0.0")
    assert (derived.name, derived.version) == ("reef", "v1.0.0-rc.2")


def test_a_parameterized_package_keeps_its_parameter() -> None:
    parameter = {"name": "reef", "version": "1.0.0", "value": "aGVsbG8="}
    plugin = {"resource": True, "name": "bridge", "version": "2.0.0", "parameterization": parameter}
    found = dependency("pulumi-reef", "1.0.0", plugin)
    assert found is not None
    assert (found.name, found.parameterization.name) == ("bridge", "reef")
    assert found.parameterization.value == b"hello"


@pytest.mark.parametrize(
    ("python", "plugin"),
    [
        ("4.25.0", "4.25.0"),
        ("1.0", "1.0.0"),
        ("1.2.3a4", "1.2.3-alpha.4"),
        ("1.2.3b4", "1.2.3-beta.4"),
        ("1.2.3.post4.dev5", "1.2.3+post4dev5"),
        ("1.2.3rc4.dev5", "1.2.3-rc.4+dev5"),
        ("1!1.2.3", None),
        ("1.2.3+local", None),
        ("", None),
    ],
)
def test_a_python_version_is_the_plugins_semantic_version(python: str, plugin: str | None) -> None:
    assert plugin_version(python) == plugin


@given(
    st.lists(st.integers(0, 999), min_size=1, max_size=3),
    st.sampled_from(["", "a1", "b2", "rc3"]),
)
def test_plugin_versions_keep_the_order_of_python_versions(release: list[int], phase: str) -> None:
    python = ".".join(map(str, release)) + phase
    translated = plugin_version(python)
    assert translated is not None
    assert Version(
        translated.replace("-alpha.", "a").replace("-beta.", "b").replace("-rc.", "rc")
    ) == (Version(python))
