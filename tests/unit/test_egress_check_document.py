"""The gate's document names every destination, and no direct try by a name that leads back."""

from typing import Any

from components.egress.destination import Destination, Protocol
from components.egress.fleet import EgressTargets
from components.egress.gate_config import document


def _checks(*, transparent: bool) -> dict[str, dict[str, Any]]:
    """The checks of a fleet with one destination, by their names."""
    database = Destination(
        name="database",
        host="p.example.org",
        port=5432,
        local_port=15432,
        protocol=Protocol.POSTGRES,
        transparent=transparent,
    )
    made = document(
        gateway="gateway.ns.svc",
        targets=EgressTargets(
            destinations=(database,),
            egress_ip_url="https://echo.example/ip",
            egress_addresses=("157.173.210.123",),
        ),
        peers=["exit.ns.svc"],
        api_server="https://10.43.0.1:443",
        ca_file="/ca.crt",
        seconds=300,
    )
    return {check["name"]: check for check in made["checks"]}


def test_a_destination_is_asked_through_the_gateway_in_its_own_protocol() -> None:
    check = _checks(transparent=True)["database"]
    assert (check["kind"], check["address"]) == ("postgres", "gateway.ns.svc:15432")


def test_something_outside_is_always_tried_directly_and_a_transparent_name_never() -> None:
    assert _checks(transparent=True)["direct-echo"]["address"] == "echo.example:443"
    assert "direct-database" not in _checks(transparent=True)
    assert "direct-database" in _checks(transparent=False)
