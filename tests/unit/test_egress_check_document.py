"""The gate's document names every destination, and no direct try by a name that leads back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from components.egress.destination import Destination, Protocol
from components.egress.fleet import EgressTargets
from components.egress.gate_config import document

_PROGRAM = Path(__file__).resolve().parents[2] / "components" / "egress" / "gate_program"
_CHECK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from document import checked
checked(json.loads(sys.argv[2]))
"""


def _made(*, protocol: Protocol, transparent: bool) -> dict[str, Any]:
    destination = Destination(
        name="database",
        host="p.example.org",
        port=5432,
        local_port=15432,
        protocol=protocol,
        transparent=transparent,
    )
    return document(
        gateway="gateway.ns.svc",
        targets=EgressTargets(
            destinations=(destination,),
            egress_ip_url="https://echo.example/ip",
            egress_addresses=("157.173.210.123",),
        ),
        peers=["exit.ns.svc"],
        api_server="https://10.43.0.1:443",
        ca_file="/ca.crt",
        seconds=300,
    )


def _document(*, transparent: bool) -> dict[str, dict[str, object]]:
    checks = _made(protocol=Protocol.POSTGRES, transparent=transparent)["checks"]
    return {check["name"]: check for check in checks}


def test_the_address_seen_outside_must_be_an_exit_nodes() -> None:
    check = _document(transparent=True)["egress-address"]
    assert check["expected"] == ["157.173.210.123"]


def test_a_destination_is_asked_through_the_gateway_in_its_own_protocol() -> None:
    check = _document(transparent=True)["database"]
    assert check["kind"] == "postgres"
    assert check["address"] == "gateway.ns.svc:15432"


def test_something_outside_is_always_tried_directly() -> None:
    assert _document(transparent=True)["direct-echo"]["address"] == "echo.example:443"


def test_a_transparent_name_is_not_tried_directly() -> None:
    assert "direct-database" not in _document(transparent=True)
    assert "direct-database" in _document(transparent=False)


def test_the_program_accepts_every_document_the_stack_can_make() -> None:
    for protocol in Protocol:
        made = _made(protocol=protocol, transparent=False)
        result = subprocess.run(
            [sys.executable, "-c", _CHECK, str(_PROGRAM), json.dumps(made)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
