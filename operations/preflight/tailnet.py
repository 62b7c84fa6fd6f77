"""The tailnet's devices, by Tailscale's API (https://tailscale.com/api), credentials from outside.

The same variables as the Tailscale provider's: TAILSCALE_API_KEY, or TAILSCALE_OAUTH_CLIENT_ID and
TAILSCALE_OAUTH_CLIENT_SECRET; TAILSCALE_TAILNET and TAILSCALE_BASE_URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from operations.errors import UnavailableError
from providers.plugin.loopback import is_on_loopback
from providers.plugin.variables import (
    TAILSCALE_API_KEY,
    TAILSCALE_BASE_URL,
    TAILSCALE_OAUTH_CLIENT_ID,
    TAILSCALE_OAUTH_CLIENT_SECRET,
    TAILSCALE_TAILNET,
)

Device = dict[str, Any]

_DEFAULT_URL = "https://api.tailscale.com"
_SECONDS = 5.0
_ERRORS_FROM, _LONGEST_REASON = 400, 200
_REFUSED = (401, 403)


def devices(environment: Mapping[str, str]) -> list[Device]:
    """Every device of the tailnet with its routes; raises UnavailableError."""
    url = environment.get(TAILSCALE_BASE_URL) or _DEFAULT_URL
    loopback = is_on_loopback(url)
    if not url.startswith("https://") and not loopback:
        raise UnavailableError(
            f"{TAILSCALE_BASE_URL} would send the credential in the clear: use https"
        )
    tailnet = quote(environment.get(TAILSCALE_TAILNET) or "-", safe="")
    # A proxy of the environment cannot reach this machine's own stand-in.
    with httpx.Client(base_url=url, timeout=_SECONDS, trust_env=not loopback) as http:
        headers = _credential(http, environment)
        path = f"/api/v2/tailnet/{tailnet}/devices"
        # The default response leaves the routes out.
        document = _send(http, "GET", path, headers=headers, params={"fields": "all"})
        devices: list[Device] = document.get("devices") or []
        return devices


def _credential(http: httpx.Client, environment: Mapping[str, str]) -> dict[str, str]:
    key = environment.get(TAILSCALE_API_KEY)
    if key:
        http.auth = (key, "")
        return {}
    secret = environment.get(TAILSCALE_OAUTH_CLIENT_SECRET)
    if not secret:
        raise UnavailableError(
            f"neither {TAILSCALE_OAUTH_CLIENT_SECRET} nor {TAILSCALE_API_KEY} is set"
        )
    form = {
        "client_id": environment.get(TAILSCALE_OAUTH_CLIENT_ID, ""),
        "client_secret": secret,
        "grant_type": "client_credentials",
    }
    token = _send(http, "POST", "/api/v2/oauth/token", data=form).get("access_token", "")
    return {"Authorization": f"Bearer {token}"}


def _send(http: httpx.Client, method: str, path: str, **rest: Any) -> Any:  # noqa: ANN401
    try:
        response = http.request(method, path, **rest)
    except httpx.HTTPError as error:
        host = http.base_url.host
        raise UnavailableError(f"no answer from {host}: {type(error).__name__}") from None
    if response.status_code >= _ERRORS_FROM:
        # Its own words only where they are JSON: never what an error page quotes.
        try:
            reason = str(response.json()["message"])[:_LONGEST_REASON]
        except (ValueError, KeyError, TypeError):
            reason = response.reason_phrase
        refused = response.status_code in _REFUSED
        raise UnavailableError(
            f"{method} {path}: {response.status_code} {reason}",
            "give an OAuth client with the scope devices:core, or an API key" if refused else "",
        )
    try:
        return response.json()
    except ValueError:
        raise UnavailableError(f"{method} {path}: the response is not JSON") from None
