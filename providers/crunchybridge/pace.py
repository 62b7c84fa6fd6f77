"""How long to wait before a request is sent again, and when to give up."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self

import httpx

from providers.plugin.errors import ProviderError

# Long enough for a deploy of the API or a spent rate limit of some minutes; shorter than what a
# person waits for an `up`.
GIVE_UP_SECONDS = 300.0
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time, replaceable: `wait` sleeps for seconds and says whether the engine cancelled."""

    now: Callable[[], float]
    wait: Callable[[float], bool]
    spread: Callable[[], float] = random.random

    @classmethod
    def real(cls, cancelled: threading.Event) -> Self:
        return cls(now=time.monotonic, wait=cancelled.wait)


class Pace:
    """Waits between the attempts of all requests of one client.

    When the API asks one request to wait, the others would be refused as well: all of them wait.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._not_before = 0.0

    def hold(self) -> None:
        """Wait until the API wants requests again; raises ProviderError when cancelled."""
        with self._lock:
            seconds = self._not_before - self.clock.now()
        if seconds > 0:
            self._wait(seconds)

    def before_next(self, attempt: int, began: float, response: httpx.Response | None) -> bool:
        """Wait as the answer to `attempt` (1 is the first) asks; False when it is time to give up.

        `began` is the clock's time at the first attempt, `response` None when none came.
        """
        asked = None if response is None else _retry_after(response)
        if asked is None:
            longest = min(_FIRST_WAIT_SECONDS * 2 ** min(attempt - 1, 10), _LONGEST_WAIT_SECONDS)
            # Half of it is random, so that parallel requests do not come back together.
            seconds = longest * (0.5 + 0.5 * self.clock.spread())
        else:
            seconds = asked
        if self.clock.now() - began + seconds > GIVE_UP_SECONDS:
            return False
        if asked is not None:
            with self._lock:
                self._not_before = max(self._not_before, self.clock.now() + seconds)
        self._wait(seconds)
        return True

    def _wait(self, seconds: float) -> None:
        if self.clock.wait(seconds):
            raise ProviderError("cancelled while the API asked to wait: run the command again")


def _retry_after(response: httpx.Response) -> float | None:
    """RFC 9110, 10.2.3: seconds, or a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
