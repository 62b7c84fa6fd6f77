"""A state in which the stack owns all of `kube-system/coredns-custom`, as it did once.

Updates hand it over to a resource that owns one key (components/gateway_access.py). The engine
would delete the whole ConfigMap, keys of others included, where nothing takes its place.
"""

from __future__ import annotations

import json

from delivery.answer import answer
from delivery.environment import DeliveryError, config_file
from settings import read_file

_WHOLE = "kubernetes:core/v1:ConfigMap::gateway-dns"
_GUIDE = "docs/runbooks/upgrades.md#from-a-version-that-owned-all-of-coredns-custom"


def refuse_destroy(stack: str, environment: dict[str, str]) -> None:
    """Raise DeliveryError where a destroy would delete the keys of others."""
    _refuse(stack, environment, "update the stack once")


def refuse_removal(stack: str, environment: dict[str, str]) -> None:
    """Raise DeliveryError where an update without a transparent host would delete them."""
    try:
        destinations = read_file(config_file(stack)).egress.destinations
    except (OSError, ValueError):
        return  # the command itself has a line for each fault
    if not any(each.transparent for each in destinations):
        _refuse(stack, environment, "update once with the transparent destinations as they were")


def _refuse(stack: str, environment: dict[str, str], remedy: str) -> None:
    try:
        state = json.loads(answer(["stack", "export", "--stack", stack], environment))
    except DeliveryError:
        # Whatever it is, a stack that is not there yet among it: the command itself says it.
        return
    resources = (state.get("deployment") or {}).get("resources") or ()
    if any(each["urn"].endswith(_WHOLE) for each in resources):
        raise DeliveryError(
            f"{stack}: its state owns all of the ConfigMap kube-system/coredns-custom, as earlier "
            f"versions did: the keys of others would be deleted. Nothing has been changed. "
            f"Fix: {remedy}; {_GUIDE}"
        )
