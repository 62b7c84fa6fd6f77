"""`python -m workshop.lab.network.cluster_api`: the part of the Kubernetes API that our pods use.

Secrets by GET, PUT and PATCH (JSON patch and strategic merge patch), for ServiceAccounts by their
tokens and with the rights that the stack's Roles and RoleBindings give; SelfSubjectAccessReviews;
everything else is refused in the API's own form. State is kept in memory.
"""

import argparse
import base64
import json
import secrets
import ssl
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_VERBS = {"GET": "get", "PUT": "update", "PATCH": "patch", "POST": "create", "DELETE": "delete"}
_PATH_LENGTH = 7
_BEARER = "Bearer "


class RefusedError(Exception):
    """Answered as a Status with this code."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


@dataclass(frozen=True, kw_only=True)
class Account:
    """A ServiceAccount."""

    namespace: str
    name: str


@dataclass(kw_only=True)
class State:
    """Accounts by token, Roles, RoleBindings, and Secrets by namespace and name."""

    accounts: dict[str, Account]
    roles: list[dict[str, Any]]
    bindings: list[dict[str, Any]]
    secrets: dict[tuple[str, str], dict[str, str]]
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "State":
        """From `accounts` (token, namespace, name), `roles`, `bindings` and `secrets`."""
        return cls(
            accounts={
                each["token"]: Account(namespace=each["namespace"], name=each["name"])
                for each in document["accounts"]
            },
            roles=document["roles"],
            bindings=document["bindings"],
            secrets={
                (each["metadata"]["namespace"], each["metadata"]["name"]): _encoded(each)
                for each in document["secrets"]
            },
        )

    def may(self, account: Account, verb: str, namespace: str, name: str) -> bool:
        """Whether a Role of the namespace, bound to the account, allows it on that Secret."""
        return any(
            "secrets" in rule["resources"]
            and "" in rule["apiGroups"]
            and verb in rule["verbs"]
            # `create` cannot be limited by name: the object has none yet.
            and (not rule.get("resourceNames") or name in rule["resourceNames"])
            for role in self._roles_of(account, namespace)
            for rule in role["rules"]
        )

    def _roles_of(self, account: Account, namespace: str) -> Iterator[dict[str, Any]]:
        subject = {"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}
        for binding in self.bindings:
            if binding["metadata"]["namespace"] == namespace and subject in binding["subjects"]:
                for role in self.roles:
                    same = role["metadata"]["name"] == binding["roleRef"]["name"]
                    if same and role["metadata"]["namespace"] == namespace:
                        yield role


def _encoded(secret: Mapping[str, Any]) -> dict[str, str]:
    plain = secret.get("stringData") or {}
    texts = {key: base64.b64encode(text.encode()).decode() for key, text in plain.items()}
    return {**(secret.get("data") or {}), **texts}


class Api(BaseHTTPRequestHandler):
    """One connection; `state` is the server's."""

    state: ClassVar[State]
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        try:
            body = self._body()
            with self.state.lock:
                answer = self._answer_to(body)
            self._send(200 if self.command != "POST" else 201, answer)
        except RefusedError as refusal:
            status = {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "message": str(refusal),
                "reason": refusal.reason,
                "code": refusal.code,
            }
            self._send(refusal.code, status)

    do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = _serve  # noqa: N815  http.server's names

    def _answer_to(self, body: Any) -> dict[str, Any]:  # noqa: ANN401  what the client sent
        token = (self.headers.get("Authorization") or "").removeprefix(_BEARER)
        account = self.state.accounts.get(token)
        if account is None:
            raise RefusedError(401, "Unauthorized", "Unauthorized")
        path = self.path.partition("?")[0]
        if path == _REVIEWS and self.command == "POST":
            asked = body["spec"]["resourceAttributes"]
            allowed = asked.get("resource") == "secrets" and self.state.may(
                account, asked["verb"], asked.get("namespace", ""), asked.get("name", "")
            )
            return {**body, "status": {"allowed": allowed}}
        parts = path.split("/")
        if len(parts) != _PATH_LENGTH or parts[1:4] != ["api", "v1", "namespaces"]:
            raise RefusedError(404, "NotFound", "the server could not find the requested resource")
        _, _, _, _, namespace, resource, name = parts
        verb = _VERBS[self.command]
        if resource != "secrets" or not self.state.may(account, verb, namespace, name):
            who = f"system:serviceaccount:{account.namespace}:{account.name}"
            what = f'{resource} "{name}" is forbidden: User "{who}" cannot {verb} it'
            raise RefusedError(403, "Forbidden", what)
        return self._secret(namespace, name, body)

    def _secret(self, namespace: str, name: str, body: Any) -> dict[str, Any]:  # noqa: ANN401
        found = self.state.secrets.get((namespace, name))
        if found is None:
            raise RefusedError(404, "NotFound", f'secrets "{name}" not found')
        if self.command == "PUT":
            found = dict(body.get("data") or {})
        elif self.command == "PATCH" and "json-patch+json" in self.headers["Content-Type"]:
            found = patched(found, body)
        elif self.command == "PATCH":
            changes = body.get("data") or {}
            merged = {**found, **changes}
            found = {key: text for key, text in merged.items() if text is not None}
        self.state.secrets[namespace, name] = found
        metadata = {"namespace": namespace, "name": name}
        return {"kind": "Secret", "apiVersion": "v1", "metadata": metadata, "data": found}

    def _body(self) -> Any:  # noqa: ANN401  what the client sent
        length = int(self.headers.get("Content-Length") or 0)
        try:
            return json.loads(self.rfile.read(length) or b"null")
        except ValueError:
            raise RefusedError(400, "BadRequest", "the body is no JSON") from None

    def _send(self, code: int, answer: Mapping[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def patched(data: Mapping[str, str], operations: list[dict[str, Any]]) -> dict[str, str]:
    """A Secret's data after a JSON patch (RFC 6902) of `/data`; raises RefusedError."""
    result = dict(data)
    for operation in operations:
        kind, path = operation["op"], operation["path"]
        if path == "/data" and kind in ("add", "replace"):
            result = dict(operation["value"])
            continue
        key = path.removeprefix("/data/").replace("~1", "/").replace("~0", "~")
        if not path.startswith("/data/") or (kind != "add" and key not in result):
            raise RefusedError(422, "Invalid", f"the patch cannot {kind} {path}")
        if kind == "remove":
            del result[key]
        else:
            result[key] = operation["value"]
    return result


def new_token() -> str:
    """A token for a ServiceAccount."""
    return secrets.token_urlsafe(24)


def main(arguments: list[str] | None = None) -> int:
    """Serve until ended."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.lab.network.cluster_api", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--objects", type=Path, required=True, help="JSON, as State.read has it")
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args(arguments)
    Api.state = State.read(json.loads(options.objects.read_text()))
    server = ThreadingHTTPServer((options.address, options.port), Api)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.certificate, options.key)
    # The handshake in the connection's own thread: one that hangs must not hang the others.
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
