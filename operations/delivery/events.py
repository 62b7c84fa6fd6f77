"""The engine's events of one preview, as far as people want to read them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operations.delivery import gate_findings
from operations.delivery.reachable import without_advice
from operations.errors import OperationError
from policies.excepted_line import parted
from providers.plugin.urn import STACK_TYPE, parsed

# The engine's own steps of a replacement; `replace` stands for all of them.
_PARTS_OF_REPLACE = frozenset({"create-replacement", "delete-replaced", "discard-replaced"})
_UNCHANGED = frozenset({"same", "refresh", "read"})


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource that an update would touch; `paths` are the properties that differ."""

    operation: str
    kind: str
    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PolicyFinding:
    """What one rule found; `blocks` ends a preview, `excepted` is the dated exception for it."""

    rule: str
    severity: str
    resource: str
    message: str
    blocks: bool
    excepted: str | None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a preview showed; it holds no value of any property.

    `gates` is what the last update's gates have measured, by wave and node; a preview measures
    nothing.
    """

    changes: tuple[Change, ...] = ()
    findings: tuple[PolicyFinding, ...] = ()
    errors: tuple[str, ...] = ()
    unchanged: int = 0
    succeeded: bool = False
    policies: tuple[str, ...] = ()
    gates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read(path: Path) -> Preview:
    """The preview of an event log; raises OperationError when there is none."""
    try:
        lines = path.read_text().splitlines()
        return parse(json.loads(line) for line in lines)
    except FileNotFoundError:
        raise OperationError(f"{path.name} is not there: run the preview first") from None
    except ValueError:
        raise OperationError(f"{path.name} is incomplete: run the preview again") from None


def output(path: Path, name: str) -> Any:  # noqa: ANN401  whatever the program gives
    """The stack's output of that name in an event log; None where it has none, or is a secret."""
    value = None
    for line in path.read_text().splitlines():
        ended = json.loads(line).get("resOutputsEvent")
        if ended and ended["metadata"]["type"] == STACK_TYPE:
            new = ended["metadata"].get("new") or {}
            value = (new.get("outputs") or {}).get(name)
    return value


def parse(events: Iterable[dict[str, Any]]) -> Preview:
    """The preview of the engine's events [sdk/go/common/apitype/events.go, 3.246.0]."""
    changes: dict[str, Change] = {}
    findings, errors = [], []
    unchanged, succeeded = 0, False
    policies: tuple[str, ...] = ()
    gates: dict[str, dict[str, str]] = {}
    for event in events:
        # A refresh has its differences only at the end of the resource.
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            if kind in event:
                change = _change(event[kind]["metadata"])
                if change:
                    changes.setdefault(event[kind]["metadata"]["urn"], change)
                if event[kind]["metadata"]["type"] == STACK_TYPE:
                    before = event[kind]["metadata"].get("old") or {}
                    gates = gate_findings.by_wave(before.get("outputs") or {})
        if "policyEvent" in event:
            findings.append(_finding(event["policyEvent"]))
        if "diagnosticEvent" in event and event["diagnosticEvent"]["severity"] == "error":
            errors.append(without_advice(str(event["diagnosticEvent"]["message"])).strip())
        if "summaryEvent" in event:
            summary = event["summaryEvent"]
            unchanged = int((summary.get("resourceChanges") or {}).get("same", 0))
            succeeded = summary.get("result") == "succeeded"
            packs = summary.get("PolicyPacks") or {}
            policies = tuple(f"{name.partition('|')[0]} {packs[name]}" for name in sorted(packs))
    return Preview(
        changes=tuple(changes[urn] for urn in sorted(changes)),
        findings=tuple(findings),
        errors=tuple(errors),
        unchanged=unchanged,
        succeeded=succeeded,
        policies=policies,
        gates=gates,
    )


def _change(metadata: dict[str, Any]) -> Change | None:
    operation = str(metadata["op"])
    if operation in _UNCHANGED or operation in _PARTS_OF_REPLACE:
        return None
    differences = metadata.get("detailedDiff") or {}
    return Change(
        operation=operation,
        kind=str(metadata["type"]).rpartition(":")[2],
        name=parsed(metadata["urn"]).name,
        paths=tuple(sorted(differences or metadata.get("diffs") or ())),
    )


def _finding(event: dict[str, Any]) -> PolicyFinding:
    # The first line is the policy's description, the second what it found.
    line = str(event["message"]).strip().splitlines()[-1]
    message, excepted = parted(line)
    urn = event.get("resourceUrn")
    return PolicyFinding(
        rule=str(event["policyName"]),
        severity=str(event.get("severity") or ""),
        # A finding about the whole stack names no resource.
        resource=parsed(urn).name if urn else "",
        message=message,
        blocks=event["enforcementLevel"] == "mandatory" and excepted is None,
        excepted=excepted,
    )
