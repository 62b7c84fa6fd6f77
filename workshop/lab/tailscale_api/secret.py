"""Secrets the stand-in issues: shown once, kept as a hash."""

import hashlib
import hmac
import secrets

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
    return hmac.compare_digest(digest(secret), kept)


def api_key() -> str:
    return issue("api", "k" + random_text(11))
