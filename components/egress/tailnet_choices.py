"""What a stack chooses of its tailnet."""

from enum import StrEnum


class CredentialKind(StrEnum):
    """What the pods log in to the tailnet with."""

    # An auth key dies after 90 days at the latest, and takes the next restart with it.
    OAUTH_CLIENT = "oauth-client"
    AUTH_KEY = "auth-key"


class PolicyFile(StrEnum):
    """Whether this stack owns the tailnet's policy file, which it then owns whole."""

    NOT_OWNED = "not-owned"
    OWNED = "owned"
