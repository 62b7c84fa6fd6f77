"""Secrets the stand-in issues: shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from lab.private_file import write_private

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789"


def random_text(length: int) -> str:
    """Letters and digits from the system's random source."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def issue(kind: str, key_id: str) -> str:
    """A secret in the form of the real ones: `tskey-<kind>-<id>-<random>`."""
    return f"tskey-{kind}-{key_id}-{random_text(32)}"


def digest(secret: str) -> str:
    """What is kept of a secret. They are random and long, so a plain hash will do."""
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(secret: str, kept: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(digest(secret), kept)


def api_key(path: Path) -> str:
    """The API key kept in `path` (mode 0600), made at first use.

    The file holds the key and nothing else, so `TAILSCALE_API_KEY=file:<path>` works as it does
    with the real provider.
    """
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        key = issue("api", "k" + random_text(11))
        write_private(path, key + "\n")
        return key
