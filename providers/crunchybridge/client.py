"""CrunchyBridge's API: the firewall rules of a network.

Paths, fields, paging and idempotency are those of docs.crunchybridge.com/api/network-firewall-rule
and /api-concepts. Every method may raise ProviderError, ApiError or GoneError.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import httpx

from providers.crunchybridge.errors import ApiError, GoneError
from providers.crunchybridge.pace import GIVE_UP_SECONDS, Clock, Pace
from providers.crunchybridge.rule import FirewallRule
from providers.plugin.errors import ProviderError
from providers.plugin.loopback import is_on_loopback
from providers.plugin.variables import CRUNCHY_API_KEY

VERSION = "0.1.0"
DEFAULT_URL = "https://api.crunchybridge.com"
_TIMEOUT = httpx.Timeout(30.0, connect=10.0, pool=GIVE_UP_SECONDS)
# More would only run into the API's rate limit.
_LIMITS = httpx.Limits(max_connections=8, max_keepalive_connections=8)
# The documented maximum has been 200 and 100; both allow this.
PAGE_LENGTH = 100
_LONGEST_REASON = 300
_ERRORS_FROM = 400
_UNAUTHORIZED, _NOT_FOUND, _GONE, _CONFLICT, _TOO_MANY, _INTERNAL = 401, 404, 410, 409, 429, 500
_PASSING = frozenset({_TOO_MANY, _INTERNAL, 502, 503, 504})

Body = Mapping[str, str | None]


class CrunchyBridgeClient:
    """A connection to the API with one key. Safe for many threads."""

    def __init__(
        self,
        *,
        api_key: str,
        url: str,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`transport` carries the requests; without one they go over the network."""
        self._key = api_key
        self._pace = Pace(clock)
        self._http = httpx.Client(
            base_url=url,
            timeout=_TIMEOUT,
            limits=_LIMITS,
            transport=transport,
            # A proxy of the environment cannot reach this machine's own stand-in.
            trust_env=not is_on_loopback(url),
            headers={
                "Authorization": f"Bearer {api_key}",
                "Accept": "application/json",
                "User-Agent": f"pulumi-resource-crunchybridge/{VERSION}",
            },
        )

    def close(self) -> None:
        self._http.close()

    def rules(self, network_id: str) -> list[FirewallRule]:
        path = _path(network_id)
        query: dict[str, str | int] = {"limit": PAGE_LENGTH}
        by_id: dict[str, FirewallRule] = {}
        while True:
            page = self._document(self._send("GET", path, query=query))
            listed = page.get("firewall_rules")
            if not isinstance(listed, list):
                raise ProviderError(f"GET {path}: the response holds no firewall_rules")
            rules = [self._rule(document, network_id, path) for document in listed]
            by_id |= {rule.id: rule for rule in rules}
            if not page.get("has_more") or not rules:
                return list(by_id.values())
            cursor = str(page.get("next_cursor") or rules[-1].id)
            if query.get("cursor") == cursor:
                raise ProviderError(f"GET {path}: the listing does not end")
            query["cursor"] = cursor

    def rule(self, network_id: str, rule_id: str) -> FirewallRule:
        path = _path(network_id, rule_id)
        return self._rule(self._document(self._send("GET", path)), network_id, path)

    def create(self, network_id: str, body: Body) -> FirewallRule:
        path = _path(network_id)
        return self._rule(self._document(self._send("POST", path, body=body)), network_id, path)

    def change(self, network_id: str, rule_id: str, body: Body) -> FirewallRule:
        path = _path(network_id, rule_id)
        return self._rule(self._document(self._send("PATCH", path, body=body)), network_id, path)

    def delete(self, network_id: str, rule_id: str) -> None:
        self._send("DELETE", _path(network_id, rule_id))

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> httpx.Response:
        began = self._pace.clock.now()
        key = str(uuid.uuid4())
        attempt = 0
        while True:
            attempt += 1
            self._pace.hold()
            headers = {"Idempotency-Key": key} if body is not None else {}
            failure = ""
            response = None
            try:
                response = self._http.request(
                    method, path, json=body, params=query, headers=headers
                )
            except httpx.TransportError as error:
                failure = f"no answer from {self._http.base_url.host}: {type(error).__name__}"
            except httpx.HTTPError as error:
                failure = f"no proper answer: {type(error).__name__}"
            if response is not None and response.status_code not in _PASSING:
                return self._accepted(method, path, response)
            if not self._pace.before_next(attempt, began, response):
                if response is not None:
                    failure = str(self._refusal(method, path, response))
                else:
                    failure = f"{method} {path}: {failure}"
                raise ProviderError(
                    f"{failure}; gave up after {attempt} attempts: run the command again later"
                )
            if response is not None and response.status_code == _INTERNAL:
                # The API keeps the response of a key and would give the same one for ever. Should
                # the write have been applied, the next one finds it.
                key = str(uuid.uuid4())

    def _accepted(self, method: str, path: str, response: httpx.Response) -> httpx.Response:
        if response.status_code >= _ERRORS_FROM or response.is_redirect:
            raise self._refusal(method, path, response)
        return response

    def _refusal(self, method: str, path: str, response: httpx.Response) -> ApiError:
        status = response.status_code
        try:
            document = response.json()
            reason = str(document["message"])
            request_id = str(document.get("request_id") or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            reason, request_id = response.reason_phrase or "no message", ""
        # An API that quotes what it was sent must not bring the key into a log.
        reason = " ".join(reason.replace(self._key, "[key]").split())[:_LONGEST_REASON]
        line = f"{method} {path}: {status} {reason}"
        if request_id:
            line += f" (request id {request_id[:80]})"
        if status == _UNAUTHORIZED:
            line += (
                f": set crunchybridge:apiKey or {CRUNCHY_API_KEY} to a key of the account settings"
            )
        kind = GoneError if status in (_NOT_FOUND, _GONE) else ApiError
        return kind(line, status=status, reason=reason)

    def _document(self, response: httpx.Response) -> dict[str, Any]:
        try:
            document = response.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            request = response.request
            raise ProviderError(
                f"{request.method} {request.url.path}: the response is not a JSON object"
            )
        return document

    def _rule(self, document: object, network_id: str, path: str) -> FirewallRule:
        try:
            if isinstance(document, dict):
                return FirewallRule.of(document, network_id)
        except (KeyError, TypeError, ValueError):
            pass
        raise ProviderError(f"{path}: the response holds a firewall rule that cannot be read")


def _path(*ids: str) -> str:
    # Ids are checked to be letters and digits before they come here.
    network_id, *rest = ids
    return "/".join(["/networks", network_id, "firewall-rules", *rest])
