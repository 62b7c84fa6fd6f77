"""The one comment on a pull request: what it would do to each stack, and what the policies say."""

from collections.abc import Mapping

from operations.delivery import gate_findings, topology
from operations.delivery.events import Change, PolicyFinding, Preview
from operations.delivery.markdown import code, plain, table
from settings import Settings

# By which the comment of an earlier run is found.
MARKER = "<!-- oceanid-cluster: preview -->"
_SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-", "import": "="}
_LONGEST = 65_000
_PATHS = 4


def comment(
    previews: Mapping[str, Preview | None], settings: Mapping[str, Settings], commit: str
) -> str:
    """The comment's Markdown; both are by stack, the previews in the order shown.

    None stands for a preview that never began, such as for want of a credential.
    """
    lines = [MARKER, f"## Preview of {code(commit[:12])}", ""]
    heads = ("Stack", "Changes", "Policies", "Result")
    lines += table(heads, (_summary(name, preview) for name, preview in previews.items()))
    for name, preview in previews.items():
        if preview is not None:
            lines += ["", *_stack(name, preview, settings[name])]
    text = "\n".join(lines) + "\n"
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + "\n\n… cut: the job's log has all of it\n"
    return text


def not_previewed(stack: str) -> str:
    """What a run without the stack's credentials leaves to a maintainer, as Markdown."""
    return (
        f"\n{code(stack)} is **not previewed**: a run of a fork or a bot has no credentials. What "
        f"policies and waves make of {code(stack)}'s settings is not known yet. A maintainer who "
        "has read the change gets the preview: of a bot's pull request by pushing a commit to its "
        "branch (an empty one does), of a fork's by pushing its commits to a branch of this "
        "repository with a pull request of its own.\n"
    )


def _summary(name: str, preview: Preview | None) -> tuple[str, ...]:
    if preview is None:
        return code(name), "", "", "**not previewed**: see the job's log"
    blocking = sum(finding.blocks for finding in preview.findings)
    excepted = sum(finding.excepted is not None for finding in preview.findings)
    advisory = len(preview.findings) - blocking - excepted
    verdict = f"{blocking} blocking, {advisory} advisory, {excepted} excepted"
    result = "passes" if preview.succeeded else "**fails**"
    if preview.succeeded and not preview.policies:
        verdict, result = "**no policy pack**", "**not judged**"
    return code(name), _counts(preview), verdict, result


def _counts(preview: Preview) -> str:
    operations = [change.operation for change in preview.changes]
    order = sorted(set(operations), key=lambda operation: (operation not in _SIGNS, operation))
    counts = [f"{operations.count(operation)} {operation}" for operation in order]
    return ", ".join([*counts, f"{preview.unchanged} unchanged"])


def _stack(name: str, preview: Preview, settings: Settings) -> list[str]:
    lines = [f"### {code(name)}"]
    if preview.errors:
        lines += ["", *(f"- **error** {plain(error)}" for error in preview.errors)]
    lines += ["", "#### Changes", "", *_changes(preview.changes)]
    lines += ["", "#### Policy findings and exceptions", "", *_findings(preview)]
    lines += ["", "#### Waves", "", *_waves(preview.changes, settings)]
    lines += ["", "#### Gates of the last update", "", *_gates(preview)]
    lines += ["", "#### Egress addresses", "", *_addresses(settings)]
    return [*lines, "", "#### Picture", "", *topology.mermaid(settings, preview.changes)]


def _changes(changes: tuple[Change, ...]) -> list[str]:
    if not changes:
        return ["None."]
    rows = [
        (
            _SIGNS.get(change.operation, change.operation),
            code(change.kind),
            code(change.name),
            _paths(change),
        )
        for change in changes
    ]
    lines = table(("", "Kind", "Resource", "Properties"), rows)
    created = sum(change.operation == "create" for change in changes)
    # A stack that is new is a long list of what the picture shows already.
    if created > len(changes) / 2:
        title = f"{len(changes)} resources"
        return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>"]
    return lines


def _paths(change: Change) -> str:
    shown = list(map(code, change.paths[:_PATHS]))
    more = len(change.paths) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])])


def _findings(preview: Preview) -> list[str]:
    if not preview.findings:
        return [f"None, by {', '.join(preview.policies) or 'no policy pack'}."]
    worst_first = sorted(
        preview.findings, key=lambda finding: (not finding.blocks, finding.excepted or "")
    )
    rows = [
        (_level(finding), code(finding.resource), plain(finding.message)) for finding in worst_first
    ]
    return table(("Level", "Resource", "Finding"), rows)


def _level(finding: PolicyFinding) -> str:
    if finding.excepted is not None:
        return f"excepted {plain(finding.excepted)}"
    severity = f" ({finding.severity})" if finding.severity else ""
    return f"**blocks**{severity}" if finding.blocks else f"advisory{severity}"


def _waves(changes: tuple[Change, ...], settings: Settings) -> list[str]:
    rows = []
    for number, wave in enumerate(settings.egress.waves, start=1):
        nodes = ", ".join(node.name for node in settings.wave_nodes(wave))
        others = " and every node not named" if wave.nodes is None else ""
        touched = topology.touched_by(changes, wave.name)
        change = f"{len(touched)} changes, then its gate" if touched else "unchanged"
        rows.append((str(number), code(wave.name), f"{plain(nodes)}{others}", change))
    return table(("", "Wave", "Nodes", "In this change"), rows)


def _gates(preview: Preview) -> list[str]:
    """What they measured, such as the egress address seen and how long each check took."""
    rows = [
        (code(wave), code(node), plain(finding))
        for wave, nodes in preview.gates.items()
        for node, finding in nodes.items()
    ]
    if not rows:
        return ["No update has recorded what its gates measured."]
    lines = table(("Wave", "Node", "Measured"), rows)
    why = gate_findings.why_not_measured(preview.gates, "this stack")
    return [*lines, "", f"**Not measured**: {plain(why)}."] if why else lines


def _addresses(settings: Settings) -> list[str]:
    rows = [
        (code(str(exit_node.egress_address)), code(exit_node.node), code(exit_node.hostname))
        for exit_node in settings.exit_nodes
    ]
    return table(("Address", "Node", "Device"), rows)
