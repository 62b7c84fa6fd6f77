"""Imports go one way, so that a part can be read, tested and replaced by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]
_PARTS = (
    "__main__",
    "components",
    "delivery",
    "lab",
    "policies",
    "preflight",
    "provider_plugin",
    "providers",
    "report",
    "secret_sync",
    "settings",
    "toolchain",
)
# What each part may import of ours, beside itself.
_ALLOWED = {
    "__main__": {"settings", "components"},
    "components": set[str](),
    "delivery": {"preflight", "settings", "provider_plugin", "providers"},
    "lab": {"delivery", "provider_plugin"},
    "policies": set[str](),
    "preflight": {"settings", "provider_plugin", "providers"},
    "provider_plugin": set[str](),
    "providers": {"provider_plugin"},
    "report": {"preflight", "provider_plugin", "settings"},
    "secret_sync": {"preflight"},
    "settings": set[str](),
    "toolchain": {"delivery"},
}


def _files() -> Iterator[Path]:
    for part in _PARTS:
        folder = _REPOSITORY / part
        yield from sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _part(path: Path) -> str:
    return path.relative_to(_REPOSITORY).parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    "path", list(_files()), ids=lambda path: str(path.relative_to(_REPOSITORY))
)
def test_a_file_imports_only_what_the_arrows_allow(path: Path) -> None:
    part = _part(path)
    ours = {name.partition(".")[0] for name in _imported(path)} & set(_PARTS)
    assert ours <= _ALLOWED[part] | {part}


@pytest.mark.parametrize(
    "path", sorted((_REPOSITORY / "components").glob("*.py")), ids=lambda path: path.name
)
def test_a_component_imports_no_other_component(path: Path) -> None:
    ours = [name for name in _imported(path) if name.startswith("components.")]
    assert all(name.split(".")[1].startswith("_") for name in ours), ours


def test_only_settings_reads_the_configuration() -> None:
    readers = {
        str(path.relative_to(_REPOSITORY).parent)
        for path in _files()
        if "pulumi.Config(" in path.read_text() or "pulumi.runtime.config" in path.read_text()
    }
    assert readers == {"settings"}


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    sources = [*_files(), *(_REPOSITORY / "tests").rglob("*.py")]
    long = [str(path) for path in sources if len(path.read_text().splitlines()) > 300]
    assert long == []
