"""What the provider tells its user when an operation fails."""

from __future__ import annotations


class ProviderError(Exception):
    """An operation failed; the message is one line for the user, free of secrets."""


class ApiError(ProviderError):
    """The API refused a request: `status` and `reason` as it gave them."""

    def __init__(self, line: str, *, status: int, reason: str) -> None:
        super().__init__(line)
        self.status = status
        self.reason = reason


class GoneError(ApiError):
    """404 or 410: there is no such thing, or there is none any more (docs: API idempotency)."""
