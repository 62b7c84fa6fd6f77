"""What a stack's gates have measured, by the output that its last update wrote into the state."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.egress.gate_message import SIMULATED, passed
from providers.plugin.urn import STACK_TYPE

# The output of the program [__main__.py]: for each wave and node the message of its check.
OUTPUT = "gates"


def by_wave(outputs: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The findings by wave and node; none where the output is missing or of another shape."""
    gates = outputs.get(OUTPUT)
    if not isinstance(gates, dict):
        return {}
    return {
        str(wave): {str(node): str(finding) for node, finding in nodes.items()}
        for wave, nodes in gates.items()
        if isinstance(nodes, dict)
    }


def of_deployment(deployment: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Those of an exported state, which takes no passphrase to read."""
    stacks = (
        resource.get("outputs") or {}
        for resource in deployment.get("resources") or ()
        if resource.get("type") == STACK_TYPE
    )
    return by_wave(next(stacks, {}))


def why_not_measured(gates: Mapping[str, Mapping[str, str]], source: str) -> str | None:
    """Why the gates of `source` prove nothing about real nodes, or None when all have measured.

    Only the words of the gate's program count as a measurement: what nobody knows is none.
    """
    if any(finding.startswith(SIMULATED) for _, _, finding in _each(gates)):
        return f"{source}'s gates were simulated: nothing was measured"
    unknown = next(
        (
            f"gate {wave}, node {node}: {finding}"
            for wave, node, finding in _each(gates)
            if not finding.startswith(passed(node))
        ),
        None,
    )
    if unknown:
        return f"{source} does not say what all its gates measured ({unknown})"
    if not any(gates.values()):
        return f"{source}'s state does not say what its gates measured"
    return None


def _each(gates: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, str]]:
    for wave, nodes in gates.items():
        for node, finding in nodes.items():
            yield wave, node, finding
