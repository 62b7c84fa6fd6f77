"""Applications on real nodes, as clients of a gateway."""

import ssl
from ipaddress import IPv4Address

from components.cluster.labels import GATEWAY
from workshop.testing.network.traffic import OWN_SOCKS5_PORT, Client
from workshop.testing.nodes.fleet import Fleet

_LOOPBACK = IPv4Address("127.0.0.1")


def client_on(fleet: Fleet, node: str, *, past_service: bool = False) -> Client:
    """An application on a node, by the gateways' Service.

    With `past_service` it asks the pod of the node's gateway itself, ready or not.
    """
    return Client(
        network=fleet.application(node).network,
        gateway=fleet.gateway(node).address if past_service else fleet.service_address(GATEWAY),
        tls=_trusting(fleet),
    )


def client_inside(fleet: Fleet, node: str) -> Client:
    """In the pod of the node's gateway, at the first tailscaled's SOCKS5: past Envoy too."""
    return Client(
        network=fleet.gateway(node).network,
        gateway=_LOOPBACK,
        tls=_trusting(fleet),
        socks5_port=OWN_SOCKS5_PORT,
    )


def _trusting(fleet: Fleet) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=fleet.trusted)
