"""Programs that the host runs for the engine."""

import json
import signal
import sys
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2

from .running import RunningHost


def _request(info: language_pb2.ProgramInfo, **fields: object) -> language_pb2.RunRequest:
    defaults = {"project": "reef", "stack": "dev", "parallel": 16, "monitor_address": "m:1"}
    return language_pb2.RunRequest(
        info=info,
        pwd=info.program_directory,
        **{**defaults, **fields},  # type: ignore[arg-type]
    )


def test_output_and_errors_come_in_the_order_they_were_written(host: RunningHost) -> None:
    source = """
import sys
for number in range(500):
    print(number, file=(sys.stdout, sys.stderr)[number % 2])
"""
    response = host.runtime.Run(_request(host.program(source)))
    host.process.send_signal(signal.SIGINT)
    code, output = host.ended()
    assert (response.error, response.bail, code) == ("", False, 0)
    assert output.split() == [str(number) for number in range(500)]


def test_a_program_is_told_what_the_engine_said(host: RunningHost) -> None:
    source = """
import json, os, sys
names = ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS")
print(json.dumps([sys.argv[1:], os.getcwd(), *(json.loads(os.environ[name]) for name in names)]))
"""
    info = host.program(source)
    host.runtime.Run(
        _request(
            info,
            dryRun=True,
            organization="oceanid",
            config={"reef:depth": "7", "reef:key": "hidden"},
            configSecretKeys=["reef:key"],
            args=["extra"],
        )
    )
    host.process.send_signal(signal.SIGINT)
    arguments, folder, config, secret_keys = json.loads(host.ended()[1])
    assert arguments == (
        f"--monitor m:1 --engine 127.0.0.1:1 --project reef --root_directory {host.folder}/program "
        f"--stack dev --pwd {host.folder}/program --dry_run true --parallel 16 "
        "--organization oceanid . extra"
    ).split(" ")
    assert (folder, config) == (f"{host.folder}/program", {"reef:depth": "7", "reef:key": "hidden"})
    assert secret_keys == ["reef:key"]


@pytest.mark.parametrize(
    ("ending", "error", "bail"),
    [
        ("sys.exit(0)", "", False),
        ("sys.exit(32)", "", True),
        ("sys.exit(3)", "program exited with non-zero exit code: 3", False),
        ("raise ValueError", "program exited with non-zero exit code: 1", False),
        ("os.kill(os.getpid(), 9)", "program was ended by SIGKILL", False),
    ],
)
def test_how_a_program_ended_reaches_the_engine(
    host: RunningHost, ending: str, error: str, bail: object
) -> None:
    info = host.program(f"import os, sys\n{ending}\n")
    response = host.runtime.Run(_request(info))
    assert (response.error, response.bail) == (error, bail)


def test_a_program_runs_in_the_virtual_environment_of_its_root(host: RunningHost) -> None:
    (host.folder / "env" / "bin").mkdir(parents=True)
    (host.folder / "env" / "bin" / "python").symlink_to(sys.executable)
    source = "import os\nprint(os.environ['VIRTUAL_ENV'], os.environ['PATH'].split(':')[0])"
    info = host.program(source, toolchain="pip", virtualenv="../env")
    assert host.runtime.Run(_request(info)).error == ""
    host.process.send_signal(signal.SIGTERM)
    assert host.ended()[1].split() == [f"{host.folder}/env", f"{host.folder}/env/bin"]


def test_a_missing_virtual_environment_is_one_line_that_says_how_to_make_it(
    host: RunningHost,
) -> None:
    info = host.program("print('ran')", virtualenv="venv")
    with pytest.raises(grpc.RpcError) as failure:
        host.runtime.Run(_request(info))
    program = f"{host.folder}/program"
    assert failure.value.details() == (
        f"{program}: runtime option virtualenv is 'venv', but {program}/venv is not a virtual "
        f"environment: make it with `python3.11 -m venv {program}/venv` and "
        f"`{program}/venv/bin/pip install -r requirements.txt`"
    )
    host.process.send_signal(signal.SIGTERM)
    assert host.ended() == (0, "")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"virtualEnv": "venv"}, "runtime option virtualEnv is not known"),
        ({"virtualenv": 3}, "virtualenv must be a string, not 3.0"),
        ({"toolchain": "uv"}, "toolchain is 'uv', but this language host knows pip only"),
    ],
)
def test_options_that_would_mean_another_interpreter_are_refused(
    host: RunningHost, options: dict[str, str | float], told: str
) -> None:
    info = host.program("", **options)
    with pytest.raises(grpc.RpcError) as failure:
        host.runtime.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info))
    assert told in (failure.value.details() or "")


def test_a_missing_executor_names_the_command_that_makes_it(
    host: RunningHost, executor: Path
) -> None:
    executor.unlink()
    with pytest.raises(grpc.RpcError) as failure:
        host.runtime.Run(_request(host.program("")))
    assert failure.value.details() == f"{executor} is missing: run `make toolchain`"


def test_the_engine_learns_the_interpreter(host: RunningHost) -> None:
    about = host.runtime.About(language_pb2.AboutRequest(info=host.program("")))
    assert about.version == ".".join(map(str, sys.version_info[:3]))
    assert Path(about.executable).samefile(sys.executable)


def test_requests_it_does_not_serve_are_told_quietly(host: RunningHost) -> None:
    assert host.runtime.GetPluginInfo(empty_pb2.Empty()).version == "3.246.0"
    with pytest.raises(grpc.RpcError) as failure:
        host.runtime.Pack(language_pb2.PackRequest())
    assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED
    host.process.send_signal(signal.SIGTERM)
    assert host.ended() == (0, "")
