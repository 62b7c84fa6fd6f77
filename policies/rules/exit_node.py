"""An exit node is named by its tailnet address."""

from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address, ip_network

from ._check import each_container
from ._environment import QUOTES, Environment, Text
from ._model import UNKNOWN, Finding, Path, Rule, Severity
from ._subject import Body, Container

_NOT_A_VARIABLE = "TS_EXIT_NODE"
_MEND = (
    "write --exit-node=$(NAME) in plain text and give the variable NAME the Output, so that the "
    "rule sees that it is one address"
)
_BY_NAME = (
    "the exit node is named by host name, which Tailscale cannot resolve before its first login"
)
_AUTO = "the exit node is chosen by Tailscale, so the egress address may be any"
_NOT_OF_TAILNET = (
    "it is no address of a tailnet (100.64.0.0/10, fd7a:115c:a1e0::/48), so there is no exit node"
)
# https://tailscale.com/kb/1033/ip-and-dns-addresses; the second is Tailscale's own range of IPv6.
_TAILNET = ("100.64.0.0/10", "fd7a:115c:a1e0::/48")
_NETWORKS = tuple(map(ip_network, _TAILNET))
_NO_EFFECT = "Tailscale knows no such variable, so traffic leaves by the node's own address"


def _fault_of(name: str) -> str | None:
    """What is wrong with an exit node's name; None when it is an address, empty or unseen."""
    name = name.strip(QUOTES)
    if not name or "$" in name:
        return None
    if name.startswith("auto:"):
        return _AUTO
    try:
        address = ip_address(name)
    except ValueError:
        return _BY_NAME
    # Neither an address with a zone nor one that is IPv4 in IPv6 is one of a tailnet.
    if isinstance(address, IPv6Address) and (address.scope_id or address.ipv4_mapped):
        return _BY_NAME
    return None if any(address in network for network in _NETWORKS) else _NOT_OF_TAILNET


def _judge(container: Container, _body: Body) -> Iterator[Finding]:
    environment = container.environment
    said: set[Path] = set()
    for text in environment.texts:
        if text.value is UNKNOWN and environment.tailscale_may_read(text.position, "TS_EXTRA_ARGS"):
            said.add(text.where)
            yield Finding.unjudged(text.where, _MEND)
    for text, name in environment.given("--exit-node", "-exit-node"):
        if text.where not in said:
            for finding in _judge_name(environment, text, name):
                said.add(text.where)
                yield finding
    for variable in environment.variables:
        if variable.name == _NOT_A_VARIABLE:
            yield Finding.fires(variable.where, _NO_EFFECT)


def _judge_name(environment: Environment, text: Text, name: object) -> Iterator[Finding]:
    if not isinstance(name, str):
        yield Finding.unjudged(text.where, _MEND)
        return
    fault = _fault_of(environment.expanded(name, text) or "")
    if fault is not None:
        yield Finding.fires(text.where, fault)


# The same over the texts of `policies/admission.py`, in which a NUL stands between variables.
_WORD = "[^\\\\s\\\\x00;&|)>`]"
_START = "(^|[\\\\s\\\\x00])[\\'\"]*--?exit-node"
_IN_TAILNET = " || ".join(f"cidr('{network}').containsIP(n)" for network in _TAILNET)
_BARE = "find('[^\\'\"].*[^\\'\"]|[^\\'\"]')"
_CEL = (
    f"variables.texts.all(t, (t.findAll('{_START}={_WORD}*')"
    ".map(m, m.substring(m.indexOf('=') + 1))"
    f" + t.findAll('{_START}[\\'\"]*\\\\s+{_WORD}+').map(m, m.find('{_WORD}+$')))"
    f".map(n, n.{_BARE}).all(n, n == '' || n.contains('$') || "
    f"(isIP(n) && ({_IN_TAILNET})))) && "
    "variables.containers.all(c, !has(c.env) || c.env.all(e, e.name != 'TS_EXIT_NODE'))"
)

RULES = (
    Rule(
        name="exit-node-address",
        severity=Severity.HIGH,
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
        limitations=(
            "What a shell's variable or a ConfigMap gives Tailscale, and whether the address is "
            "that of an approved exit node: the gate measures it."
        ),
        check=each_container(_judge),
        cel_expression=_CEL,
        cel_differs_because=(
            "--exit-node=$(NAME) passes, because CEL cannot follow a variable; a preview and a "
            "scan judge it by what NAME holds."
        ),
        tags=("egress", "incident-2025-10-13"),
    ),
)
