"""What a key looks like in a text: a service's own, or one that is told by its name."""

import re

# What a key looks like, and who takes it back. Placeholders such as <your-key> and $(KEY) do not
# match. Tailscale: https://tailscale.com/kb/1277/key-prefixes, and keys from before there were
# prefixes, which are one word with digits. Pulumi: access tokens are 40 hexadecimal digits. AWS:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html. Private keys:
# RFC 7468 and OpenSSH's own.
_KEYS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "a Tailscale key",
        re.compile(r"tskey-(?:[A-Za-z]+-[0-9A-Za-z_-]{6,}|(?=[A-Za-z]*[0-9])[0-9A-Za-z]{6,})"),
    ),
    ("a CrunchyBridge key", re.compile(r"cbkey_[0-9A-Za-z]{12,}")),
    ("a Pulumi access token", re.compile(r"(?<![0-9A-Za-z])pul-[0-9a-f]{40}(?![0-9A-Za-z])")),
    ("an AWS access key", re.compile(r"(?<![0-9A-Za-z])(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])")),
    # What follows may be written as an escape inside another text; a placeholder is no key.
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----(?!(?:\s|\\n)*<)")),
    (
        "a database URL with its password",
        re.compile(
            r"(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?)(?:\+[a-z0-9]+)*://"
            r"[^\s:/@]*:(?![$<{]|\*+@|%\(|%[A-Za-z]@|%[A-Za-z_]\w*%@|x+@|password@)[^\s/@]+@"
        ),
    ),
)
# Keys that look like any other word: it is their name that tells. The secret half of an AWS key is
# 30 bytes in base64; a Tailscale key without its prefix is that of another control server, such as
# Headscale's. The name may be a variable, a field or a flag, or stand in the text before the key.
AWS_NAME = (
    "(?:SECRET_ACCESS_KEY|secret_access_key|secret-access-key|[Ss]ecretAccessKey"
    "|AWS_SECRET_KEY|aws_secret_key|aws-secret-key|awsSecretKey)"
)
_TAILSCALE_NAME = r"(?:\bTS_(?:AUTH_?KEY|CLIENT_SECRET)|--auth-?key)"
_GIVEN = r"""["'\\]*(?:[ \t]*[:=]|[ \t])[ \t]*["'\\]*"""
_NAMED_KEYS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "an AWS secret access key",
        re.compile(
            AWS_NAME
            + _GIVEN
            + r"(?=[0-9A-Z+/]*[a-z])(?=[0-9a-z+/]*[A-Z])[0-9A-Za-z+/]{40}(?![0-9A-Za-z+/=])"
        ),
    ),
    (
        "a Tailscale key",
        re.compile(
            _TAILSCALE_NAME
            + _GIVEN
            + r"(?=[\w-]*[A-Za-z])(?=[\w-]*[0-9])[0-9A-Za-z][0-9A-Za-z_-]{15,}"
            + r"""(?![^\s"'\\?,;&|)}\]])"""
        ),
    ),
)
# One of these is in every text that matches; looking for them is quicker than for the keys.
_SIGNS = (
    *("tskey-", "cbkey_", "pul-", "AKIA", "ASIA", "PRIVATE KEY", "://"),
    *("ACCESS_KEY", "access_key", "access-key", "AccessKey"),
    *("AWS_SECRET", "aws_secret", "aws-secret", "awsSecret"),
    *("TS_AUTH", "TS_CLIENT_SECRET", "--auth"),
)


def shows_a_sign(text: str) -> bool:
    """Whether the text may hold a key; the quick look before the slow one."""
    for sign in _SIGNS:  # noqa: SIM110 - any() with a generator takes half as long again
        if sign in text:
            return True
    return False


def key_in(text: str, named: object = None) -> str | None:
    """What sort of key the text holds, or None; `named` is what it is the value of."""
    label = f"{named}=" if isinstance(named, str) else ""
    if shows_a_sign(label + text):
        for sort, pattern in _KEYS:
            if pattern.search(text):
                return sort
        for sort, pattern in _NAMED_KEYS:
            # What stands in the label alone is found where the label is.
            if any(each.end() > len(label) for each in pattern.finditer(label + text)):
                return sort
    return None
