"""One listing of a network's rules, shared by the reads of one refresh."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from providers.crunchybridge.client import CrunchyBridgeClient
from providers.crunchybridge.errors import GoneError
from providers.crunchybridge.pace import Clock
from providers.crunchybridge.rule import FirewallRule

# A refresh asks for all rules within a second or two; what was listed longer ago than this is
# listed again, so that nothing is decided on what was true long before.
FRESH_SECONDS = 5.0


@dataclass(frozen=True)
class _Listed:
    at: float
    rules: dict[str, FirewallRule]


class Listing:
    """Answers reads from a listing as long as it is fresh and nothing was written since."""

    def __init__(self, client: CrunchyBridgeClient, clock: Clock) -> None:
        self.client = client
        self._clock = clock
        self._lock = threading.Lock()
        # One request at a time for a network: the others wait for its response and share it.
        self._asking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._listed: dict[str, _Listed] = {}
        self._writes = 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around a write: what was listed before its end is not what is true after it."""
        try:
            yield
        finally:
            with self._lock:
                self._writes += 1
                self._listed.clear()

    def rules(self, network_id: str) -> dict[str, FirewallRule]:
        """The network's rules by id, listed at most FRESH_SECONDS ago."""
        with self._lock:
            asking = self._asking[network_id]
        with asking:
            with self._lock:
                known, writes = self._listed.get(network_id), self._writes
                began = self._clock.now()
            if known is not None and began - known.at <= FRESH_SECONDS:
                return known.rules
            rules = {rule.id: rule for rule in self.client.rules(network_id)}
            with self._lock:
                if self._writes == writes:
                    self._listed[network_id] = _Listed(began, rules)
            return rules

    def find(self, network_id: str, rule_id: str) -> FirewallRule | None:
        """A rule, or None when there is none any more. Raises as the client does."""
        rule = self.rules(network_id).get(rule_id)
        if rule is not None:
            return rule
        # To take a rule for gone is to make it again: worth a question of its own.
        try:
            return self.client.rule(network_id, rule_id)
        except GoneError:
            return None
