"""A state in which the stack owns all of `kube-system/coredns-custom`, as it did once.

Updates hand it over to a resource that owns one key (`components/egress`). The engine
would delete the whole ConfigMap, keys of others included, where nothing takes its place.
"""

from components.cluster.labels import DNS_CONFIG, DNS_NAMESPACE
from operations.delivery.engine_output import deployment
from operations.delivery.environment import config_file
from operations.errors import OperationError
from settings import read_file

_WHOLE = "kubernetes:core/v1:ConfigMap::gateway-dns"
_GUIDE = "docs/runbooks/upgrades.md#from-a-version-that-owned-all-of-coredns-custom"


def refuse_destroy(stack: str, environment: dict[str, str]) -> None:
    """Raise OperationError where a destroy would delete the keys of others."""
    _refuse(stack, environment, "update the stack once")


def refuse_removal(stack: str, environment: dict[str, str]) -> None:
    """Raise OperationError where an update without a transparent host would delete them."""
    try:
        destinations = read_file(config_file(stack)).egress.destinations
    except (OSError, ValueError):
        return  # the command itself has a line for each fault
    if not any(destination.transparent for destination in destinations):
        _refuse(stack, environment, "update once with the transparent destinations as they were")


def _refuse(stack: str, environment: dict[str, str], remedy: str) -> None:
    try:
        resources = deployment(stack, environment).get("resources") or ()
    except OperationError:
        # Whatever it is, a stack that is not there yet among it: the command itself says it.
        return
    if any(resource["urn"].endswith(_WHOLE) for resource in resources):
        raise OperationError(
            f"{stack}: its state owns all of the ConfigMap {DNS_NAMESPACE}/{DNS_CONFIG}, as "
            f"earlier versions did: the keys of others would be deleted. Nothing has been changed. "
            f"Fix: {remedy}; {_GUIDE}"
        )
