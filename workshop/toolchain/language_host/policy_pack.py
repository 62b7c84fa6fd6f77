"""A policy pack behind a proxy, which learns the stack before the pack starts.

The SDK's `pulumi.policy` reads the stack, project and configuration from its environment when it
starts, but the engine tells them over gRPC after it has the pack's port. So the engine is given a
proxy's port, `ConfigureStack` is awaited there, the pack is started with what it says, and every
later request passes through unread (sdk policy_proxy.go; main.go, RunPlugin).
"""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import grpc
from pulumi.runtime.proto import analyzer_pb2, language_pb2

from workshop.toolchain.language_host.children import Children, Command
from workshop.toolchain.language_host.output import end_with, stream

_SERVICE = "/pulumirpc.Analyzer/"
_REQUESTS_AT_ONCE = 16  # as many as the engine analyses in parallel by default
_BYTES = (("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", -1))

if TYPE_CHECKING:
    _Handler = grpc.GenericRpcHandler[bytes, bytes]
    _MethodHandler = grpc.RpcMethodHandler[bytes, bytes]
else:  # generic in the stubs only
    _Handler = grpc.GenericRpcHandler
    _MethodHandler = grpc.RpcMethodHandler

_Behaviour = Callable[[bytes, grpc.ServicerContext], bytes]


def run(
    children: Children, command: Command, context: grpc.ServicerContext
) -> Iterator[language_pb2.RunPluginResponse]:
    """Start the pack when its stack is known; yield its output, with the proxy's port first."""
    proxy = _Proxy()
    context.add_callback(proxy.configured.set)
    server = grpc.server(ThreadPoolExecutor(_REQUESTS_AT_ONCE), options=_BYTES)
    server.add_generic_rpc_handlers((proxy,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield language_pb2.RunPluginResponse(stdout=b"%d\n" % port)
        proxy.configured.wait()
        if not context.is_active():
            return
        environment = {**command.environment, **_environment(proxy.configuration)}
        child = children.start(replace(command, environment=environment))
        end_with(context, child, signal.SIGTERM)
        yield from proxy.attached(stream(child))
    finally:
        proxy.detach()
        server.stop(grace=None)


def _environment(configuration: bytes | None) -> dict[str, str]:
    """Return the variables `pulumi.policy` reads; none when the engine configured no stack."""
    if configuration is None:
        return {}
    stack = analyzer_pb2.AnalyzerStackConfigureRequest.FromString(configuration)
    found = {
        "PULUMI_ORGANIZATION": stack.organization,
        "PULUMI_PROJECT": stack.project,
        "PULUMI_STACK": stack.stack,
        "PULUMI_DRY_RUN": "true" if stack.dry_run else "false",
        "PULUMI_CONFIG": json.dumps(dict(stack.config)),
    }
    return {name: value for name, value in found.items() if value}


class _Proxy(_Handler):
    """Passes the Analyzer service's requests to the pack as bytes, once there is a pack."""

    def __init__(self) -> None:
        self.configured = threading.Event()
        self.configuration: bytes | None = None
        self._pack: Future[grpc.Channel] = Future()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> _MethodHandler | None:
        """Return how to answer a method, or None (unimplemented) outside the service."""
        method = handler_call_details.method
        if not method.startswith(_SERVICE):
            return None
        own: dict[str, _Behaviour] = {
            "Handshake": lambda _request, _context: b"",
            "ConfigureStack": self._configure,
        }
        name = method.removeprefix(_SERVICE)
        return grpc.unary_unary_rpc_method_handler(own.get(name) or self._pass_on(method))

    def _configure(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        del context
        self.configuration = request
        self.configured.set()
        return b""

    def _pass_on(self, method: str) -> _Behaviour:
        def behaviour(request: bytes, context: grpc.ServicerContext) -> bytes:
            # A pack that is published or listed is asked things without ever having a stack.
            self.configured.set()
            try:
                return _call(self._pack.result(), method, request)
            except grpc.RpcError as error:
                context.abort(error.code(), error.details() or "")
                raise
            except ConnectionError as error:
                context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
                raise

        return behaviour

    def attached(
        self, output: Iterator[language_pb2.RunPluginResponse]
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Yield the pack's output but for its first line, its port, which is connected to."""
        line = b""
        for part in output:
            if self._pack.done() or part.WhichOneof("output") != "stdout":
                yield part
                continue
            line, newline, rest = (line + part.stdout).partition(b"\n")
            if newline:
                self._attach(line)
            if rest:
                yield language_pb2.RunPluginResponse(stdout=rest)

    def _attach(self, line: bytes) -> None:
        try:
            channel = grpc.insecure_channel(f"127.0.0.1:{int(line)}", options=_BYTES)
        except ValueError:
            self._pack.set_exception(ConnectionError(f"the policy pack's port is {line[:80]!r}"))
            return
        if self.configuration is not None:
            try:
                _call(channel, f"{_SERVICE}ConfigureStack", self.configuration)
            except grpc.RpcError as error:
                reason = f"the policy pack refused its stack: {error.details()}"
                self._pack.set_exception(ConnectionError(reason))
                return
        self._pack.set_result(channel)

    def detach(self) -> None:
        """Close the connection; requests that wait for one fail."""
        if not self._pack.done():
            self._pack.set_exception(ConnectionError("the policy pack did not start"))
        elif self._pack.exception() is None:
            self._pack.result().close()


def _call(channel: grpc.Channel, method: str, request: bytes) -> bytes:
    unread: Callable[[bytes], bytes] = bytes
    answer: bytes = channel.unary_unary(method, unread, unread)(request, wait_for_ready=True)
    return answer
