"""CrunchyBridge's ids: 128 bits in lower-case base32 without padding."""

import base64
import re
import secrets

_FORM = re.compile(r"[a-z2-7]{25}[aeimquy4]")


def new_eid() -> str:
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def is_eid(text: str) -> bool:
    return _FORM.fullmatch(text) is not None
