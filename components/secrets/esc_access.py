"""How the operator reaches Pulumi ESC: the service's address and the token."""

import os
from dataclasses import dataclass

import pulumi

from .synced import TOKEN_KEY

# The service's own address (Pulumi's documentation, "Pulumi ESC REST API").
_SERVICE = "https://api.pulumi.com/api/esc"
_ADDRESS_VARIABLE = "ESC_API_URL"
_TOKEN_VARIABLE = "ESC_ACCESS_TOKEN"  # noqa: S105  a name


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
    given = os.environ.get(_TOKEN_VARIABLE)
    token = pulumi.Output.secret(given) if given else pulumi.Config().get_secret(TOKEN_KEY)
    if token is None:
        raise pulumi.RunError(
            f"externalSecrets needs an access token of Pulumi ESC: set {_TOKEN_VARIABLE}, or keep "
            f"it with: pulumi config set --secret {TOKEN_KEY}"
        )
    return EscAccess(url=os.environ.get(_ADDRESS_VARIABLE, _SERVICE).rstrip("/"), token=token)
