"""The command plugin: a real process over gRPC, running real commands."""

import json
from pathlib import Path
from typing import Any

import grpc
import pytest

from providers.plugin.property_value import UNKNOWN, Secret
from tests.lab.stand_in_processes import Plugin
from tests.plugin_process import details

COMMAND = "command:local:Command"
RUN = "command:local:run"


def test_create_update_and_delete_run_their_commands(command: Plugin, tmp_path: Path) -> None:
    inputs: dict[str, Any] = {
        "create": "echo made | tee made",
        "update": 'echo "was $PULUMI_COMMAND_STDOUT, $PULUMI_COMMAND_STDERR"; echo oh >&2',
        "delete": 'printf "$PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR" > gone',
        "dir": str(tmp_path),
    }
    command_id, made = command.create(COMMAND, **inputs)
    changed = command.update(COMMAND, command_id, made, **inputs)
    command.delete(COMMAND, command_id, changed)
    assert command_id.startswith("thing")
    assert (made["stdout"], made["stderr"]) == ("made", "")
    assert (changed["stdout"], changed["stderr"]) == ("was made, ", "oh")
    assert (tmp_path / "made").read_text() == "made\n"
    assert (tmp_path / "gone").read_text() == "was made, /oh"


def test_an_update_without_its_command_runs_create_again(command: Plugin) -> None:
    command_id, made = command.create(COMMAND, create="echo 1")
    assert command.update(COMMAND, command_id, made, create="echo 2")["stdout"] == "2"


def test_previous_output_stays_out_of_the_environment_if_so_told(command: Plugin) -> None:
    inputs: dict[str, Any] = {
        "create": "echo x",
        "update": "echo [$PULUMI_COMMAND_STDOUT]",
        "addPreviousOutputInEnv": False,
    }
    command_id, made = command.create(COMMAND, **inputs)
    assert command.update(COMMAND, command_id, made, **inputs)["stdout"] == "[]"


def test_stdin_environment_and_interpreter_reach_the_command(command: Plugin) -> None:
    _, made = command.create(
        COMMAND,
        create="import os, sys; print(os.environ['A'] + sys.stdin.read())",
        interpreter=["python3", "-c"],
        environment={"A": "a"},
        stdin="b",
    )
    assert made["stdout"] == "ab"


def test_a_command_that_does_not_read_its_stdin_is_no_failure(command: Plugin) -> None:
    _, made = command.create(COMMAND, create="echo done", stdin="x" * 1_000_000)
    assert made["stdout"] == "done"


@pytest.mark.parametrize(
    ("mode", "logged"),
    [
        (None, {"out", "err"}),
        ("stdoutAndStderr", {"out", "err"}),
        ("stdout", {"out"}),
        ("stderr", {"err"}),
        ("none", set()),
    ],
)
def test_logging_follows_its_mode_and_capture_does_not(
    command: Plugin, mode: str | None, logged: set[str]
) -> None:
    command.engine.messages.clear()
    _, made = command.create(COMMAND, create="echo out; echo err >&2", logging=mode)
    assert {message for _, message in command.engine.messages} == logged
    assert all(urn == command.urn(COMMAND) for urn, _ in command.engine.messages)
    assert (made["stdout"], made["stderr"]) == ("out", "err")


def test_a_preview_runs_nothing(command: Plugin, tmp_path: Path) -> None:
    touch = f"touch {tmp_path}/ran"
    _, made = command.create(COMMAND, preview=True, create=touch, triggers=[UNKNOWN])
    state = {"create": "true", "stdout": "x", "stderr": ""}
    changed = command.update(COMMAND, "id", state, preview=True, create=touch)
    assert (made["stdout"], changed["stdout"]) == (UNKNOWN, UNKNOWN)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("mode", ["stdoutAndStderr", "none"])
def test_a_failure_shows_the_command_and_all_that_it_printed(command: Plugin, mode: str) -> None:
    # Whatever the mode says, and secrets too: a program must not print what nobody may read.
    script = 'echo "known $A"; sleep 0.1; cat >&2; exit 7'
    secret = Secret({"A": "open"})
    with pytest.raises(grpc.RpcError) as caught:
        command.create(COMMAND, create=script, environment=secret, stdin="in\n", logging=mode)
    told = json.dumps(script)
    assert details(caught) == f"exit status 7: running {told}:\nknown open\nin\n"


def test_a_command_that_is_killed_says_by_what(command: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="signal: killed: running"):
        command.create(COMMAND, create="kill -9 $$")


def test_a_folder_that_does_not_exist_is_named(command: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="/nonexistent: no such file or directory"):
        command.create(COMMAND, create="true", dir="/nonexistent")


def test_run_without_its_command_is_refused(command: Plugin) -> None:
    (refusal,) = command.refusals(RUN)
    assert "'command'" in refusal
