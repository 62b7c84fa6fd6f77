"""What a stand-in was asked, so that tests can count and read it."""

from collections import deque
from typing import Any

from flask import Request

_LENGTH = 20_000
# What steers the APIs that are stood in for.
_HEADERS = ("Accept", "Content-Type", "Idempotency-Key", "If-Match")


class Journal:
    """The last requests to the API, without credentials: no body of the paths in `unread`."""

    def __init__(self, unread: tuple[str, ...] = ()) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=_LENGTH)
        self._unread = unread

    def record(self, incoming: Request) -> None:
        """Keep method, path, query, the headers that steer the API, and the body."""
        entry: dict[str, Any] = {"method": incoming.method, "path": incoming.path}
        if incoming.query_string:
            entry["query"] = incoming.query_string.decode()
        # Whether an API key came as basic-auth user, or a token as bearer; never which.
        entry["authorization"] = getattr(incoming.authorization, "type", "none")
        entry |= {name: incoming.headers[name] for name in _HEADERS if name in incoming.headers}
        if not incoming.path.startswith(self._unread):
            text = incoming.get_data(as_text=True)
            if text:
                entry["body"] = text
        self._entries.append(entry)

    def entries(self) -> list[dict[str, Any]]:
        return list(self._entries)

    def clear(self) -> None:
        self._entries.clear()
