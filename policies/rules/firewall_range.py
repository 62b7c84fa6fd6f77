"""A firewall rule admits the fleet, not the world."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network

from ._model import UNKNOWN, Finding, Rule, Severity
from ._subject import Subject

_TOKEN = "crunchybridge:index:FirewallRule"  # noqa: S105 - a type, not a secret
# The shortest prefixes that still mean one network of one owner, by version of IP.
_SHORTEST = {4: 24, 6: 64}
_OPEN = "it admits the whole internet"
_WIDE = "it admits more addresses than a fleet has"
_NO_RANGE = "it is no range of addresses"


def _fault_of(text: object) -> str | None:
    try:
        network = ip_network(text.strip() if isinstance(text, str) else "", strict=False)
    except ValueError:
        return _NO_RANGE
    if network.prefixlen == 0:
        return _OPEN
    return _WIDE if network.prefixlen < _SHORTEST[network.version] else None


def _check(subject: Subject) -> Iterator[Finding]:
    if subject.token != _TOKEN or not isinstance(subject.body, Mapping):
        return
    # What the database itself may reach is another matter.
    if subject.body.get("kind") == "egress" or "rule" not in subject.body:
        return
    where, text = (*subject.where, "rule"), subject.body["rule"]
    if text is UNKNOWN:
        yield Finding.unjudged(where)
    elif fault := _fault_of(text):
        yield Finding.fires(where, fault)


RULES = (
    Rule(
        name="firewall-range",
        severity=Severity.CRITICAL,
        description="A database's firewall must admit single addresses or a small network.",
        remedy="admit the egress address of each exit node, as address/32",
        source="The database admits listed addresses only: that is what the egress path is for",
        url="https://docs.crunchybridge.com/how-to/firewall/",
        limitations="Rules made by hand or by another program: a refresh shows them as drift.",
        check=_check,
        tags=("network", "firewall", "pulumi-only"),
    ),
)
