"""How the operator reaches Pulumi ESC: the service's address and the token."""

import os
from dataclasses import dataclass

import pulumi

from ..cluster.variables import ESC_ACCESS_TOKEN, ESC_API_URL, ESC_API_URL_IN_CLUSTER
from .synced import TOKEN_KEY

# The service's own address (Pulumi's documentation, "Pulumi ESC REST API").
_SERVICE = "https://api.pulumi.com/api/esc"


@dataclass(frozen=True, kw_only=True)
class EscAccess:
    """`token` is secret; the address is without a final slash."""

    url: str
    token: pulumi.Output[str]


def esc_access() -> EscAccess:
    """The access from the environment, or the token from the stack's secret configuration.

    The environment goes first: that is how a new token is tried. Raises pulumi.RunError when there
    is none.
    """
    given = os.environ.get(ESC_ACCESS_TOKEN)
    token = pulumi.Output.secret(given) if given else pulumi.Config().get_secret(TOKEN_KEY)
    if token is None:
        raise pulumi.RunError(
            f"externalSecrets needs an access token of Pulumi ESC: set {ESC_ACCESS_TOKEN}, or keep "
            f"it with: pulumi config set --secret {TOKEN_KEY}"
        )
    url = os.environ.get(ESC_API_URL_IN_CLUSTER) or os.environ.get(ESC_API_URL) or _SERVICE
    return EscAccess(url=url.rstrip("/"), token=token)
