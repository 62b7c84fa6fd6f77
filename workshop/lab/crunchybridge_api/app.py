"""The HTTP face, as docs.crunchybridge.com/api/network-firewall-rule and /api-concepts have it."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, request

from workshop.lab.crunchybridge_api.eid import new_eid
from workshop.lab.crunchybridge_api.team import Stored, Team
from workshop.lab.faults import Faults
from workshop.lab.journal import Journal
from workshop.lab.json_http import answer, json_object
from workshop.lab.refusal import Refusal
from workshop.lab.stand_in_app import stand_in_app

_LARGEST_BODY_BYTES = 1 << 20
_DEFAULT_LIMIT, _LARGEST_LIMIT = 100, 200
_INTERNAL = 500
_RULES = "/networks/<network_id>/firewall-rules"


def make_app(
    team: Team, api_key: str, faults: Faults | None = None, journal: Journal | None = None
) -> Flask:
    """The application; every answer says that it comes from a stand-in."""

    def admit() -> None:
        presented = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(presented.encode(), api_key.encode()):
            raise Refusal(401, "Authentication failed: no or unknown API key.")

    app = stand_in_app(
        "crunchybridge-api",
        admit=admit,
        problem=lambda _status, message: _problem(message),
        largest_body_bytes=_LARGEST_BODY_BYTES,
        faults=faults or Faults(),
        journal=journal or Journal(),
    )
    _rule_routes(app, team)
    return app


def _rule_routes(app: Flask, team: Team) -> None:
    @app.get(_RULES)
    def list_rules(network_id: str) -> Response:
        return answer(_page(team.rules(network_id)))

    @app.post(_RULES)
    def create_rule(network_id: str) -> Response:
        body = json_object()
        return _once(team, body, 201, lambda: team.create(network_id, body))

    @app.get(f"{_RULES}/<rule_id>")
    def get_rule(network_id: str, rule_id: str) -> Response:
        return answer(team.rule(network_id, rule_id))

    @app.patch(f"{_RULES}/<rule_id>")
    def update_rule(network_id: str, rule_id: str) -> Response:
        body = json_object()
        return _once(team, body, 200, lambda: team.update(network_id, rule_id, body))

    @app.delete(f"{_RULES}/<rule_id>")
    def delete_rule(network_id: str, rule_id: str) -> Response:
        return answer(team.delete(network_id, rule_id))


def _once(
    team: Team, body: dict[str, Any], status: int, act: Callable[[], dict[str, Any]]
) -> Response:
    """The stored answer of the request's idempotency key, or that of `act`, which is stored."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return answer(act(), status)
    text = f"{request.method} {request.path} {json.dumps(body, sort_keys=True)}"
    asked = hashlib.sha256(text.encode()).hexdigest()
    with team.change() as state:
        stored = state.answers.get(key)
        if stored is not None and stored.asked != asked:
            raise Refusal(409, "Idempotency-Key was used with other parameters.")
        if stored is None:
            try:
                stored = Stored(asked, status, act())
            except Refusal as refusal:
                stored = Stored(asked, refusal.status, _problem(refusal.message))
            # The strictest reading of "the stored response": an internal error is stored as well.
            failed = g.fault is not None and g.fault.replaces_answer
            state.answers[key] = (
                Stored(asked, _INTERNAL, _problem("Internal error.")) if failed else stored
            )
    return answer(stored.body, stored.status)


def _page(rules: list[dict[str, Any]]) -> dict[str, Any]:
    text = request.args.get("limit", str(_DEFAULT_LIMIT))
    if not text.isdecimal() or not 1 <= int(text) <= _LARGEST_LIMIT:
        raise Refusal(400, f"limit: from 1 to {_LARGEST_LIMIT}")
    cursor = request.args.get("cursor", "")
    rules = [rule for rule in rules if rule["id"] > cursor]
    page = rules[: int(text)]
    more = len(rules) > len(page)
    return {
        "firewall_rules": page,
        "has_more": more,
        "next_cursor": page[-1]["id"] if more else None,
    }


def _problem(message: str) -> dict[str, Any]:
    return {"message": message, "request_id": new_eid()}
