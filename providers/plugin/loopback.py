"""Whether a URL leads to this machine, where no proxy of the environment leads."""

from urllib.parse import urlsplit


def is_on_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    except ValueError:
        return False
