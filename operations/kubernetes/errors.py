"""The one error of this client."""

from operations.errors import OperationError

_LONGEST = 1000


class RequestError(OperationError):
    """A request that failed; the text says why, in one line.

    `status` is the code of the API server's response, None where there was no response.
    """

    def __init__(self, why: str, *, status: int | None = None) -> None:
        super().__init__(" ".join(why.split())[:_LONGEST])
        self.status = status
