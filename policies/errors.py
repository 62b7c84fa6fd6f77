"""The one error that leaves the policies."""


class PoliciesError(Exception):
    """Nothing can be judged as it should be. The text is one line: where, what, how to fix it."""
