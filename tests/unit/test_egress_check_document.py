"""The gate's document names every destination, and no direct try by a name that leads back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from components._egress_checks import MeasuredDestination, document
from settings import Protocol

_PROGRAM = Path(__file__).resolve().parents[2] / "components" / "programs" / "egress_check"
_CHECK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from document import checked
checked(json.loads(sys.argv[2]))
"""


def _document(*, transparent: bool) -> dict[str, dict[str, object]]:
    destination = MeasuredDestination(
        name="database",
        host="p.example.org",
        port=5432,
        local_port=15432,
        protocol="postgres",
        transparent=transparent,
    )
    checks = document(
        gateway="gateway.ns.svc",
        destinations=[destination],
        expected=["157.173.210.123"],
        echo_url="https://echo.example/ip",
        peers=["exit.ns.svc"],
        api_server="https://10.43.0.1:443",
        ca_file="/ca.crt",
        seconds=300,
    )["checks"]
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
        destination = MeasuredDestination(
            name="one",
            host="one.example",
            port=443,
            local_port=15443,
            protocol=protocol.value,
            transparent=False,
        )
        made = document(
            gateway="gateway.ns.svc",
            destinations=[destination],
            expected=["157.173.210.123"],
            echo_url="https://echo.example/ip",
            peers=["exit.ns.svc"],
            api_server="https://10.43.0.1:443",
            ca_file="/ca.crt",
            seconds=300,
        )
        result = subprocess.run(
            [sys.executable, "-c", _CHECK, str(_PROGRAM), json.dumps(made)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
