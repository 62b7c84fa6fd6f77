# ruff: noqa: N802 - the methods' names are the protocol's
"""The engine's requests, answered (`pulumirpc.LanguageRuntime`)."""

import functools
import json
import os
import platform
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from workshop.toolchain.language_host import interpreter, packages, policy_pack
from workshop.toolchain.language_host.children import Child, Children, Command
from workshop.toolchain.language_host.errors import HostError
from workshop.toolchain.language_host.output import end_with, stream

VERSION = "3.246.0"  # the engine this host was read against; official hosts carry the engine's
ALREADY_REPORTED = 32  # the program's exit code when the engine has its error (main.go)
_INSTALLED = str(Path(__file__).with_name("installed.py"))

_Host = TypeVar("_Host", bound="Host")
_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


def _clearly(
    method: Callable[[_Host, _Request, grpc.ServicerContext], _Answer],
) -> Callable[[_Host, _Request, grpc.ServicerContext], _Answer]:
    """Turn a HostError into a failed call whose message is the error's one line."""

    @functools.wraps(method)
    def answer(self: _Host, request: _Request, context: grpc.ServicerContext) -> _Answer:
        try:
            return method(self, request, context)
        except HostError as error:
            _refuse(context, grpc.StatusCode.FAILED_PRECONDITION, str(error))

    return answer


def _refuse(context: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> NoReturn:
    context.abort(code, message)
    raise AssertionError(message)  # abort raises; its stub does not say so


def _not_offered(_host: object, _request: object, context: grpc.ServicerContext) -> NoReturn:
    message = "this language host only runs programs: use the Pulumi CLI"
    _refuse(context, grpc.StatusCode.UNIMPLEMENTED, message)


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs programs, policy packs and provider plugins for the engine at `engine` (host:port)."""

    def __init__(self, children: Children, executor: str, engine: str) -> None:
        """`executor` is the path of the SDK's `pulumi-language-python-exec`."""
        self._children = children
        self._executor = executor
        self._engine = engine
        self._programs: set[Child] = set()

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Take the engine's address, for an engine that attached to a running host."""
        self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """Return the version of the official host this one stands in for."""
        return plugin_pb2.PluginInfo(version=VERSION)

    @_clearly
    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """Return the plugins of the Pulumi packages installed for the program."""
        return language_pb2.GetRequiredPackagesResponse(
            packages=self._required(request.info, context)
        )

    @_clearly
    def About(
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        """For an update's metadata; a project's virtual environment has the host's own Python."""
        return language_pb2.AboutResponse(
            executable=interpreter.choose(request.info).executable,
            version=platform.python_version(),
            metadata={"languageHost": "built from this repository"},
        )

    def RuntimeOptionsPrompts(
        self, request: language_pb2.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        """Ask nothing: the project's runtime options are written down."""
        return language_pb2.RuntimeOptionsResponse()

    @_clearly
    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Check that the virtual environment exists, and refuse where it does not."""
        found = interpreter.choose(request.info)
        message = f"This language host installs nothing; using {found.executable} as it is.\n"
        return iter([language_pb2.InstallDependenciesResponse(stdout=message.encode())])

    @_clearly
    def Run(
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        """Run a program to its end; its output is the host's own."""
        if request.attach_debugger:
            raise HostError("this language host cannot attach a debugger: run without it")
        if not Path(self._executor).is_file():
            raise HostError(f"{self._executor} is missing: run `make toolchain`")
        found = interpreter.choose(request.info)
        environment = found.environment(os.environ)
        environment["PULUMI_CONFIG"] = json.dumps(dict(request.config))
        environment["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(list(request.configSecretKeys))
        child = self._children.start(
            Command(
                # -u: what is printed shows at once, and in order with what goes to stderr.
                arguments=[found.executable, "-u", self._executor, *self._arguments(request)],
                folder=request.pwd or request.info.program_directory,
                environment=environment,
            )
        )
        end_with(context, child, signal.SIGINT)
        self._programs.add(child)
        code = child.wait()
        self._programs.discard(child)
        if code == ALREADY_REPORTED:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=_failure(code))

    def _arguments(self, request: language_pb2.RunRequest) -> list[str]:
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
            "organization": request.organization,
        }
        named = [part for name, value in options.items() if value for part in (f"--{name}", value)]
        return [*named, request.info.entry_point, *request.args]

    @_clearly
    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack (kind `analyzer`) or another plugin and stream its output."""
        if request.attach_debugger:
            raise HostError("this language host cannot attach a debugger: run without it")
        found = interpreter.choose(request.info)
        program = request.info.program_directory
        if not Path(program, "__main__.py").is_file():
            raise HostError(f"{program}: no __main__.py, so there is no plugin to run")
        base = dict(entry.split("=", 1) for entry in request.env) or os.environ
        environment = found.environment(base)
        if request.kind == "analyzer":
            arguments = ["-m", "pulumi.policy", *request.args, program]
            # A pack reads files next to it: its folder is its working directory (main.go).
            folder = program
        else:
            arguments, folder = [program, *request.args], request.pwd or program
        command = Command(
            arguments=[found.executable, "-u", *arguments],
            folder=folder,
            environment=environment,
            piped=True,
        )
        if request.kind == "analyzer":
            return policy_pack.run(self._children, command, context)
        child = self._children.start(command)
        end_with(context, child, signal.SIGTERM)
        return stream(child)

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        for child in tuple(self._programs):
            child.end(signal.SIGINT)
        return empty_pb2.Empty()

    GetProgramDependencies: Any = _not_offered
    GenerateProgram: Any = _not_offered
    GenerateProject: Any = _not_offered
    GeneratePackage: Any = _not_offered
    Link: Any = _not_offered
    Pack: Any = _not_offered
    Template: Any = _not_offered

    def _required(
        self, info: language_pb2.ProgramInfo, context: grpc.ServicerContext
    ) -> list[plugin_pb2.PackageDependency]:
        found = interpreter.choose(info)
        child = self._children.start(
            Command(
                arguments=[found.executable, _INSTALLED],
                folder=info.program_directory or info.root_directory or "/",
                environment=found.environment(os.environ),
                piped=True,
            )
        )
        end_with(context, child, signal.SIGTERM)
        output, errors = b"", b""
        for part in stream(child):
            output, errors = output + part.stdout, errors + part.stderr
        if child.wait() != 0:
            reason = errors.decode(errors="replace").strip().rpartition("\n")[2]
            raise HostError(f"{found.executable} cannot list what is installed: {reason}")
        needed = (
            packages.dependency(package["name"], package["version"], package["plugin"])
            for package in json.loads(output)
        )
        return [package for package in needed if package is not None]


def _failure(code: int) -> str:
    if code < 0:
        return f"program was ended by {signal.Signals(-code).name}"
    return f"program exited with non-zero exit code: {code}" if code else ""
