"""The one error of this package."""


class ToolchainError(Exception):
    """Something could not be found or built; the text is one line with the fix."""
