"""The HTTP face: paths, fields and errors as Pulumi's own client and documents have them.

Sources: `pulumi/esc-sdk` v0.12.1 (`swagger.yaml`, `go/api_esc.go`), which the External Secrets
Operator's provider uses, and https://www.pulumi.com/docs/reference/cloud-rest-api/.
"""

import re
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, request

from workshop.lab.faults import Faults
from workshop.lab.journal import Journal
from workshop.lab.json_http import answer
from workshop.lab.private_file import write_private
from workshop.lab.pulumi_esc.definition import DefinitionError
from workshop.lab.pulumi_esc.organizations import (
    DEFAULT_SESSION_SECONDS,
    Organizations,
    Token,
    find,
)
from workshop.lab.pulumi_esc.property_path import parse
from workshop.lab.refusal import Refusal
from workshop.lab.stand_in_app import stand_in_app

NAME = "pulumi-esc"
# The longest definition by far is some kilobytes.
_LARGEST_BODY_BYTES = 1 << 20
_ENVIRONMENT = "/api/esc/environments/<organization>/<project>/<name>"
# swagger.yaml: names of projects and environments.
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (3600, 60, 1)


def make_app(
    organizations: Organizations,
    credentials: Path | None = None,
    faults: Faults | None = None,
    journal: Journal | None = None,
) -> Flask:
    """The application; `credentials` is the file that `POST /lab/tokens` writes a token into."""
    app = stand_in_app(
        NAME,
        admit=lambda: _admit(organizations),
        problem=_problem,
        largest_body_bytes=_LARGEST_BODY_BYTES,
        faults=faults or Faults(),
        journal=journal or Journal(unread=("/",)),
    )
    # The client really asks for `…/open//{id}`, and takes no redirection to the tidier address.
    app.url_map.merge_slashes = False
    _environment_routes(app, organizations)
    _token_routes(app, organizations)
    _lab_routes(app, organizations, credentials)
    return app


def _admit(organizations: Organizations) -> None:
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    g.token = organizations.admit(presented if scheme == "token" else "")
    organization = (request.view_args or {}).get("organization")
    if organization is not None and organization not in g.token.organizations:
        raise Refusal(404, f"Not Found: organization '{organization}' not found")


def _environment_routes(app: Flask, organizations: Organizations) -> None:
    @app.post("/api/esc/environments/<organization>")
    def create(organization: str) -> Response:
        body = _body({"project", "name"})
        organizations.create(f"{organization}/{_named(body, 'project')}/{_named(body, 'name')}")
        return answer({})

    @app.post(f"{_ENVIRONMENT}/open")
    def open_environment(organization: str, project: str, name: str) -> Response:
        key = f"{organization}/{project}/{name}"
        return answer({"id": organizations.open(key, _duration(request.args.get("duration")))})

    @app.get(f"{_ENVIRONMENT}/open/<session>")
    @app.get(f"{_ENVIRONMENT}/open//<session>")
    def read_open(organization: str, project: str, name: str, session: str) -> Response:
        return _read(organizations.read(f"{organization}/{project}/{name}", session))

    @app.get(f"{_ENVIRONMENT}/decrypt")
    def decrypt(organization: str, project: str, name: str) -> Response:
        text = organizations.definition(f"{organization}/{project}/{name}")
        return Response(text, content_type="application/x-yaml")

    @app.patch(_ENVIRONMENT)
    def update(organization: str, project: str, name: str) -> Response:
        text = request.get_data(as_text=True)
        try:
            environment = organizations.update(f"{organization}/{project}/{name}", text)
        except DefinitionError as error:
            return answer({"diagnostics": [error.diagnostic()]}, 400)
        response = answer({})
        response.headers["Pulumi-ESC-Revision"] = str(environment.revision)
        return response


def _named(body: dict[str, Any], field: str) -> str:
    name = body.get(field)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Refusal(400, f"Bad Request: {field}: 1 to 100 letters, digits, '.', '_' and '-'")
    return name


def _read(properties: dict[str, Any]) -> Response:
    """All of an open environment, or the property the query names."""
    wanted = request.args.get("property")
    if wanted is None:
        return answer({"properties": properties})
    try:
        value = find(properties, parse(wanted))
    except ValueError as error:
        raise Refusal(400, f"Bad Request: invalid property path: {error}") from None
    if value is None:
        raise Refusal(404, f"Not Found: property '{wanted}' not found")
    return answer(value)


def _token_routes(app: Flask, organizations: Organizations) -> None:
    @app.get("/api/user/tokens")
    def list_tokens() -> Response:
        return answer({"tokens": [_shown(token) for token in organizations.tokens()]})

    @app.post("/api/user/tokens")
    def create_token() -> Response:
        body = _body({"description", "expires"})
        expires = body.get("expires", 0)
        if not isinstance(expires, int) or isinstance(expires, bool) or expires < 0:
            raise Refusal(400, "Bad Request: expires: Unix seconds, or 0 for never")
        text = str(body.get("description", ""))
        secret, token = organizations.issue(g.token.organizations, text, expires)
        return answer({"id": token.id, "tokenValue": secret})

    @app.delete("/api/user/tokens/<token_id>")
    def revoke_token(token_id: str) -> Response:
        organizations.revoke(token_id)
        return Response(status=204)


def _lab_routes(app: Flask, organizations: Organizations, credentials: Path | None) -> None:
    """What no real API has. Loopback only, without a credential, and never showing one."""

    @app.get("/lab/opens")
    def list_opens() -> Response:
        return answer({"opens": organizations.opens()})

    @app.get("/lab/tokens")
    def list_lab_tokens() -> Response:
        return answer({"tokens": [_shown(token) for token in organizations.tokens()]})

    @app.post("/lab/tokens")
    def renew() -> Response:
        _body(set())
        if credentials is None:
            raise Refusal(409, "this stand-in keeps its token in no file")
        token = keep_token(organizations, credentials)
        return answer({"id": token.id, "file": str(credentials)})

    @app.delete("/lab/tokens/<token_id>")
    def revoke(token_id: str) -> Response:
        organizations.revoke(token_id)
        return answer({})


def keep_token(organizations: Organizations, credentials: Path) -> Token:
    """Issue a token for all organizations there are into `credentials` (mode 0600)."""
    secret, token = organizations.issue(organizations.organizations(), "made by the lab")
    write_private(credentials, secret + "\n")
    return token


def _shown(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "description": token.description,
        "lastUsed": token.last_used,
        "expires": token.expires,
    }


def _duration(text: str | None) -> float:
    if text is None:
        return DEFAULT_SESSION_SECONDS
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise Refusal(400, "Bad Request: duration: such as 1h, 30m or 2h0m0s")
    parts = zip(found.groups(default="0"), _SECONDS, strict=True)
    return float(sum(int(count) * unit for count, unit in parts))


def _body(known: set[str]) -> dict[str, Any]:
    # A JSON content type is demanded: a web page cannot send one here without being asked.
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Refusal(400, "Bad Request: the body must be a JSON object (application/json)")
    unknown = sorted(set(body) - known)
    if unknown:
        raise Refusal(400, f"Bad Request: unknown field {unknown[0]!r}")
    return body


def _problem(status: int, message: str) -> dict[str, Any]:
    return {"code": status, "message": message}
