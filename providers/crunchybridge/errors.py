"""What the provider tells its user when an operation fails."""

from providers.plugin.errors import ProviderError


class ApiError(ProviderError):
    """The API refused a request: `status` and `reason` as it gave them."""

    def __init__(self, line: str, *, status: int, reason: str) -> None:
        super().__init__(line)
        self.status = status
        self.reason = reason


class GoneError(ApiError):
    """404 or 410: there is no such thing, or there is none any more (docs: API idempotency)."""
