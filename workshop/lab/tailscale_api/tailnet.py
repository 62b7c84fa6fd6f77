"""The tailnet's state: policy, keys, devices; every change is on disk before it is answered."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.lab.refusal import Refusal
from workshop.lab.state_file import StateFile
from workshop.lab.tailscale_api import secret
from workshop.lab.tailscale_api.device import Device
from workshop.lab.tailscale_api.key import (
    DEFAULT_EXPIRY_SECONDS,
    Caller,
    Key,
    description,
    string_list,
)
from workshop.lab.tailscale_api.policy import Policy, accept

_TOKEN_SECONDS = 3600


@dataclass
class Token:
    """A bearer token given for an OAuth client's credentials."""

    client_id: str
    expires: float


@dataclass
class State:
    """All that is kept. Secrets are in it as hashes only."""

    policy: Policy = field(default_factory=Policy)
    keys: dict[str, Key] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    next_device: int = 1


class Tailnet(StateFile[State]):
    """One tailnet. Every public method is one request: atomic, and thread-safe."""

    suffix = "oceanid-lab.ts.net"

    def __init__(self, path: Path, api_key: str, now: Callable[[], float] = time.time) -> None:
        """`path` is the state file; `now` gives seconds since 1970."""
        super().__init__(path, State())
        self._api_key_hash = secret.digest(api_key)
        self.now = now

    def caller(self, presented: str) -> Caller:
        """Who presents an API key or a token; raises Refusal 401."""
        if presented and secret.matches(presented, self._api_key_hash):
            return Caller(scopes=frozenset({"all"}))
        with self.view() as state:
            token = state.tokens.get(secret.digest(presented))
            client = state.keys.get(token.client_id) if token else None
            if token is None or client is None or client.revoked or self.now() >= token.expires:
                raise Refusal(401, "API token invalid")
            return Caller(scopes=frozenset(client.scopes), tags=frozenset(client.tags))

    def grant_token(self, client_secret: str) -> dict[str, Any]:
        """OAuth's client credentials grant; raises Refusal 401.

        The secret alone tells the client: `tailscale up` sends `some-client-id` with it, "ignored"
        (tailscale.com/feature/oauthkey, v1.102.3).
        """
        with self.change() as state:
            digest = secret.digest(client_secret)
            client = next(
                (
                    key
                    for key in state.keys.values()
                    if key.kind == "client" and key.secret_hash == digest and not key.revoked
                ),
                None,
            )
            if client is None or not client_secret:
                raise Refusal(401, "API token invalid")
            token = secret.issue("api", client.id)
            current = {k: t for k, t in state.tokens.items() if t.expires > self.now()}
            current[secret.digest(token)] = Token(client.id, self.now() + _TOKEN_SECONDS)
            state.tokens = current
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": _TOKEN_SECONDS,
            "scope": " ".join(client.scopes),
        }

    def create_key(self, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """An auth key, or an OAuth client for `keyType: client`; the answer holds the secret."""
        kind = body.get("keyType") or "auth"
        if kind not in ("auth", "client"):
            raise Refusal(400, f"keyType {kind!r} is not one of 'auth', 'client'")
        with self.change() as state:
            key = _client(body) if kind == "client" else _auth_key(body)
            caller.require("auth_keys" if kind == "auth" else "oauth_keys", write=True)
            caller.may_grant(key.tags, state.policy.owned_tags())
            shown = secret.issue(kind, key.id)
            key.secret_hash, key.created = secret.digest(shown), self.now()
            state.keys[key.id] = key
            return key.answer(self.now()) | {"key": shown}

    def set_client(self, key_id: str, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Replace an OAuth client's description, scopes and tags."""
        caller.require("oauth_keys", write=True)
        with self.change() as state:
            key = state.keys.get(key_id)
            if key is None or key.kind != "client" or key.revoked:
                raise Refusal(404, "key not found")
            wanted = _client(body)
            caller.may_grant(wanted.tags, state.policy.owned_tags())
            key.description, key.scopes, key.tags = wanted.description, wanted.scopes, wanted.tags
            key.updated = self.now()
            return key.answer(self.now())

    def key(self, key_id: str) -> dict[str, Any]:
        """A key without its secret, a revoked one too; raises Refusal 404."""
        with self.view() as state:
            if key_id not in state.keys:
                raise Refusal(404, "key not found")
            return state.keys[key_id].answer(self.now())

    def delete_key(self, key_id: str) -> None:
        with self.change() as state:
            key = state.keys.get(key_id)
            if key is None or key.revoked:
                raise Refusal(404, "key not found")
            key.revoked = self.now()

    def policy(self) -> Policy:
        with self.view() as state:
            return state.policy

    def set_policy(self, text: str, if_match: str | None) -> Policy:
        """Replace the policy file; raises Refusal 412 where If-Match does not hold."""
        with self.change() as state:
            if if_match is not None and not state.policy.matches(if_match):
                raise Refusal(412, "precondition failed, invalid old hash")
            state.policy = accept(text)
            return state.policy


def find_device(state: State, device_id: str) -> Device:
    """The device with this node id or legacy id; raises Refusal 404."""
    for device in state.devices.values():
        if device_id in (device.node_id, device.id):
            return device
    raise Refusal(404, "device not found")


def _auth_key(body: dict[str, Any]) -> Key:
    capabilities = body.get("capabilities")
    try:
        create = dict(capabilities["devices"]["create"])  # type: ignore[index]
    except (TypeError, KeyError, ValueError):
        raise Refusal(400, "capabilities.devices.create: required") from None
    expiry = body.get("expirySeconds") or DEFAULT_EXPIRY_SECONDS
    if not isinstance(expiry, int) or not 0 < expiry <= DEFAULT_EXPIRY_SECONDS:
        raise Refusal(400, f"expirySeconds: from 1 to {DEFAULT_EXPIRY_SECONDS} (90 days)")
    return Key(
        id="k" + secret.random_text(11) + "CNTRL",
        kind="auth",
        secret_hash="",
        description=description(body),
        created=0.0,
        tags=string_list(create, "tags"),
        expiry_seconds=expiry,
        reusable=bool(create.get("reusable")),
        ephemeral=bool(create.get("ephemeral")),
        preauthorized=bool(create.get("preauthorized")),
    )


def _client(body: dict[str, Any]) -> Key:
    scopes, tags = string_list(body, "scopes"), string_list(body, "tags")
    if not scopes:
        raise Refusal(400, "scopes: at least one is required")
    if {"auth_keys", "devices:core"} & set(scopes) and not tags:
        raise Refusal(400, "tags: required by the scopes 'auth_keys' and 'devices:core'")
    return Key(
        id="k" + secret.random_text(11) + "CNTRL",
        kind="client",
        secret_hash="",
        description=description(body),
        created=0.0,
        tags=tags,
        scopes=scopes,
    )
