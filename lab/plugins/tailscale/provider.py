"""The provider: its settings, and what it has."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.plugins.property_value import has_unknown
from lab.plugins.provider import Function, Provider
from lab.plugins.resource_kind import ResourceKind
from lab.plugins.tailscale.acl import Acl
from lab.plugins.tailscale.client import Client
from lab.plugins.tailscale.device_settings import (
    DeviceAuthorization,
    DeviceKey,
    DeviceSubnetRoutes,
    DeviceTags,
)
from lab.plugins.tailscale.lookup import Lookup
from lab.plugins.tailscale.oauth_client import OauthClient
from lab.plugins.tailscale.tailnet_key import TailnetKey
from provider_plugin.errors import ProviderError

_KINDS = (
    TailnetKey,
    OauthClient,
    Acl,
    DeviceSubnetRoutes,
    DeviceTags,
    DeviceKey,
    DeviceAuthorization,
)


class TailscaleProvider(Provider):
    """The resource types and functions a fleet needs, not all of the real provider's."""

    name = "tailscale"
    version = "0.29.2"
    notice = (
        "stand-in for the tailscale provider 0.29.2: the same requests to the same API, "
        "with the resource types and functions this project uses."
    )
    config_names = frozenset(
        {
            "apiKey",
            "baseUrl",
            "oauthClientId",
            "oauthClientSecret",
            "scopes",
            "tailnet",
            "userAgent",
        }
    )

    def __init__(self) -> None:
        super().__init__()
        self._client: Client | None = None
        self._why_not = "the provider is not configured"

    def configure(self, config: Mapping[str, Any]) -> None:
        """Settings first, then the environment; raises ProviderError naming the setting."""
        if has_unknown(dict(config)):
            # A preview may come before the setting's source exists; it needs no API then.
            self._why_not = "the provider's settings are not known before the update"
            return
        api_key = _setting(config, "apiKey", "TAILSCALE_API_KEY")
        client_id = _setting(config, "oauthClientId", "TAILSCALE_OAUTH_CLIENT_ID")
        client_secret = _setting(config, "oauthClientSecret", "TAILSCALE_OAUTH_CLIENT_SECRET")
        if api_key and (client_id or client_secret):
            raise ProviderError(
                "tailscale provider credentials are conflicting: 'apiKey' conflicts with "
                "'oauthClientId' and 'oauthClientSecret'"
            )
        if not api_key and not (client_id and client_secret):
            raise ProviderError(
                "tailscale provider credentials are empty or incomplete: set 'apiKey' "
                "(TAILSCALE_API_KEY), or 'oauthClientId' and 'oauthClientSecret'"
            )
        scopes = config.get("scopes") or []
        self._client = Client(
            base_url=_setting(config, "baseUrl", "TAILSCALE_BASE_URL")
            or "https://api.tailscale.com",
            tailnet=_setting(config, "tailnet", "TAILSCALE_TAILNET") or "-",
            user_agent=config.get("userAgent") or f"oceanid-stand-in-tailscale/{self.version}",
            cancelled=self.cancelled,
            api_key=api_key,
            oauth_client=None if api_key else (client_id, client_secret),
            # A provider's lists come as JSON text.
            scopes=json.loads(scopes) if isinstance(scopes, str) else scopes,
        )

    def kinds(self) -> tuple[ResourceKind, ...]:
        """Without settings they can check, compare and preview, which need no API."""
        client = self._client or _Unconfigured(self._why_not)
        return tuple(kind(client) for kind in _KINDS)

    def functions(self) -> Mapping[str, Function]:
        """By token."""
        lookup = Lookup(self._client or _Unconfigured(self._why_not), self.cancelled)
        return {
            "tailscale:index/getDevice:getDevice": lookup.get_device,
            "tailscale:index/getDevices:getDevices": lookup.get_devices,
            "tailscale:index/getAcl:getAcl": lookup.get_acl,
        }


class _Unconfigured(Client):
    """Refuses every request with the reason."""

    def __init__(self, why: str) -> None:
        self._why = why
        self._tailnet = "-"

    def _send(self, method: str, path: tuple[str, ...], **options: Any) -> Any:  # noqa: ANN401
        del options
        raise ProviderError(f"{method} {'/'.join(path)}: {self._why}")


def _setting(config: Mapping[str, Any], name: str, variable: str) -> str:
    text = str(config.get(name) or os.environ.get(variable) or "")
    path = text.removeprefix("file:")
    if path == text or name in ("baseUrl", "tailnet"):
        return text
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ProviderError(f"{name}: cannot read the file it names: {error.strerror}") from None
