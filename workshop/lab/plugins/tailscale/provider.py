"""The provider: its settings, and what it has."""

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from providers.plugin.errors import ProviderError
from providers.plugin.property_value import has_unknown
from providers.plugin.variables import TAILSCALE_API_KEY, TAILSCALE_BASE_URL, TAILSCALE_TAILNET
from workshop.lab.plugins.provider import Function, Log, Provider
from workshop.lab.plugins.resource_kind import ResourceKind
from workshop.lab.plugins.tailscale.acl import Acl
from workshop.lab.plugins.tailscale.client import Client
from workshop.lab.plugins.tailscale.device_subnet_routes import DeviceSubnetRoutes
from workshop.lab.plugins.tailscale.lookup import Lookup
from workshop.lab.plugins.tailscale.oauth_client import OauthClient
from workshop.lab.plugins.tailscale.tailnet_key import TailnetKey
from workshop.toolchain.modules import STAND_IN_VERSIONS

_KINDS = (TailnetKey, OauthClient, Acl, DeviceSubnetRoutes)


class TailscaleProvider(Provider):
    """The resource types and functions a fleet needs, not all of the real provider's."""

    name = "tailscale"
    version = STAND_IN_VERSIONS[name]
    notice = (
        f"stand-in for the tailscale provider {version}: the same requests to the same API, "
        "with the resource types and functions this project uses."
    )
    accepts_secrets = False
    config_defaults: ClassVar[Mapping[str, str]] = {
        "userAgent": f"Pulumi/3.0 (https://www.pulumi.com) pulumi-tailscale/{version}"
    }
    config_names = frozenset({"apiKey", "baseUrl", "tailnet", "userAgent"})

    def __init__(self) -> None:
        super().__init__()
        self._client: Client | None = None
        self._why_not = "the provider is not configured"

    def configure(self, config: Mapping[str, Any]) -> None:
        """Settings first, then the environment; raises ProviderError naming the setting."""
        base_url = config.get("baseUrl")
        given = {TAILSCALE_BASE_URL: base_url} if isinstance(base_url, str) and base_url else {}
        self.refuse_outside_a_lab(**given)
        if has_unknown(dict(config)):
            # A preview may come before the setting's source exists; it needs no API then.
            self._why_not = "the provider's settings are not known before the update"
            return
        api_key = _setting(config, "apiKey", TAILSCALE_API_KEY)
        if not api_key:
            raise ProviderError(
                "Provider credentials error: tailscale provider credentials are empty - set "
                "`api_key` (TAILSCALE_API_KEY)"
            )
        self._client = Client(
            base_url=_setting(config, "baseUrl", TAILSCALE_BASE_URL),
            tailnet=_setting(config, "tailnet", TAILSCALE_TAILNET) or "-",
            user_agent=f"{config.get('userAgent') or 'stand-in'} (oceanid-stand-in)",
            api_key=api_key,
        )

    def kinds(self) -> tuple[ResourceKind, ...]:
        """Without settings they can check, compare and preview, which need no API."""
        client = self._client or _Unconfigured(self._why_not)
        return tuple(kind(client) for kind in _KINDS)

    def functions(self, log: Log) -> Mapping[str, Function]:
        lookup = Lookup(self._client or _Unconfigured(self._why_not), self.cancelled)
        return {
            "tailscale:index/getDevice:getDevice": lookup.get_device,
            "tailscale:index/getDevices:getDevices": lookup.get_devices,
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
    return str(config.get(name) or os.environ.get(variable) or "")
