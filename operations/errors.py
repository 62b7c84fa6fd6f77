"""The one error of operations, which the command line prints."""


class OperationError(Exception):
    """An operation cannot run or go on; the text says what is missing and how to get it."""

    exit_code = 2
