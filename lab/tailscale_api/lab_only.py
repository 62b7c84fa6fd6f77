"""What no real API has: logging devices in and out, faults on demand, a journal of requests."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from flask import Blueprint, Request, Response, request

from lab.json_http import answer
from lab.tailscale_api.refusal import Refusal
from lab.tailscale_api.registration import register
from lab.tailscale_api.tailnet import Tailnet, find_device

_JOURNAL_LENGTH = 1000
_FAULTS = (429, 500, 502, 503)


class Faults:
    """The next N requests to the API are answered with an error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0
        self._status = 429
        self._retry_after = 1
        self._path = ""

    def order(self, body: dict[str, Any]) -> None:
        """`status`, `count`, `retryAfter` in seconds, and `path`: only requests that hold it."""
        status, count = body.get("status", 429), body.get("count", 1)
        if status not in _FAULTS or not isinstance(count, int) or count < 0:
            raise Refusal(400, f"faults: status one of {_FAULTS}, count from 0")
        with self._lock:
            self._status, self._left = status, count
            self._retry_after = int(body.get("retryAfter", 1))
            self._path = str(body.get("path", ""))

    def take(self, path: str) -> Response | None:
        """The error this request gets, if it gets one."""
        with self._lock:
            if self._left == 0 or self._path not in path:
                return None
            self._left -= 1
            response = answer({"message": "fault ordered by the lab"}, self._status)
            if self._status in (429, 503):
                response.headers["Retry-After"] = str(self._retry_after)
            return response


class Journal:
    """The last requests to the API, without credentials."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=_JOURNAL_LENGTH)

    def record(self, incoming: Request) -> None:
        """Keep method, path, query, the headers that steer the API, and the body."""
        entry: dict[str, Any] = {"method": incoming.method, "path": incoming.path}
        if incoming.query_string:
            entry["query"] = incoming.query_string.decode()
        # Whether an API key came as basic-auth user, or a token as bearer; never which.
        entry["authorization"] = getattr(incoming.authorization, "type", "none")
        for header in ("Accept", "Content-Type", "If-Match"):
            if header in incoming.headers:
                entry[header] = incoming.headers[header]
        if incoming.path != "/api/v2/oauth/token":
            text = incoming.get_data(as_text=True)
            if text:
                entry["body"] = text
        self._entries.append(entry)

    def entries(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return list(self._entries)

    def clear(self) -> None:
        """Forget them."""
        self._entries.clear()


def lab_routes(tailnet: Tailnet, faults: Faults, journal: Journal) -> Blueprint:
    """The endpoints under `/lab`. They ask for no credential: the server is on loopback only."""
    lab = Blueprint("lab", __name__, url_prefix="/lab")
    _device_routes(lab, tailnet)

    @lab.get("/health")
    def health() -> Response:
        return answer({"stand-in": "tailscale-api", "tailnet": tailnet.suffix})

    @lab.post("/faults")
    def order_faults() -> Response:
        faults.order(_body())
        return answer({})

    @lab.get("/requests")
    def list_requests() -> Response:
        return answer({"requests": journal.entries()})

    @lab.delete("/requests")
    def forget_requests() -> Response:
        journal.clear()
        return answer({})

    return lab


def _device_routes(lab: Blueprint, tailnet: Tailnet) -> None:
    @lab.post("/devices")
    def log_in() -> Response:
        status, device = register(tailnet, _body())
        return answer(device, status)

    @lab.get("/devices")
    def list_devices() -> Response:
        with tailnet.view() as state:
            return answer(
                {
                    "devices": [
                        device.answer(all_fields=True) | {"note": device.note}
                        for device in state.devices.values()
                    ]
                }
            )

    @lab.post("/devices/<device_id>/online")
    def go_online(device_id: str) -> Response:
        online = _body().get("online")
        if not isinstance(online, bool):
            raise Refusal(400, "online: must be true or false")
        with tailnet.change() as state:
            device = find_device(state, device_id)
            device.online = online
            if not online:
                device.last_seen = tailnet.now()
        return answer({})

    @lab.delete("/devices/<device_id>")
    def log_out(device_id: str) -> Response:
        with tailnet.change() as state:
            del state.devices[find_device(state, device_id).node_id]
        return answer({})


def _body() -> dict[str, Any]:
    # A JSON content type is demanded: a web page cannot send one here without being asked first.
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Refusal(400, "the body must be a JSON object with content type application/json")
    return body
