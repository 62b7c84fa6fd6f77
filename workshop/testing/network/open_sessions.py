"""Sessions with the database that are open when something fails, and when each of them ends."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from components.cluster.ports import HTTP_PORT, SOCKS5_PORT
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import DATABASE
from workshop.testing.network.traffic import (
    DATABASE_PORT,
    Client,
    Session,
    http_connect,
    socks5,
)
from workshop.testing.waiting import until

_SERVER_PORT = 5432
# Longer than any test.
_SLEEP_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class OpenSession:
    """One session: by which way, and whether a query is under way on it."""

    way: str
    is_asked: bool
    session: Session

    @property
    def name(self) -> str:
        """`destination, idle`, for the figures."""
        return f"{self.way}, {'query under way' if self.is_asked else 'idle'}"

    def answers(self) -> str:
        """The address by which the database sees the session; raises OSError."""
        return self.session.client_address()

    def ends_when_used(self, limit: float) -> bool:
        """Whether it ends within `limit` seconds of another query."""
        try:
            self.session.ask("select 1")
        except OSError:
            return True
        return _is_ended(self.session, limit)


@contextmanager
def all_through(client: Client, address: str) -> Iterator[list[OpenSession]]:
    """By each way one idle session and one with a query under way, all through the exit node with
    that address, which is waited for.
    """

    def is_used() -> bool:
        try:
            ways = (client.address_by_http_proxy, client.address_by_socks5)
            return all(way() == address for way in ways)
        except OSError:
            return False

    until(is_used, f"traffic by {address}", seconds=60)
    with ExitStack() as stack:
        sessions = []
        for way in ("destination", "HTTP CONNECT", "SOCKS5"):
            for is_asked in (False, True):
                raw = stack.enter_context(_connected(client, way))
                session = stack.enter_context(Session.open(raw, client.tls))
                sessions.append(OpenSession(way=way, is_asked=is_asked, session=session))
        seen = {each.answers() for each in sessions}
        if seen != {address}:
            raise OSError(f"the database sees {seen}, not {address}")
        for each in sessions:
            if each.is_asked:
                each.session.ask(f"select pg_sleep({_SLEEP_SECONDS})")
        yield sessions


def seconds_to_end(
    sessions: list[OpenSession], since: float, limit: float
) -> dict[str, float | None]:
    """Seconds from a moment of the monotonic clock to each session's end, by the session's name.

    None for a session that is still open after `limit` seconds.
    """
    ends: dict[str, float | None] = {each.name: None for each in sessions}

    def wait(one: OpenSession) -> None:
        if _is_ended(one.session, limit):
            ends[one.name] = time.monotonic() - since

    threads = [threading.Thread(target=wait, args=(each,)) for each in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def at_the_database(internet: Namespace) -> set[str]:
    """The far ends (`address:port`) of the connections that the database holds for established."""
    shown = internet.run(["ss", "-Htn", "state", "established", f"sport = :{_SERVER_PORT}"])
    return {line.split()[-1] for line in shown.splitlines()}


def _connected(client: Client, way: str) -> socket.socket:
    if way == "destination":
        return client.connect(DATABASE_PORT)
    raw = client.connect(SOCKS5_PORT if way == "SOCKS5" else HTTP_PORT)
    try:
        if way == "SOCKS5":
            socks5(raw, DATABASE.host, _SERVER_PORT)
        else:
            http_connect(raw, DATABASE.host, _SERVER_PORT)
    except BaseException:
        raw.close()
        raise
    return raw


def _is_ended(session: Session, limit: float) -> bool:
    session.connection.settimeout(limit)
    try:
        return session.connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True
