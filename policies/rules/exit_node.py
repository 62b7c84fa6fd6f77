"""An exit node is named by its tailnet address."""

from collections.abc import Iterator
from ipaddress import ip_address

from policies.rules._check import each_container
from policies.rules._model import UNKNOWN, Enforcement, Finding, Rule, Severity
from policies.rules._subject import Body, Container

_FLAGS = ("--exit-node", "-exit-node")
_NOT_A_VARIABLE = "TS_EXIT_NODE"
_MEND = (
    "write --exit-node=$(NAME) in plain text and give the variable NAME the Output, so that the "
    "rule sees that it is one address"
)
_BY_NAME = (
    "the exit node is named by host name, which Tailscale cannot resolve before its first login"
)
_AUTO = "the exit node is chosen by Tailscale, so the egress address may be any"
_NO_EFFECT = "Tailscale knows no such variable, so traffic leaves by the node's own address"


def _fault_of(name: str) -> str | None:
    """What is wrong with an exit node's name; None when it is an address, empty or unseen."""
    name = name.strip("\"'")
    if not name or "$" in name:
        return None
    if name.startswith("auto:"):
        return _AUTO
    try:
        ip_address(name)
    except ValueError:
        return _BY_NAME
    return None


def _named(words: list[str]) -> Iterator[str | None]:
    """The exit nodes that the words of one text name; None where the name is the next text."""
    for position, word in enumerate(words):
        flag, equals, name = word.strip("\"'").partition("=")
        if flag in _FLAGS:
            following = words[position + 1] if position + 1 < len(words) else None
            yield name if equals else following


def _judge(container: Container, _body: Body) -> Iterator[Finding]:
    environment = container.environment
    awaited = False  # the text before this one was the flag alone
    for text in environment.texts:
        if text.value is UNKNOWN:
            if awaited or environment.tailscale_may_read(text.position, "TS_EXTRA_ARGS"):
                yield Finding.unjudged(text.where, _MEND)
            awaited = False
        elif isinstance(text.value, str):
            names = [text.value] if awaited else list(_named(text.value.split()))
            awaited = None in names
            expanded = [environment.expanded(name, text.variables) for name in names if name]
            faults = [fault for name in expanded if (fault := _fault_of(name or ""))]
            if faults:
                yield Finding.fires(text.where, faults[0])
    for variable in environment.variables:
        if variable.name == _NOT_A_VARIABLE:
            yield Finding.fires(variable.where, _NO_EFFECT)


_CEL = (
    "variables.texts.all(t, t.findAll('(^|\\\\s)--?exit-node(=[^\\\\s]*|\\\\s+[^\\\\s]+)').map(m, "
    "m.find('[^\\\\s=]*$').replace('\\'', '').replace('\"', '')).all(n, "
    "n == '' || n.contains('$') || isIP(n))) && "
    "variables.containers.all(c, !has(c.env) || c.env.all(e, e.name != 'TS_EXIT_NODE'))"
)

RULES = (
    Rule(
        name="exit-node-address",
        severity=Severity.HIGH,
        enforcement=Enforcement.MANDATORY,
        description="An exit node must be named by its tailnet address.",
        remedy=(
            "look the exit node's tailnet address up after it has registered and give that: "
            "--exit-node=100.x.y.z"
        ),
        source=(
            "Incident of 2025-10-13, 15:20: pods crashed on an exit node given by host name; "
            "auto:any is for some plans only and picks any exit node"
        ),
        url="https://tailscale.com/kb/1103/exit-nodes",
        blind_to=(
            "What a shell's variable or a ConfigMap gives Tailscale, and whether the address is "
            "that of an approved exit node: the gate measures it."
        ),
        check=each_container(_judge),
        cel=_CEL,
        tags=("egress", "incident-2025-10-13"),
    ),
)
