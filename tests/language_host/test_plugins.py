"""Provider plugins and policy packs that the host runs for the engine."""

from collections.abc import Iterable
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, language_pb2

from .running import RunningHost

_PACK = """
import pulumi
from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy
seen = f"{pulumi.get_stack()} {pulumi.get_project()} {pulumi.Config('reef').get('depth')}"
policy = StackValidationPolicy("told", seen, lambda args, report: None)
PolicyPack("pack", [policy], enforcement_level=EnforcementLevel.MANDATORY)
"""


def _plugin(info: language_pb2.ProgramInfo, **fields: object) -> language_pb2.RunPluginRequest:
    defaults = {"kind": "resource", "pwd": info.program_directory}
    return language_pb2.RunPluginRequest(info=info, **{**defaults, **fields})  # type: ignore[arg-type]


def _started(host: RunningHost, request: language_pb2.RunPluginRequest) -> Any:
    """Start a plugin; return its responses: an iterator, with `cancel` (gRPC's stubs have less)."""
    return host.runtime.RunPlugin(request)


def _joined(responses: Iterable[language_pb2.RunPluginResponse]) -> tuple[bytes, bytes, int]:
    stdout, stderr, code = b"", b"", -1
    for response in responses:
        assert code == -1, "the exit code comes last"
        stdout, stderr = stdout + response.stdout, stderr + response.stderr
        if response.WhichOneof("output") == "exitcode":
            code = response.exitcode
    return stdout, stderr, code


def test_a_plugins_output_comes_whole_and_in_order_with_its_exit_code_last(
    host: RunningHost,
) -> None:
    source = """
import sys
for number in range(20000):
    print(number, file=(sys.stdout, sys.stderr)[number % 2])
sys.exit(7)
"""
    request = _plugin(host.program(source))
    stdout, stderr, code = _joined(host.runtime.RunPlugin(request))
    assert [int(line) for line in stdout.split()] == list(range(0, 20000, 2))
    assert [int(line) for line in stderr.split()] == list(range(1, 20000, 2))
    assert code == 7


def test_a_plugins_output_comes_while_it_runs(host: RunningHost) -> None:
    go_on = host.folder / "go-on"
    source = f"""
import pathlib, sys, time
sys.stdout.write("4711\\n")  # one write: `print` makes two, and the pipe may part them
while not pathlib.Path({str(go_on)!r}).exists():
    time.sleep(0.01)
print("ended")
"""
    responses = _started(host, _plugin(host.program(source)))
    assert next(responses).stdout == b"4711\n"
    go_on.touch()
    assert _joined(responses) == (b"ended\n", b"", 0)


def test_a_plugin_gets_the_arguments_folder_and_environment_of_the_engine(
    host: RunningHost,
) -> None:
    source = (
        "import os, sys\nprint(sys.argv[1:], os.getcwd(), os.environ['WORD'], 'HOME' in os.environ)"
    )
    info = host.program(source)
    request = _plugin(info, args=["-v=3", "a:1"], env=["WORD=a=b"], pwd=str(host.folder))
    assert _joined(host.runtime.RunPlugin(request)) == (
        f"['-v=3', 'a:1'] {host.folder} a=b False\n".encode(),
        b"",
        0,
    )


def test_a_plugin_ends_although_its_own_child_keeps_its_output_open(host: RunningHost) -> None:
    source = "import subprocess\nsubprocess.Popen(['sleep', '600'])\nprint('done')"
    request = _plugin(host.program(source))
    assert _joined(host.runtime.RunPlugin(request)) == (b"done\n", b"", 0)


def test_a_folder_without_a_program_is_no_plugin(host: RunningHost) -> None:
    info = host.program("")
    (host.folder / "program" / "__main__.py").unlink()
    with pytest.raises(grpc.RpcError) as failure:
        _joined(host.runtime.RunPlugin(_plugin(info)))
    told = f"{host.folder}/program: no __main__.py, so there is no plugin to run"
    assert failure.value.details() == told


def test_a_policy_pack_knows_the_stack_it_judges(host: RunningHost) -> None:
    info = host.program(_PACK)
    responses = _started(host, _plugin(info, kind="analyzer", args=["127.0.0.1:1"]))
    port = int(next(responses).stdout)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        pack = analyzer_pb2_grpc.AnalyzerStub(channel)
        pack.Handshake(analyzer_pb2.AnalyzerHandshakeRequest(engine_address="127.0.0.1:1"))
        pack.ConfigureStack(
            analyzer_pb2.AnalyzerStackConfigureRequest(
                stack="dev", project="reef", config={"reef:depth": "7"}, dry_run=True
            )
        )
        info_of_pack = pack.GetAnalyzerInfo(empty_pb2.Empty())
    assert info_of_pack.name == "pack"
    assert [policy.description for policy in info_of_pack.policies] == ["dev reef 7"]
    responses.cancel()


def test_a_policy_pack_starts_without_a_stack_when_asked_what_it_is(host: RunningHost) -> None:
    info = host.program(_PACK)
    responses = _started(host, _plugin(info, kind="analyzer", args=["127.0.0.1:1"]))
    with grpc.insecure_channel(f"127.0.0.1:{int(next(responses).stdout)}") as channel:
        pack = analyzer_pb2_grpc.AnalyzerStub(channel)
        assert len(pack.GetAnalyzerInfo(empty_pb2.Empty()).policies) == 1
    responses.cancel()


def test_a_policy_pack_that_cannot_start_fails_every_request_and_shows_why(
    host: RunningHost,
) -> None:
    info = host.program("import no_such_module")
    responses = _started(host, _plugin(info, kind="analyzer", args=["127.0.0.1:1"]))
    with grpc.insecure_channel(f"127.0.0.1:{int(next(responses).stdout)}") as channel:
        pack = analyzer_pb2_grpc.AnalyzerStub(channel)
        with pytest.raises(grpc.RpcError) as failure:
            pack.GetAnalyzerInfo(empty_pb2.Empty())
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
    _, stderr, code = _joined(responses)
    assert b"No module named 'no_such_module'" in stderr
    assert code == 1
