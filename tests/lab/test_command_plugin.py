"""The command plugin: a real process over gRPC, running real commands."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2

from lab.plugins.property_value import UNKNOWN, Secret
from tests.lab.stand_in_processes import REPOSITORY, Engine, Plugin, details
from tests.waiting import until

COMMAND = "command:local:Command"
RUN = "command:local:run"


def test_the_user_is_told_that_a_stand_in_is_in_use(command: Plugin) -> None:
    assert command.engine.said().startswith("stand-in for the command provider 1.2.1:")


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
    changed = command.update(COMMAND, "id", {"stdout": "x"}, preview=True, create=touch)
    assert (made["stdout"], changed["stdout"]) == (UNKNOWN, UNKNOWN)
    assert not (tmp_path / "ran").exists()


def test_a_trigger_replaces_and_anything_else_updates(command: Plugin) -> None:
    old = {"create": "a", "triggers": [1]}
    assert list(command.diff(COMMAND, old, old | {"triggers": [2]}).replaces) == ["triggers"]
    assert list(command.diff(COMMAND, old, old | {"triggers": [UNKNOWN]}).replaces) == ["triggers"]
    changed = command.diff(COMMAND, old, old | {"create": "b"})
    assert (list(changed.diffs), list(changed.replaces)) == (["create"], [])
    same = command.diff(COMMAND, old, old)
    assert same.changes == same.DIFF_NONE


def test_a_failure_names_the_exit_status_and_shows_no_secret(command: Plugin) -> None:
    secret = secrets.token_hex(16)
    with pytest.raises(grpc.RpcError) as caught:
        command.create(
            COMMAND,
            create="echo known $A; cat >&2; exit 7",
            environment={"A": Secret(secret)},
            stdin=Secret(f"first {secret}\nsecond line"),
        )
    message = details(caught)
    assert message.startswith("exit status 7: running 'echo known $A")
    assert "known [secret]" in message
    assert secret not in message
    assert "second line" not in message
    assert secret not in command.engine.said()


def test_a_failure_shows_no_output_where_logging_is_off(command: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        command.create(COMMAND, create="echo private; exit 1", logging="none")
    assert details(caught) == "exit status 1: running 'echo private; exit 1'"


def test_output_is_secret_where_an_input_is(command: Plugin) -> None:
    _, made = command.create(COMMAND, create="echo $A", environment=Secret({"A": "a"}))
    assert made["stdout"] == Secret("a")
    assert made["environment"] == Secret({"A": "a"})
    assert made["create"] == "echo $A"


def test_a_folder_that_does_not_exist_is_named(command: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match=r"cannot start the command in '/nonexistent'"):
        command.create(COMMAND, create="true", dir="/nonexistent")


def test_run_runs_each_time(command: Plugin) -> None:
    result = command.invoke(RUN, command="cat; echo $A >&2", stdin="in", environment={"A": "a"})
    assert (result["stdout"], result["stderr"]) == ("in", "a")
    with pytest.raises(grpc.RpcError, match="command: required"):
        command.invoke(RUN)


def test_a_refresh_keeps_what_is_there(command: Plugin) -> None:
    command_id, made = command.create(COMMAND, create="echo $A", environment=Secret({"A": "a"}))
    found = command.read(COMMAND, command_id, made, {"create": "echo $A"})
    assert found == (command_id, made, {"create": "echo $A"})


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"assetPaths": ["*"]}, "no 'assetPaths'"),
        ({"archivePaths": ["*"]}, "no 'archivePaths'"),
        ({"logging": "loud"}, "must be one of"),
        ({"creat": "x"}, "no property"),
    ],
)
def test_what_the_stand_in_lacks_is_refused(
    command: Plugin, inputs: dict[str, Any], reason: str
) -> None:
    assert any(reason in text for text in command.check(COMMAND, **inputs))


def test_a_remote_command_is_refused_with_one_line(command: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        command.check("command:remote:Command", create="true")
    assert "no resource type 'command:remote:Command'" in details(caught)
    assert "\n" not in details(caught)


def test_cancelling_ends_the_command_and_what_it_started(
    start_plugin: Callable[..., Plugin], tmp_path: Path
) -> None:
    command = start_plugin("lab.plugins.command")
    fifo = tmp_path / "started"
    os.mkfifo(fifo)
    script = f"sleep 1000 & echo $! > {fifo}; wait"
    with futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(command.create, COMMAND, create=script)
        child = int(fifo.read_text())
        command.stub.Cancel(empty_pb2.Empty())
        with pytest.raises(grpc.RpcError, match="cancelled"):
            running.result()
    until(lambda: _has_ended(child), "the command has ended")


def test_a_plugin_whose_engine_was_killed_ends_with_its_command(tmp_path: Path) -> None:
    fifo = tmp_path / "started"
    os.mkfifo(fifo)
    code = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'lab.plugins.command'])"
    engine = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert engine.stdout is not None
    with (
        grpc.insecure_channel(f"127.0.0.1:{int(engine.stdout.readline())}") as channel,
        futures.ThreadPoolExecutor(1) as pool,
    ):
        plugin = Plugin(engine, channel, Engine())
        running = pool.submit(plugin.create, COMMAND, create=f"sleep 1000 & echo $! > {fifo}; wait")
        child = int(fifo.read_text())
        engine.kill()
        engine.wait()
        with pytest.raises(grpc.RpcError, match="cancelled"):
            running.result()
        # The plugin holds the other end of its output until it has ended.
        assert engine.stdout.read() == ""
    engine.stdout.close()
    until(lambda: _has_ended(child), "the command has ended")


def _has_ended(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
