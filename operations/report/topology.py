"""The picture of the egress path: waves above, exit nodes below, destinations last.

Narrow on purpose, so that it is read on a phone as it is; it grows with waves, not with nodes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from operations.report.gate import Gate
from operations.report.state import State
from operations.report.status import Status
from settings import Settings

# In the picture's own units, which are CSS pixels at its natural size.
WIDTH = 360
_MARGIN, _GAP, _ARROW = 8, 10, 46
_LINE, _PADDING = 18, 10
# What fits into a box at the page's font.
_LONGEST = 42
_MOST_NAMES = 4


@dataclass(frozen=True, kw_only=True)
class Box:
    """A box with lines of text, the first of them its title."""

    y: int
    height: int
    lines: tuple[str, ...]
    style: str

    @property
    def rows(self) -> Iterator[tuple[int, str]]:
        """Each line with the y of its baseline."""
        for index, line in enumerate(self.lines):
            yield self.y + _PADDING + 13 + index * _LINE, line


@dataclass(frozen=True, kw_only=True)
class Arrow:
    y: int
    length: int
    label: str


@dataclass(frozen=True, kw_only=True)
class Topology:
    """The picture's parts, its height, and all of it in a sentence for who cannot see it."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    height: int
    description: str


def topology(settings: Settings, state: State, gates: Sequence[Gate]) -> Topology:
    """Of the stack as the settings describe it, with tailnet addresses from the state's outputs."""
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    y = _MARGIN
    exits = state.outputs.get("exitNodes") or {}
    groups: tuple[list[tuple[tuple[str, ...], str]], ...] = (
        [(_wave_lines(gate), gate.status.style) for gate in gates],
        [
            (_exit_lines(exit_node.hostname, exit_node.node, exits), "exit")
            for exit_node in settings.exit_nodes
        ],
        [
            ((destination.name, f"{destination.host}:{destination.port}"), "outside")
            for destination in settings.egress.destinations
        ],
    )
    addresses = " or ".join(str(exit_node.egress_address) for exit_node in settings.exit_nodes)
    labels = ("WireGuard, by the node's gateway", f"leaves by {addresses}")
    for index, group in enumerate(groups):
        for lines, style in group:
            height = 2 * _PADDING + len(lines) * _LINE
            shown = tuple(_cut(line) for line in lines)
            boxes.append(Box(y=y, height=height, lines=shown, style=style))
            y += height + _GAP
        y -= _GAP
        if index < len(labels):
            arrows.append(Arrow(y=y + 4, length=_ARROW - 8, label=_cut(labels[index], 34)))
            y += _ARROW
    return Topology(
        boxes=tuple(boxes),
        arrows=tuple(arrows),
        height=y + _MARGIN,
        description=_description(settings, gates, addresses),
    )


def _wave_lines(gate: Gate) -> tuple[str, ...]:
    who = ", ".join(gate.nodes[:_MOST_NAMES])
    if len(gate.nodes) > _MOST_NAMES:
        who += f" and {len(gate.nodes) - _MOST_NAMES} more"
    rest = ", and any new node" if gate.catches_the_rest else ""
    verdict = "unknown" if gate.status is Status.UNKNOWN else gate.verdict
    title = f"wave {gate.wave}: gate {verdict}"
    return title, f"{who or 'no node'}{rest}", f"gateways {gate.gateways}"


def _exit_lines(hostname: str, node: str, exits: dict[str, dict[str, str]]) -> tuple[str, ...]:
    address = exits.get(node, {}).get("tailnetAddress", "unknown")
    return f"exit node {hostname}", f"on {node}, in the tailnet {address}"


def _description(settings: Settings, gates: Sequence[Gate], addresses: str) -> str:
    waves = "; ".join(f"wave {gate.wave} ({len(gate.nodes)} nodes)" for gate in gates)
    exits = ", ".join(exit_node.hostname for exit_node in settings.exit_nodes)
    destinations = ", ".join(destination.name for destination in settings.egress.destinations)
    return f"{waves}, through {exits}, leaves by {addresses} to {destinations}."


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
