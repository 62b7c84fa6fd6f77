"""What the control plane does when a device logs in."""

from typing import Any
from urllib.parse import parse_qs

from workshop.lab.refusal import Refusal
from workshop.lab.tailscale_api import secret
from workshop.lab.tailscale_api.device import (
    Device,
    check_hostname,
    check_routes,
    free_addresses,
    free_name,
)
from workshop.lab.tailscale_api.key import Key, string_list
from workshop.lab.tailscale_api.tailnet import State, Tailnet


def register(tailnet: Tailnet, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Log a device in; answer 200 for one that was known by its identity, 201 for a new one.

    `identity` stands for the node's private key: who presents it is the same device, keeps id
    and addresses, and needs no auth key. `authKey` is an auth key, or an OAuth client's secret
    with `?ephemeral=…&preauthorized=…` behind it. `tags` and `routes` are what the device
    advertises; `note` is kept for the lab; `addresses` are the device's in the tailnet, where a
    control server of the lab gives them out. A `simulated` device is one of a pod that runs no
    program: it shows no key, and is `ephemeral` as it says. Raises Refusal.
    """
    identity = body.get("identity")
    if not isinstance(identity, str) or not identity:
        raise Refusal(400, "identity: required")
    hostname = check_hostname(str(body.get("hostname") or ""))
    routes = check_routes(string_list(body, "routes"))
    tags = string_list(body, "tags")
    addresses = string_list(body, "addresses")
    with tailnet.change() as state:
        identity_hash = secret.digest(identity)
        known = next((d for d in state.devices.values() if d.identity_hash == identity_hash), None)
        if known is None:
            if body.get("simulated"):
                granted = sorted(tags)
                options = {"ephemeral": bool(body.get("ephemeral")), "preauthorized": True}
            else:
                key, options = _usable_key(state, str(body.get("authKey") or ""), tailnet.now())
                granted = _granted_tags(state, key, tags)
                key.used = True
            device = _new_device(tailnet, state, identity_hash, hostname)
            device.tags = granted
            device.ephemeral = options["ephemeral"]
            device.authorized = options["preauthorized"]
            # A tagged device's key does not expire.
            device.key_expiry_disabled = bool(granted)
            state.devices[device.node_id] = device
        else:
            device = known
            if hostname != device.hostname:
                taken = {d.name for d in state.devices.values() if d is not device}
                device.hostname = hostname
                device.name = free_name(hostname, tailnet.suffix, taken)
        device.addresses = addresses or device.addresses
        approved = state.policy.approved(routes, device.tags)
        device.advertised_routes = routes
        device.enabled_routes = sorted({*device.enabled_routes, *approved})
        device.note = {str(k): str(v) for k, v in (body.get("note") or {}).items()}
        device.online = True
        return 200 if known else 201, device.answer(all_fields=True) | {"note": device.note}


def _usable_key(state: State, presented: str, now: float) -> tuple[Key, dict[str, bool]]:
    text, _, query = presented.partition("?")
    digest = secret.digest(text)
    key = next((k for k in state.keys.values() if k.secret_hash == digest), None)
    if key is None or key.revoked or not text:
        raise Refusal(401, "invalid key: API key does not exist or was revoked")
    if key.expired(now):
        raise Refusal(401, "invalid key: expired")
    if key.invalid(now):
        raise Refusal(401, "invalid key: single-use key was used before")
    if key.kind == "auth":
        return key, {"ephemeral": key.ephemeral, "preauthorized": key.preauthorized}
    if not {"auth_keys", "all"} & set(key.scopes):
        raise Refusal(403, "the OAuth client lacks the scope 'auth_keys'")
    # The client's defaults when a secret is used in place of an auth key
    # (tailscale.com/feature/oauthkey): ephemeral, and not preauthorized.
    options = {"ephemeral": True, "preauthorized": False}
    for name, values in parse_qs(query, keep_blank_values=True).items():
        if name == "baseURL":
            continue
        if name not in options or values[-1] not in ("true", "false"):
            raise Refusal(400, f"OAuth client secret: bad option {name!r}")
        options[name] = values[-1] == "true"
    return key, options


def _granted_tags(state: State, key: Key, requested: list[str]) -> list[str]:
    allowed = set(key.tags) & state.policy.owned_tags()
    refused = sorted(set(requested) - allowed)
    if refused:
        raise Refusal(400, f"requested tags [{' '.join(refused)}] are invalid or not permitted")
    if key.kind == "client" and not requested:
        raise Refusal(400, "an OAuth client's secret needs --advertise-tags")
    return sorted(requested or key.tags)


def _new_device(tailnet: Tailnet, state: State, identity_hash: str, hostname: str) -> Device:
    number, state.next_device = state.next_device, state.next_device + 1
    # Ids are derived, not random, so that a device's address does not depend on other devices.
    node_id = f"n{identity_hash[:11]}{number}CNTRL"
    return Device(
        id=str(10_000_000_000_000 + number),
        node_id=node_id,
        identity_hash=identity_hash,
        hostname=hostname,
        name=free_name(hostname, tailnet.suffix, {d.name for d in state.devices.values()}),
        addresses=free_addresses(node_id, {a for d in state.devices.values() for a in d.addresses}),
        tags=[],
        ephemeral=False,
        authorized=False,
        created=tailnet.now(),
        key_expiry_disabled=False,
    )
