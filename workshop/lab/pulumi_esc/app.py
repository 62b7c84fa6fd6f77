"""The HTTP face: paths, fields and errors as Pulumi's own client and documents have them.

Sources: `pulumi/esc-sdk` v0.12.1 (`swagger.yaml`, `go/api_esc.go`), which the External Secrets
Operator's provider uses, and https://www.pulumi.com/docs/reference/cloud-rest-api/.
"""

from pathlib import Path
from typing import Any

from flask import Flask, Response, g, request

from workshop.lab.faults import Faults
from workshop.lab.journal import Journal
from workshop.lab.json_http import answer
from workshop.lab.private_file import write_private
from workshop.lab.pulumi_esc.definition import DefinitionError
from workshop.lab.pulumi_esc.organizations import Organizations, Token, find
from workshop.lab.pulumi_esc.property_path import parse
from workshop.lab.refusal import Refusal
from workshop.lab.stand_in_app import lab_body, stand_in_app

NAME = "pulumi-esc"
# The longest definition by far is some kilobytes.
_LARGEST_BODY_BYTES = 1 << 20
_ENVIRONMENT = "/api/esc/environments/<organization>/<project>/<name>"


def make_app(organizations: Organizations, credentials: Path) -> Flask:
    """The application; `credentials` is the file that `POST /lab/tokens` writes a token into."""
    app = stand_in_app(
        NAME,
        admit=lambda: _admit(organizations),
        problem=_problem,
        largest_body_bytes=_LARGEST_BODY_BYTES,
        faults=Faults(),
        journal=Journal(unread=("/",)),
    )
    # The client really asks for `…/open//{id}`, and takes no redirection to the tidier address.
    app.url_map.merge_slashes = False
    _environment_routes(app, organizations)
    _lab_routes(app, organizations, credentials)
    return app


def _admit(organizations: Organizations) -> None:
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    g.token = organizations.admit(presented if scheme == "token" else "")
    organization = (request.view_args or {}).get("organization")
    if organization is not None and organization not in g.token.organizations:
        raise Refusal(404, f"Not Found: organization '{organization}' not found")


def _environment_routes(app: Flask, organizations: Organizations) -> None:
    @app.post(f"{_ENVIRONMENT}/open")
    def open_environment(organization: str, project: str, name: str) -> Response:
        return answer({"id": organizations.open(f"{organization}/{project}/{name}")})

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
            organizations.update(f"{organization}/{project}/{name}", text)
        except DefinitionError as error:
            return answer({"diagnostics": [error.diagnostic()]}, 400)
        return answer({})


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


def _lab_routes(app: Flask, organizations: Organizations, credentials: Path) -> None:
    """What no real API has. Loopback only, without a credential, and never showing one."""

    @app.get("/lab/opens")
    def list_opens() -> Response:
        return answer({"opens": organizations.opens()})

    @app.get("/lab/tokens")
    def list_lab_tokens() -> Response:
        tokens = organizations.tokens()
        return answer({"tokens": [{"id": each.id, "lastUsed": each.last_used} for each in tokens]})

    @app.post("/lab/tokens")
    def renew() -> Response:
        lab_body()
        token = keep_token(organizations, credentials)
        return answer({"id": token.id, "file": str(credentials)})

    @app.delete("/lab/tokens/<token_id>")
    def revoke(token_id: str) -> Response:
        organizations.revoke(token_id)
        return answer({})


def keep_token(organizations: Organizations, credentials: Path) -> Token:
    """Issue a token for all organizations there are into `credentials` (mode 0600)."""
    secret, token = organizations.issue(organizations.organizations())
    write_private(credentials, secret + "\n")
    return token


def _problem(status: int, message: str) -> dict[str, Any]:
    return {"code": status, "message": message}
