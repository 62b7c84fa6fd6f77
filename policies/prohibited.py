"""``docs/prohibited-patterns.md``, from the rules: ``python -m policies prohibited [FILE]``."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from .docs import written
from .rules import every_rule
from .rules._model import Enforcement, Rule

DEFAULT_FILE = Path(__file__).resolve().parent.parent / "docs" / "prohibited-patterns.md"

_INCIDENT = "incident-2025-10-13"
# By the first of a rule's tags, in the order of the document.
_SUBJECTS = {
    "network": "The nodes' network",
    "egress": "The egress path",
    "rollout": "Roll-outs",
    "secrets": "Secrets",
    "rbac": "Rights",
    "operations": "Operations",
    "pod-security": "Pod security",
    "supply-chain": "Images",
    "correctness": "What looks right and is not",
}

_HEAD = """\
# Prohibited patterns

<!-- Written by `python -m policies prohibited` from the rules: change those, not this. -->

What must not be done on this fleet, and what to do instead. Each line of the tables is a rule that
fails a preview, a scan or a request to the API server; its name leads to where it is enforced.

## What took two nodes away

On 13 October 2025 at 15:19 UTC `kubectl apply` put a Tailscale DaemonSet with `hostNetwork: true`
on every node. Three minutes later two of three nodes were NotReady, five minutes after that SSH was
gone, and deleting the DaemonSet mended nothing: rules, routes and state stayed on the hosts. Each
of its causes is refused by itself:
"""

# What is done in place of each and why; no rule sees these.
_UNSEEN = (
    (
        "`iptables -F`, `ip rule flush`, `ip route flush table all` on a node",
        "kube-proxy's and flannel's rules go as well, and with them the rest of the node's network",
        (
            "[node network recovery](runbooks/node-network-recovery.md) removes what "
            "Tailscale left and nothing else"
        ),
    ),
    (
        "prove the egress address by one pod on whichever node it lands",
        (
            'it may have landed on the exit node: so the audit of 13 October "verified" what '
            "did not work"
        ),
        (
            "the gate of each wave measures from every node ([measuring the "
            "path](runbooks/egress.md#measuring-the-path))"
        ),
    ),
    (
        "take `tailscale status` or `/healthz` for proof that an exit node is used",
        "both are content while traffic leaves directly",
        (
            "readiness asks for a peer that is online, in use **and** approved ([ADR "
            "6](adr/0006-fail-closed-egress.md))"
        ),
    ),
    (
        "bound a first roll-out by `maxUnavailable`",
        "it bounds updates; creation reaches every node at once",
        "waves ([ADR 7](adr/0007-waves-and-gates.md))",
    ),
    (
        "change the network of a node whose console nobody has tried",
        "it is the only way back in",
        (
            "`consoleConfirmed` in the settings, which the [preflight](preflight.md#the-"
            "console) asks for"
        ),
    ),
    (
        "trust that deleting a workload undoes it",
        "what it wrote into its host stays",
        "no workload that writes into its host",
    ),
    (
        "let a fallback send traffic by the node's own address",
        "it works until the database's firewall is right, and hides that the path is broken",
        "fail closed; a second exit node ([exit node](runbooks/exit-node.md#failover))",
    ),
    (
        "type firewall rules, secrets or node settings by hand",
        "nobody knows later why they are there",
        "the settings; `oceanid drift` finds the rest",
    ),
)


def text() -> str:
    """The whole document."""
    rules = [rule for rule in every_rule() if rule.enforcement is Enforcement.MANDATORY]
    causes = [rule for rule in rules if _INCIDENT in rule.tags]
    parts = [_HEAD, *_table(causes), ""]
    for tag, title in _SUBJECTS.items():
        others = [rule for rule in rules if rule not in causes and rule.tags[0] == tag]
        if others:
            parts += [f"## {title}", "", *_table(others), ""]
    parts += [
        "## What no rule can see",
        "",
        "| do not | because | instead |",
        "| --- | --- | --- |",
    ]
    parts += [f"| {' | '.join(cells)} |" for cells in _UNSEEN]
    return "\n".join([*parts, ""])


def main(arguments: Sequence[str]) -> int:
    """Write the document to a file, by default its own; 2 for a wrong call."""
    return written("prohibited", text(), DEFAULT_FILE, arguments)


def without_subject() -> list[str]:
    """The mandatory rules that no table would show, because their first tag has no title."""
    shown = {*_SUBJECTS}
    return [
        rule.name
        for rule in every_rule()
        if rule.enforcement is Enforcement.MANDATORY and rule.tags[0] not in shown
    ]


def _table(rules: Sequence[Rule]) -> Iterator[str]:
    yield "| the rule | instead | why |"
    yield "| --- | --- | --- |"
    for rule in rules:
        yield (
            f"| {_cell(rule.description)} [{rule.name}](policies.md#{rule.name}) "
            f"| {_cell(rule.remedy)} | {_cell(rule.source)} |"
        )


def _cell(words: str) -> str:
    return words.replace("|", "\\|")
