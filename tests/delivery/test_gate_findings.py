"""What counts as a measurement of a stack's gates, by its state: the gate program's words only."""

from typing import Any

import pytest

from operations.delivery.gate_findings import by_wave, of_deployment, why_not_measured

_PASSED = {"styx": "node styx: all 9 checks passed: egress-address saw 157.173.210.123 in 34 ms"}
_SIMULATED = {"styx": "simulated: node styx: all checks passed"}


def _state(**outputs: Any) -> dict[str, Any]:
    stack = {"type": "pulumi:pulumi:Stack", "urn": "urn:pulumi:dev::p::s::n", "outputs": outputs}
    return {"resources": [{"type": "kubernetes:core/v1:Pod", "outputs": {"gates": "no"}}, stack]}


def test_gates_that_have_all_measured_are_no_reason() -> None:
    gates = of_deployment(_state(gates={"canary": _PASSED, "fleet": {}}))
    assert gates == {"canary": _PASSED, "fleet": {}}
    assert why_not_measured(gates, "dev") is None


_CIPHER = {"4dabf18193072939515e22adb298388d": "1b47", "ciphertext": "v1:cipher"}


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        ({"gates": {"canary": _PASSED, "fleet": _SIMULATED}}, "dev's gates were simulated"),
        ({"gates": {"canary": {"styx": "unavailable: gone"}}}, "gate canary, node styx: unavai"),
        # What a node says of another proves nothing for it.
        ({"gates": {"canary": {"naiad": _PASSED["styx"]}}}, "gate canary, node naiad: node styx"),
        ({"gates": {"canary": {"styx": "node styx: 1 of 9 checks failed: dns"}}}, "1 of 9 checks"),
        ({"gates": {"canary": {"styx": None}}}, "gate canary, node styx: None"),
        # Of an older program, of another one, encrypted.
        ({}, "dev's state does not say what its gates measured"),
        ({"gates": "measured"}, "dev's state does not say"),
        ({"gates": {"canary": "measured"}}, "dev's state does not say"),
        ({"gates": {"canary": {}}}, "dev's state does not say"),
        ({"gates": _CIPHER}, "dev's state does not say"),
    ],
)
def test_what_is_simulated_or_not_known_is_no_measurement(
    outputs: dict[str, Any], why: str
) -> None:
    reason = why_not_measured(of_deployment(_state(**outputs)), "dev")
    assert reason is not None
    assert why in reason


def test_a_state_without_resources_says_nothing() -> None:
    assert of_deployment({}) == {}
    assert by_wave({}) == {}
