"""The environment variables that a real stack needs, and where the value of each comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.cluster.variables import ESC_ACCESS_TOKEN
from operations.delivery import shell
from providers.plugin.variables import (
    CRUNCHY_API_KEY,
    KUBECONFIG,
    TAILSCALE_API_KEY,
    TAILSCALE_OAUTH_CLIENT_ID,
    TAILSCALE_OAUTH_CLIENT_SECRET,
)


@dataclass(frozen=True, kw_only=True)
class Needed:
    """An environment variable a real stack needs, or any one of several."""

    names: tuple[str, ...]
    source: str

    def is_met(self, environment: Mapping[str, str]) -> bool:
        return any(environment.get(name) for name in self.names)

    def line(self) -> str:
        return f"  {' or '.join(self.names)}: {self.source}"


NEEDED = (
    Needed(
        names=(KUBECONFIG,),
        source="path of a kubeconfig with the context that the stack's `cluster.context` names "
        f"(in CI its content, in {shell.KUBECONFIG_CONTENT})",
    ),
    Needed(
        names=(shell.BACKEND_URL, shell.ACCESS_TOKEN),
        source="where the stack's state is: s3://… of the team's bucket (here, or once by "
        "`oceanid login`), or a Pulumi Cloud token; see docs/state.md",
    ),
    Needed(
        names=(TAILSCALE_OAUTH_CLIENT_SECRET, TAILSCALE_API_KEY),
        source="Tailscale admin console: an OAuth client with the scopes auth_keys, oauth_keys, "
        f"devices:core, devices:routes (with {TAILSCALE_OAUTH_CLIENT_ID}), or an API key",
    ),
    Needed(
        names=(CRUNCHY_API_KEY,),
        source="CrunchyBridge dashboard, account settings, API keys: it edits the firewall",
    ),
)
ESC_TOKEN = Needed(
    names=(ESC_ACCESS_TOKEN,),
    source="Pulumi Cloud, access tokens: it reads the environments that the stores name (or keep "
    "it with the stack: pulumi config set --stack STACK --secret escAccessToken)",
)
PASSPHRASE = Needed(
    names=(shell.PASSPHRASE, shell.PASSPHRASE_FILE),
    source="the team's password store: it decrypts the secrets in the stack's state",
)
