"""The one comment on a pull request: what it would do to each stack, and what the policies say."""

from __future__ import annotations

from collections.abc import Mapping

from delivery import topology
from delivery.events import Change, Finding, Preview
from delivery.markdown import code, folded, plain, table
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
    lines += table(heads, (_summary(name, each) for name, each in previews.items()))
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
    blocking = sum(each.blocks for each in preview.findings)
    excepted = sum(each.excepted is not None for each in preview.findings)
    advisory = len(preview.findings) - blocking - excepted
    verdict = f"{blocking} blocking, {advisory} advisory, {excepted} excepted"
    result = "passes" if preview.succeeded else "**fails**"
    if preview.succeeded and not preview.policies:
        verdict, result = "**no policy pack**", "**not judged**"
    return code(name), _counts(preview), verdict, result


def _counts(preview: Preview) -> str:
    operations = [each.operation for each in preview.changes]
    order = sorted(set(operations), key=lambda each: (each not in _SIGNS, each))
    counts = [f"{operations.count(each)} {each}" for each in order]
    return ", ".join([*counts, f"{preview.unchanged} unchanged"])


def _stack(name: str, preview: Preview, settings: Settings) -> list[str]:
    lines = [f"### {code(name)}"]
    if preview.errors:
        lines += ["", *(f"- **error** {plain(each)}" for each in preview.errors)]
    lines += ["", "#### Changes", "", *_changes(preview.changes)]
    lines += ["", "#### Policy findings and exceptions", "", *_findings(preview)]
    lines += ["", "#### Waves", "", *_waves(preview.changes, settings)]
    lines += ["", "#### Egress addresses", "", *_addresses(settings)]
    return [*lines, "", "#### Picture", "", *topology.mermaid(settings, preview.changes)]


def _changes(changes: tuple[Change, ...]) -> list[str]:
    if not changes:
        return ["None."]
    rows = [
        (_SIGNS.get(each.operation, each.operation), code(each.kind), code(each.name), _paths(each))
        for each in changes
    ]
    lines = table(("", "Kind", "Resource", "Properties"), rows)
    created = sum(each.operation == "create" for each in changes)
    # A stack that is made anew is a long list of what the picture shows already.
    if created > len(changes) / 2:
        return folded(f"{len(changes)} resources", lines)
    return lines


def _paths(change: Change) -> str:
    shown = [code(each) for each in change.paths[:_PATHS]]
    more = len(change.paths) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])])


def _findings(preview: Preview) -> list[str]:
    if not preview.findings:
        return [f"None, by {', '.join(preview.policies) or 'no policy pack'}."]
    worst_first = sorted(preview.findings, key=lambda each: (not each.blocks, each.excepted or ""))
    rows = [(_level(each), code(each.resource), plain(each.text)) for each in worst_first]
    return table(("Level", "Resource", "Finding"), rows)


def _level(finding: Finding) -> str:
    if finding.excepted is not None:
        return f"excepted {plain(finding.excepted)}"
    severity = f" ({finding.severity})" if finding.severity else ""
    return f"**blocks**{severity}" if finding.mandatory else f"advisory{severity}"


def _waves(changes: tuple[Change, ...], settings: Settings) -> list[str]:
    rows = []
    for number, wave in enumerate(settings.egress.waves, start=1):
        nodes = ", ".join(each.name for each in settings.wave_nodes(wave))
        others = " and every node not named" if wave.nodes is None else ""
        touched = topology.touched_by(changes, wave.name)
        change = f"{len(touched)} changes, then its gate" if touched else "unchanged"
        rows.append((str(number), code(wave.name), f"{plain(nodes)}{others}", change))
    return table(("", "Wave", "Nodes", "In this change"), rows)


def _addresses(settings: Settings) -> list[str]:
    rows = [
        (code(str(each.egress_address)), code(each.node), code(each.hostname))
        for each in settings.exit_nodes
    ]
    return table(("Address", "Node", "Device"), rows)
