"""The toolchain rebuilds only what changed, keeps nothing half-built, and says what to do.

The `go` and `pulumi` commands here are small shell scripts in place of the real ones: the real
build takes minutes, and CI does it by `make toolchain`.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from workshop.toolchain import build, engine
from workshop.toolchain.errors import ToolchainError
from workshop.toolchain.go import Go, required_version
from workshop.toolchain.modules import KUBERNETES, KWOK, PULUMI, Binary, Chart, Module


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def module(tmp_path: Path) -> Module:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "go.mod").write_text("module example\n\ngo 1.26.0\n")
    (folder / "go.sum").write_text("")
    return Module(
        name="example",
        path=folder,
        minutes=1,
        binaries=(Binary(name="tool", package="example/tool"),),
    )


def _script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def _go(tmp_path: Path, text: str) -> Go:
    command = _script(tmp_path / "go-bin" / "go", text)
    return Go(command=command, version="1.26.6", caches=tmp_path / "caches")


# Writes its last argument but one, the value of `-o`, as `go build` would.
_BUILDS = """
case "$1" in
  build) while [ "$1" != -o ]; do shift; done; echo built > "$2";;
  list) echo one; echo two;;
esac
"""


def _installed(module: Module, tmp_path: Path, script: str = _BUILDS) -> Path:
    """The folder that the module's products are in, once it is built by that `go`."""
    build.compile_module(module, _go(tmp_path, script), tmp_path / "log" / "example.log")
    build.install(module, tmp_path / "bin")
    return tmp_path / "bin"


def test_what_is_built_is_installed_and_then_up_to_date(module: Module, tmp_path: Path) -> None:
    assert not build.is_installed(module, tmp_path / "bin")
    target = _installed(module, tmp_path)
    assert (target / "tool").read_text() == "built\n"
    assert build.is_installed(module, target)
    # Another checkout finds it in the user's cache.
    build.install(module, tmp_path / "another" / "bin")
    assert (tmp_path / "another" / "bin" / "tool").exists()


def test_a_build_leaves_the_modules_sources_as_they_are(module: Module, tmp_path: Path) -> None:
    # `go mod download` adds the lines that go.sum lacks; the hash of the sources names the result.
    adds = f"echo 'example.org/x v1.0.0/go.mod h1:AAAA=' >> go.sum\n{_BUILDS}"
    target = _installed(module, tmp_path, adds)
    assert (module.path / "go.sum").read_text() == ""
    assert build.is_installed(module, target)


@pytest.mark.parametrize("name", ["go.mod", "go.sum"])
def test_a_changed_module_file_asks_for_a_build_of_that_module(
    module: Module, tmp_path: Path, name: str
) -> None:
    target = _installed(module, tmp_path)
    with (module.path / name).open("a") as source:
        source.write("// changed\n")
    assert not build.is_installed(module, target)
    assert not build.stored(module).exists()


def test_a_product_that_somebody_removed_is_put_back(module: Module, tmp_path: Path) -> None:
    target = _installed(module, tmp_path)
    (target / "tool").unlink()
    assert not build.is_installed(module, target)


def test_a_failed_build_leaves_nothing_that_looks_whole(module: Module, tmp_path: Path) -> None:
    go = _go(tmp_path, 'test "$1" != build || { echo "tool.go:1: syntax error" >&2; exit 1; }')
    with pytest.raises(ToolchainError, match=r"^example: go failed \(tool.go:1: syntax error\)"):
        build.compile_module(module, go, tmp_path / "log" / "example.log")
    assert not build.stored(module).exists()
    assert list(build.cache_folder().iterdir()) == []


def test_an_unreachable_registry_is_said_in_one_line_with_what_to_do(
    module: Module, tmp_path: Path
) -> None:
    fault = "go: example.org/x@v1.0.0: dial tcp: lookup proxy.example.org: no such host"
    go = _go(tmp_path, f'echo "{fault}" >&2; exit 1')
    with pytest.raises(ToolchainError) as raised:
        build.compile_module(module, go, tmp_path / "log" / "example.log")
    line = str(raised.value)
    assert "\n" not in line
    assert "the Go module proxy could not be reached" in line
    assert line.endswith("run `make toolchain` again; it goes on where it stopped")


def test_the_go_release_needed_is_the_highest_of_the_modules(module: Module) -> None:
    (module.path / "go.mod").write_text("module example\n\ngo 1.99.3\n")
    assert required_version([KUBERNETES, KWOK, module]) == (1, 99, 3)


@pytest.mark.parametrize(
    ("printed", "used"),
    [("v3.250.1", "3.250.1"), ("v3.229.0", "3.229.0"), ("v3.228.0", None), ("no version", None)],
)
def test_an_official_engine_is_used_when_it_is_new_enough(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    printed: str,
    used: str | None,
) -> None:
    command = _script(tmp_path / "official" / "pulumi", f"echo {printed}")
    monkeypatch.setenv("PATH", str(command.parent))
    assert engine.official(tmp_path / "bin") == ((command, used) if used else None)
    refused = (
        f"toolchain: {command} is not Pulumi 3.229.0 or newer: the engine built here is used\n"
    )
    assert capsys.readouterr().out == ("" if used else refused)


def test_the_engine_built_here_is_not_taken_for_an_official_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = _script(tmp_path / "bin" / "pulumi", "echo v3.246.0")
    monkeypatch.setenv("PATH", str(command.parent))
    assert engine.official(command.parent) is None


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A toolchain with an engine built here, its host and its providers, used once."""
    for name in PULUMI.products:
        _script(tmp_path / "bin" / name, f"exit 0 # {name}")
    (tmp_path / "bin" / f".{PULUMI.name}").touch()
    engine.install(tmp_path)
    for plugin in list((tmp_path / "pulumi-home" / "plugins").iterdir()):
        plugin.with_name(f"{plugin.name}.lock").touch()
    return tmp_path


def test_nothing_of_a_built_engine_is_left_for_an_official_one(built: Path) -> None:
    plugins = list((built / "pulumi-home" / "plugins").rglob("pulumi-resource-*"))
    assert {path.name for path in plugins} == {
        "pulumi-resource-kubernetes",
        "pulumi-resource-tailscale",
        "pulumi-resource-command",
    }
    engine.remove(built)
    assert list((built / "pulumi-home" / "plugins").iterdir()) == []
    assert list((built / "bin").iterdir()) == []


def _contents(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_plugins_that_an_official_engine_has_put_there_stay(built: Path) -> None:
    home = built / "pulumi-home"
    for plugin in home.rglob("pulumi-resource-*"):
        plugin.unlink()
        _script(plugin, f"exit 0 # the official {plugin.name}")
    (home / "credentials.json").write_text("{}")
    before = _contents(home)
    engine.remove(built)
    assert _contents(home) == before


def test_a_toolchain_without_a_built_engine_is_left_as_it_is(built: Path) -> None:
    engine.remove(built)
    # As the official engine leaves them behind: the same names, and one that is a script.
    for name in ("tailscale", "kubernetes"):
        _script(built / "pulumi-home" / "plugins" / f"resource-{name}-v1" / f"pulumi-{name}", "")
    before = _contents(built)
    engine.remove(built)
    assert _contents(built) == before


def test_a_chart_is_taken_without_the_dependencies_it_would_need(
    module: Module, tmp_path: Path
) -> None:
    chart = tmp_path / "cached" / "deploy" / "chart"
    chart.mkdir(parents=True)
    (chart / "Chart.yaml").write_text(
        "name: example\nversion: 0.1.0\ndependencies:\n- name: other\n  version: 1.0.0\n"
    )
    (chart / "Chart.lock").write_text("digest: x\n")
    (chart / "values.yaml").write_text("a: 1\n")
    taken = Chart(module="example", path="deploy/chart", name="example-chart")
    module = replace(module, binaries=(), extracts=(taken,))
    finds = f'test "$1" != list || echo {tmp_path / "cached"}'
    copied = _installed(module, tmp_path, finds) / "example-chart"
    assert (copied / "Chart.yaml").read_text() == "name: example\nversion: 0.1.0\n"
    assert [path.name for path in sorted(copied.iterdir())] == ["Chart.yaml", "values.yaml"]
