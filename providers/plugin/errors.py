"""What a plugin tells its user when an operation fails."""


class ProviderError(Exception):
    """An operation failed; the message is one line for the user, free of secrets."""
