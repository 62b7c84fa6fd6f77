"""An API server on loopback that says what a test has it say, and a kubeconfig for it."""

import json
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from operations.kubernetes.client import KubernetesClient

Document = dict[str, Any]
CONTEXTS = ("oceanid-prod", "oceanid-lab")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What has been asked; `body` is None without one."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, kw_only=True)
class Response:
    """What is said: a document or plain text, or the events of a watch one after the other."""

    status: int = 200
    body: Document | list[Any] | str = field(default_factory=dict)
    events: Iterable[Document] | None = None


def refusal(status: int, message: str) -> Response:
    """An error of the API server, in its form."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message}
    return Response(status=status, body={**body, "code": status})


def objects(*items: Document, version: str = "1", kind: str = "List") -> Response:
    return Response(
        body={"kind": kind, "metadata": {"resourceVersion": version}, "items": list(items)}
    )


def empty(request: Request) -> Response:
    """What a cluster that is ready and holds nothing says."""
    if request.path == "/readyz":
        return Response(body="ok")
    if request.path == "/apis":
        return Response(body={"groups": []})
    metadata_only = "PartialObjectMetadataList" in request.headers.get("Accept", "")
    return objects(kind="PartialObjectMetadataList" if metadata_only else "List")


@dataclass(frozen=True, kw_only=True)
class ApiServer:
    """Where it is, and what it has been asked so far."""

    url: str
    requests: list[Request]

    def kubeconfig(self, folder: Path, **cluster: object) -> str:
        """The path of a kubeconfig for it, in which each of `CONTEXTS` is a context."""
        return kubeconfig(folder, {"server": self.url, **cluster})


@contextmanager
def asking(
    folder: Path, answer: Callable[[Request], Response] = empty, context: str = CONTEXTS[0]
) -> Iterator[tuple[KubernetesClient, ApiServer]]:
    with api_server(answer) as server:
        environment = {"KUBECONFIG": server.kubeconfig(folder)}
        with KubernetesClient(context=context, environment=environment) as client:
            yield client, server


def kubeconfig(folder: Path, cluster: Mapping[str, object], **user: object) -> str:
    """The path of a kubeconfig with one cluster and one user, in each of `CONTEXTS`."""
    contexts = [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in CONTEXTS]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": dict(cluster)}],
        "users": [{"name": "u", "user": {key.replace("_", "-"): user[key] for key in user}}],
        "contexts": contexts,
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return str(path)


@contextmanager
def api_server(
    answer: Callable[[Request], Response] = empty, *, tls: ssl.SSLContext | None = None
) -> Iterator[ApiServer]:
    """An API server that answers so; each request in a thread of its own."""
    requests: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # A test's client may keep its connection for longer than the test.
        timeout = 5

        def log_message(self, *_: object) -> None:
            """Nothing."""

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                headers=dict(self.headers.items()),
                body=json.loads(content) if content else None,
            )
            requests.append(request)
            response = answer(request)
            plain = isinstance(response.body, str)
            self.send_response(response.status)
            self.send_header("Content-Type", "text/plain" if plain else "application/json")
            if response.events is not None:
                self.send_header("Connection", "close")
                self.end_headers()
                for event in response.events:
                    self.wfile.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")
                    self.wfile.flush()
                self.close_connection = True
                return
            text = response.body if isinstance(response.body, str) else json.dumps(response.body)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815  as http.server calls them

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Nothing: a client that goes away is part of many a test."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        scheme = "http" if tls is None else "https"
        yield ApiServer(url=f"{scheme}://127.0.0.1:{server.server_port}", requests=requests)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
