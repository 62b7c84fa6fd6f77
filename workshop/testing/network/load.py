"""New connections, time and again, for as long as a test goes on."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One connection: when it began and ended, and the address that the far side saw, if any."""

    began: float
    ended: float
    address: str | None


@dataclass(kw_only=True)
class Load:
    """What became of every connection, in the order in which they ended."""

    attempts: list[Attempt] = field(default_factory=list)

    def since(self, moment: float) -> list[Attempt]:
        """Those begun after a moment of the monotonic clock."""
        return [each for each in list(self.attempts) if each.began >= moment]

    def first_through(self, address: str, moment: float) -> Attempt | None:
        """The first begun after the moment that was seen with this address."""
        return next((each for each in self.since(moment) if each.address == address), None)

    def is_refused(self) -> bool:
        """Whether the connection that ended last reached nobody."""
        return bool(self.attempts) and self.attempts[-1].address is None


@contextmanager
def under_load(ask: Callable[[], str], *, clients: int = 1) -> Iterator[Load]:
    """Call `ask`, which gives an address or raises OSError, over and over, in a thread a client.

    With several, one that hangs does not keep the next from being tried.
    """
    load = Load()
    ending = threading.Event()

    def run() -> None:
        while not ending.wait(_PAUSE_SECONDS):
            began = time.monotonic()
            try:
                address: str | None = ask()
            except OSError:
                address = None
            load.attempts.append(Attempt(began=began, ended=time.monotonic(), address=address))

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        ending.set()
        for thread in threads:
            thread.join()
