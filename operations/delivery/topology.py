"""A picture of the fleet as the settings have it, in Mermaid, with what a change touches marked."""

import re
from collections.abc import Iterable

from operations.delivery.events import Change
from settings import Settings

_CHANGED = "classDef changed stroke-width:3px,stroke-dasharray:6 3"


def touched_by(changes: Iterable[Change], wave: str) -> list[Change]:
    """The changes of a wave's own resources, its gate's included."""
    return [change for change in changes if _belongs(change.name, (f"wave-{wave}", f"gate-{wave}"))]


def mermaid(settings: Settings, changes: tuple[Change, ...]) -> list[str]:
    """The picture's lines, fences included: nodes by wave, exit nodes, destinations."""
    lines = ["```mermaid", "flowchart LR"]
    changed = []
    for wave in settings.egress.waves:
        name = _id("wave", wave.name)
        lines.append(f'  subgraph {name}["wave {_label(wave.name)}"]')
        lines += [
            f'    {_id("node", node.name)}["{_label(node.name)}<br/>{node.address}"]'
            for node in settings.wave_nodes(wave)
        ]
        lines.append("  end")
        if touched_by(changes, wave.name):
            changed.append(name)
    for number, exit_node in enumerate(settings.exit_nodes):
        name = _id("exit", exit_node.node)
        label = f"exit node on {_label(exit_node.node)}<br/>{exit_node.egress_address}"
        lines.append(f'  {name}(["{label}"])')
        arrow = "-.->|if the one before is gone|" if number else "==>"
        lines += [f"  {_id('wave', wave.name)} {arrow} {name}" for wave in settings.egress.waves]
        lines += [
            f'  {name} --> {_id("to", to.name)}[("{_label(to.name)}<br/>port {to.port}")]'
            for to in settings.egress.destinations
        ]
        if any(_belongs(change.name, (f"exit-{exit_node.node}",)) for change in changes):
            changed.append(name)
    if changed:
        lines += [f"  {_CHANGED}", f"  class {','.join(changed)} changed"]
    return [*lines, "```"]


def _belongs(name: str, owners: tuple[str, ...]) -> bool:
    # A gate's Jobs have their node's name after a slash.
    return any(re.match(rf"{re.escape(owner)}([-/]|$)", name) for owner in owners)


def _id(kind: str, name: str) -> str:
    return f"{kind}_{re.sub(r'[^a-z0-9]', '_', name.lower())}"


def _label(name: str) -> str:
    return re.sub(r"[^\w .:/-]", "", name)
