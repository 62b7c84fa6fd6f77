"""Stand-in providers refuse to work outside a lab, also under a bare `pulumi`."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from tests.lab.stand_in_processes import Plugin, StandIn
from tests.lab_variables import lab_variables
from tests.plugin_process import details
from workshop.testing.checkout import clean_checkout, passed, said
from workshop.testing.local_stack import LocalStack, write_program

_REFUSAL = "in use is a stand-in, for the lab only, and this is not a lab: "
_OUTSIDE = (
    f"{_REFUSAL}TAILSCALE_BASE_URL is not set. Nothing has been changed. Install the official"
)
_PROGRAM = """
import pulumi_command
pulumi_command.local.Command("made", create="touch made", delete="rm made")
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["command", "tailscale"])
def test_a_stand_in_is_not_configured_outside_a_lab(
    start_plugin: Callable[..., Plugin], name: str
) -> None:
    plugin = start_plugin(name, real=False, TAILSCALE_BASE_URL="", TAILSCALE_API_KEY="any")
    with pytest.raises(grpc.RpcError) as refused:
        plugin.configure()
    assert _OUTSIDE in details(refused)
    assert "\n" not in details(refused)
    assert f"the provider {name} " in details(refused)


@pytest.mark.slow
def test_the_address_in_the_providers_settings_counts_before_the_environments(
    start_plugin: Callable[..., Plugin], stand_in: StandIn
) -> None:
    plugin = start_plugin("tailscale", real=False, TAILSCALE_API_KEY=stand_in.api_key)
    with pytest.raises(grpc.RpcError) as refused:
        plugin.configure(baseUrl="https://api.tailscale.com")
    assert f"{_REFUSAL}TAILSCALE_BASE_URL does not lead to this machine" in details(refused)
    plugin.configure(baseUrl=stand_in.url)


class _Outside:
    """One stack with a Command in its state, made in a lab; its engine then runs outside of it."""

    def __init__(self, folder: Path) -> None:
        project = write_program(folder, _PROGRAM)
        self.made = project / "made"
        self.stack = LocalStack(project, **lab_variables(folder))

    def leave(self) -> None:
        for name in lab_variables(self.stack.folder):
            del self.stack.environment[name]

    def resources(self) -> list[str]:
        """The types in the state, without the stack's own resource and the providers."""
        exported = json.loads(self.stack.run("stack", "export").stdout)
        types = [each["type"] for each in exported["deployment"].get("resources", [])]
        return [each for each in types if not each.startswith("pulumi:")]


@pytest.mark.e2e
@pytest.mark.parametrize(
    "command", [("preview",), ("up", "--yes"), ("up", "--yes", "--skip-preview")]
)
def test_a_bare_pulumi_makes_nothing_outside_a_lab(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    outside = _Outside(tmp_path)
    outside.leave()
    result = outside.stack.run(*command)
    assert result.returncode != 0
    assert _OUTSIDE in result.stdout, result.stdout
    assert not outside.made.exists()
    assert outside.resources() == []


@pytest.mark.e2e
def test_a_bare_pulumi_changes_nothing_that_is_there_outside_a_lab(tmp_path: Path) -> None:
    outside = _Outside(tmp_path)
    passed(outside.stack.run("up", "--yes", "--skip-preview"))
    outside.leave()
    for command in ("refresh", "destroy"):
        result = outside.stack.run(command, "--yes")
        assert result.returncode != 0
        assert _OUTSIDE in result.stdout, result.stdout
        assert outside.made.exists()
        assert outside.resources() == ["command:local:Command"]


@pytest.mark.e2e
def test_prod_is_refused_with_one_line_before_the_engine_starts(tmp_path: Path) -> None:
    checkout = clean_checkout(tmp_path)
    if not (checkout.path / ".toolchain/bin/pulumi").exists():
        pytest.skip("an official engine is on PATH")
    result = checkout.oceanid("preview", "--stack", "prod")
    assert result.returncode == 2, said(result)
    (line,) = [each for each in result.stderr.splitlines() if not each.startswith("make:")]
    assert line.startswith("oceanid: stack prod: the engine in use was built here")
    assert not (checkout.path / ".delivery").exists()


@pytest.mark.e2e
def test_the_whole_program_ends_with_one_line_and_no_traceback(tmp_path: Path) -> None:
    checkout = clean_checkout(tmp_path)
    stack = LocalStack(checkout.path)
    shutil.copy(checkout.path / "Pulumi.prod.yaml", checkout.path / "Pulumi.kept.yaml")
    result = stack.run("preview")
    assert result.returncode != 0
    assert "Traceback" not in result.stdout, result.stdout
    # The engine shows it as it comes, and once more at the end.
    said_so = [line for line in result.stdout.splitlines() if "error: the preflight" in line]
    (line,) = {line.partition("error: ")[2] for line in said_so}
    assert f"the preflight did not run: the provider command {_OUTSIDE}" in line
