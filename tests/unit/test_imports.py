"""Imports go one way, so that a part can be read, tested and replaced by itself."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workshop.testing.checkout import REPOSITORY, completed, passed

_PRODUCT = {"components", "operations.delivery", "policies", "providers", "settings"}
_SHARED_BY_OPERATIONS = {"components", "operations.errors", "policies", "providers", "settings"}
# What each part may import of ours, beside itself. Nothing of the product names the workshop.
_ALLOWED = {
    "__main__": {"settings", "components"},
    "components": set[str](),
    "operations.cli": {
        "operations.delivery",
        "operations.errors",
        "operations.preflight",
        "operations.report",
        "policies",
        "settings",
    },
    "operations.delivery": {*_SHARED_BY_OPERATIONS, "operations.kubernetes"},
    "operations.errors": set[str](),
    "operations.kubernetes": {"operations.errors", "providers"},
    "operations.preflight": {*_SHARED_BY_OPERATIONS, "operations.kubernetes"},
    "operations.report": {
        *_SHARED_BY_OPERATIONS,
        "operations.delivery",
        "operations.kubernetes",
        "operations.preflight",
    },
    "operations.secret_gate": {"operations.errors", "operations.kubernetes"},
    "policies": set[str](),
    "providers": set[str](),
    "settings": {"components"},
    "workshop.bench": {*_PRODUCT, "workshop.lab", "workshop.testing", "workshop.toolchain"},
    "workshop.lab": {
        "components",
        "operations.cli",
        "operations.delivery",
        "providers",
        "workshop.toolchain",
    },
    "workshop.testing": {*_PRODUCT, "workshop.lab", "workshop.toolchain"},
    "workshop.toolchain": {"operations.delivery"},
}
_PARTS = tuple(_ALLOWED)
_ROOMS = {part.partition(".")[0] for part in _PARTS} | {"tests"}


def _files() -> Iterator[Path]:
    for part in _PARTS:
        folder = REPOSITORY / part.replace(".", "/")
        yield from sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = path.relative_to(REPOSITORY).with_suffix("").parts[: -node.level]
            module = ".".join([*(parents if node.level else ()), *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _part(path: Path) -> str:
    return _part_of(".".join(path.relative_to(REPOSITORY).with_suffix("").parts))


def _part_of(module: str) -> str:
    """The part that a module belongs to; its first folder where that is no part of its own."""
    found = [each for each in _PARTS if f"{module}.".startswith(f"{each}.")]
    return found[0] if found else module.partition(".")[0]


@pytest.mark.parametrize("path", list(_files()), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_file_imports_only_what_the_arrows_allow(path: Path) -> None:
    part = _part(path)
    ours = {_part_of(name) for name in _imported(path) if name.partition(".")[0] in _ROOMS}
    assert ours <= _ALLOWED[part] | {part}


# Beside its own subject, a component uses what all of them share. Monitoring watches the egress.
_SHARED = {"components.cluster", "components.values"}
_SUBJECTS = {"components.monitoring": {"components.egress", "components.secrets"}}


@pytest.mark.parametrize(
    "path",
    sorted((REPOSITORY / "components").rglob("*.py")),
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_a_component_imports_its_own_subject_and_the_shared_one(path: Path) -> None:
    subject = ".".join(path.relative_to(REPOSITORY).parts[:2])
    others = {".".join(name.split(".")[:2]) for name in _imported(path) if "components." in name}
    assert others <= {subject, *_SHARED} | _SUBJECTS.get(subject, set())


def test_the_components_work_from_another_project() -> None:
    files = (REPOSITORY / "components").rglob("*.py")
    assert not [path for path in files if "from components" in path.read_text()]


def test_the_guard_imports_nothing_but_its_sdk() -> None:
    allowed = {*sys.stdlib_module_names, "policies", "pulumi_policy"}
    allowed |= {"google", "grpc", "pulumi", "yaml"}
    files = (REPOSITORY / "policies").rglob("*.py")
    imported = {name.partition(".")[0] for path in files for name in _imported(path)}
    assert imported <= allowed


def test_the_engines_configuration_is_read_in_one_place_and_its_secret_in_another() -> None:
    readers = {
        str(path.relative_to(REPOSITORY))
        for path in _files()
        if "pulumi.Config(" in path.read_text() or "pulumi.runtime.config" in path.read_text()
    }
    assert readers == {"components/cluster/stack_config.py", "components/secrets/esc_access.py"}


def test_settings_import_no_engine() -> None:
    modules = [f"settings.{path.stem}" for path in (REPOSITORY / "settings").glob("*.py")]
    script = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    run = passed(completed(sys.executable, "-c", script))
    assert not [name for name in run.stdout.split() if name.startswith("pulumi")]


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    sources = [*_files(), *(REPOSITORY / "tests").rglob("*.py")]
    long = [str(path) for path in sources if len(path.read_text().splitlines()) > 300]
    assert long == []
