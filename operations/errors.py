"""The errors of operations, which the command line prints."""

from __future__ import annotations

_LONGEST = 1000


class OperationError(Exception):
    """An operation cannot run or go on; the text says what is missing and how to get it."""

    exit_code = 2


class RequestError(OperationError):
    """A request to the API server that failed; the text says why, in one line.

    `status` is the code of the API server's response, None where there was no response.
    """

    def __init__(self, why: str, *, status: int | None = None) -> None:
        super().__init__(" ".join(why.split())[:_LONGEST])
        self.status = status


class UnavailableError(OperationError):
    """What a check asks about is unavailable; the text says what and why, without secrets."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.remedy = remedy
