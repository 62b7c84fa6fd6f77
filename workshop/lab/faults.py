"""Faults on demand: what no real API has."""

import threading
import time
from dataclasses import dataclass

from flask import Response, request

from workshop.lab.json_http import answer
from workshop.lab.refusal import Refusal

_TOO_MANY, _INTERNAL = 429, 500
_STATUSES = (429, 500, 502, 503, 504)
_EFFECTS = ("status", "cut", "slow")


class ConnectionCutError(Exception):
    """The connection is to end without an answer, where there is no socket to shut."""


@dataclass
class Fault:
    """`effect` on the next `count` requests that fit, before or after they act.

    Those fit whose method is `method` (empty: any) and whose path holds `path`.

    status: answer `status`, with `retry_after` in seconds where it is given.
    cut: end the connection without an answer. slow: wait `seconds` before acting.
    """

    effect: str
    count: int = 1
    method: str = ""
    path: str = ""
    after: bool = False
    status: int = 500
    retry_after: int | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.effect not in _EFFECTS or self.status not in _STATUSES or self.count < 1:
            raise Refusal(
                400,
                f"fault: effect one of {', '.join(_EFFECTS)}, status one of {_STATUSES}, "
                "count from 1",
            )
        if self.after and self.effect == "status" and self.status == _TOO_MANY:
            raise Refusal(400, "fault: 429 comes before a request acts, never after")

    @property
    def replaces_answer(self) -> bool:
        """Whether the API itself fails once it has acted; another status is a gateway's."""
        return self.after and self.effect == "status" and self.status == _INTERNAL


class Faults:
    """Faults in the order they were asked for; a request gets the first that fits it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: list[Fault] = []

    def order(self, fault: Fault) -> None:
        with self._lock:
            self._ordered.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._ordered.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault this request gets, if it gets one."""
        with self._lock:
            for fault in self._ordered:
                if fault.method in ("", method) and fault.path in path:
                    fault.count -= 1
                    if fault.count == 0:
                        self._ordered.remove(fault)
                    return fault
        return None


def suffer(fault: Fault) -> Response | None:
    """What the fault does to the request at hand: wait, answer, or end the connection."""
    if fault.effect == "slow":
        time.sleep(fault.seconds)
        return None
    if fault.effect == "cut":
        raise ConnectionCutError
    # `code` is in Pulumi's errors; CrunchyBridge's clients read the message only.
    body = {"message": "fault ordered by the lab", "code": fault.status}
    response = answer(body, fault.status)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


def cut(error: ConnectionCutError) -> Response:
    """End the request's connection without an answer; raises `error` where there is no socket."""
    # werkzeug's own server; another one has no socket to shut and is told by the error.
    connection = request.environ.get("werkzeug.socket")
    if connection is None:
        raise error
    connection.shutdown(2)
    return answer({})
