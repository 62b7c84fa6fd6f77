"""What a lab's nodes are: real, or simulated where the machine cannot hold real ones."""

from collections.abc import Callable
from enum import StrEnum

from workshop.lab.home import Home, LabError


class NodeKind(StrEnum):
    """What nodes a lab has."""

    REAL = "real"
    SIMULATED = "simulated"


def recorded(home: Home) -> NodeKind | None:
    """What the lab has already; None where nothing has been started in it."""
    record = home.path / "nodes-are"
    if record.exists():
        return NodeKind(record.read_text().strip())
    # A lab from before this record has simulated nodes.
    return NodeKind.SIMULATED if (home.path / "etcd").exists() else None


def choose(
    home: Home, wanted: NodeKind | None, missing: Callable[[], str | None]
) -> tuple[NodeKind, str | None]:
    """What nodes to start, and why they are not real where only the machine decides that.

    `missing` says why this machine cannot hold real nodes. Raises LabError where `wanted` cannot
    be had.
    """
    existing = recorded(home)
    if existing is not None:
        if wanted not in (None, existing):
            raise LabError(
                f"this lab's nodes are {existing}: run `oceanid lab clean` for {wanted} ones"
            )
        return existing, None
    if wanted is NodeKind.SIMULATED:
        return wanted, None
    reason = missing()
    if reason is None:
        return NodeKind.REAL, None
    if wanted is NodeKind.REAL:
        raise LabError(f"this machine cannot hold real nodes: {reason}")
    return NodeKind.SIMULATED, reason


def record(home: Home, kind: NodeKind) -> None:
    """Keep what the lab's nodes are for as long as its data is there."""
    (home.path / "nodes-are").write_text(f"{kind}\n")
