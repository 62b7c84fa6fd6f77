"""The one error a caller of the host is meant to read."""


class HostError(Exception):
    """A request the host cannot serve; its text is one line for the person at the terminal."""
