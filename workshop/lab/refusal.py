"""A request that a stand-in's API refuses."""


class Refusal(Exception):  # noqa: N818 - an answer of the API, not a fault of the server
    """Answered as `{"message": …}` with an HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
