"""The provider's settings: where the API is, and the key for it."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx

from providers.crunchybridge.client import DEFAULT_URL, CrunchyBridgeClient
from providers.crunchybridge.pace import Clock
from providers.crunchybridge.property import Property
from providers.plugin.errors import ProviderError
from providers.plugin.loopback import is_on_loopback
from providers.plugin.variables import CRUNCHY_API_KEY, CRUNCHYBRIDGE_BASE_URL

API_KEY, BASE_URL = "apiKey", "baseUrl"
NAMES: Final = frozenset({API_KEY, BASE_URL})


def client_of(
    given: Mapping[str, Property],
    environment: Mapping[str, str],
    clock: Clock,
    transport: httpx.BaseTransport | None = None,
) -> CrunchyBridgeClient:
    """By settings of the program before those of the environment; raises ProviderError."""
    api_key = given.get(API_KEY, Property()).text or environment.get(CRUNCHY_API_KEY, "")
    url = given.get(BASE_URL, Property()).text or environment.get(CRUNCHYBRIDGE_BASE_URL, "")
    url = url or DEFAULT_URL
    if not api_key:
        raise ProviderError(
            "crunchybridge: there is no API key: set crunchybridge:apiKey as a secret, "
            f"or {CRUNCHY_API_KEY} in the environment, to a key of the account settings"
        )
    if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
        raise ProviderError(
            "crunchybridge: the API key holds spaces or unprintable characters: copy it again"
        )
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or not parts.hostname:
        raise ProviderError("crunchybridge: baseUrl must be like https://HOST, and nothing more")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_on_loopback(url)):
        raise ProviderError(
            f"crunchybridge: baseUrl {url!r} would send the API key in the clear: use https"
        )
    return CrunchyBridgeClient(api_key=api_key, url=url, clock=clock, transport=transport)
