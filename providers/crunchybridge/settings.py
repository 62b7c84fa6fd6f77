"""The provider's settings: where the API is, and the key for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from provider_plugin.errors import ProviderError
from providers.crunchybridge.client import DEFAULT_URL
from providers.crunchybridge.property import Property

API_KEY, BASE_URL = "apiKey", "baseUrl"
# The engine adds the last two to what a program sets.
NAMES: Final = frozenset({API_KEY, BASE_URL, "version", "pluginDownloadURL"})
_VARIABLES: Final = {API_KEY: "CRUNCHY_API_KEY", BASE_URL: "CRUNCHYBRIDGE_BASE_URL"}
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a client needs. It does not print its key."""

    api_key: str
    url: str

    def __repr__(self) -> str:
        return f"Settings(url={self.url!r})"


def settings(given: Mapping[str, Property], environment: Mapping[str, str]) -> Settings:
    """Settings of the program before those of the environment; raises ProviderError."""
    api_key = given.get(API_KEY, Property()).text or environment.get(_VARIABLES[API_KEY], "")
    url = given.get(BASE_URL, Property()).text or environment.get(_VARIABLES[BASE_URL], "")
    url = url or DEFAULT_URL
    if not api_key:
        raise ProviderError(
            "crunchybridge: there is no API key: set crunchybridge:apiKey as a secret, "
            "or CRUNCHY_API_KEY in the environment, to a key of the account settings"
        )
    if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
        raise ProviderError(
            "crunchybridge: the API key holds spaces or unprintable characters: copy it anew"
        )
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or not parts.hostname:
        raise ProviderError("crunchybridge: baseUrl must be like https://HOST, and nothing more")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ProviderError(
            f"crunchybridge: baseUrl {url!r} would send the API key in the clear: use https"
        )
    return Settings(api_key=api_key, url=url)
