"""NetworkPolicies as nftables rules at a pod's cable, IPv4 only: what a network plugin does.

Semantics: the Kubernetes documentation, "Network Policies", and the API's NetworkPolicySpec. A pod
that no policy selects for a direction is open in it; one that any selects may do what the rules of
all of them together admit, and answers always pass. Named ports are not known here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, collapse_addresses, ip_network
from typing import Any

from workshop.lab.home import LabError

_ANYWHERE = IPv4Network("0.0.0.0/0")
_LAST_PORT = 65535
_PROTOCOLS = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}
Manifest = Mapping[str, Any]
Labels = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class PolicyPod:
    """A pod as policies see it."""

    namespace: str
    labels: Labels
    address: IPv4Address


@dataclass(frozen=True, kw_only=True)
class Block:
    """A range of addresses less some of its parts."""

    network: IPv4Network
    excluded: tuple[IPv4Network, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ports:
    """A protocol in nftables' words, and the first and last of its ports."""

    protocol: str
    first: int = 0
    last: int = _LAST_PORT


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing that is admitted: any of the blocks, by any of the ports; None is every one."""

    blocks: tuple[Block, ...] | None
    ports: tuple[Ports, ...] | None


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """What a pod may do; None for a direction in which it is open."""

    egress: tuple[Rule, ...] | None
    ingress: tuple[Rule, ...] | None


def admitted(
    pod: PolicyPod,
    policies: Iterable[Manifest],
    pods: Sequence[PolicyPod],
    namespaces: Mapping[str, Labels],
) -> Admitted:
    """What the policies admit for `pod`; `namespaces` gives each namespace's labels.

    Raises LabError for what is not translated.
    """
    found: dict[str, list[Rule] | None] = {"Egress": None, "Ingress": None}
    for policy in policies:
        spec, namespace = policy["spec"], policy["metadata"]["namespace"]
        selected = namespace == pod.namespace and selects(spec.get("podSelector"), pod.labels)
        for kind in _kinds(spec) if selected else ():
            rules = found[kind] = found[kind] or []
            peers, field = ("to", "egress") if kind == "Egress" else ("from", "ingress")
            rules += [
                Rule(
                    blocks=_blocks(rule.get(peers), namespace, pods, namespaces),
                    ports=_ports(rule.get("ports"), policy),
                )
                for rule in spec.get(field) or []
            ]
    egress, ingress = found["Egress"], found["Ingress"]
    return Admitted(
        egress=None if egress is None else tuple(egress),
        ingress=None if ingress is None else tuple(ingress),
    )


def selects(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """Whether a label selector takes these labels; an empty one takes all. Raises LabError."""
    selector = selector or {}
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for each in selector.get("matchExpressions") or []:
        value, values = labels.get(each["key"]), each.get("values") or []
        holds = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        if each["operator"] not in holds:
            raise LabError(f"label selector: the operator {each['operator']!r} is not known")
        if not holds[each["operator"]]:
            return False
    return True


def _kinds(spec: Mapping[str, Any]) -> list[str]:
    # As the API server fills it in: always Ingress, and Egress where there are rules for it.
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def _blocks(
    peers: Sequence[Mapping[str, Any]] | None,
    namespace: str,
    pods: Sequence[PolicyPod],
    namespaces: Mapping[str, Labels],
) -> tuple[Block, ...] | None:
    if not peers:
        return None
    blocks: list[Block] = []
    for peer in peers:
        if "ipBlock" in peer:
            network = ip_network(peer["ipBlock"]["cidr"])
            if isinstance(network, IPv4Network):
                excluded = [ip_network(each) for each in peer["ipBlock"].get("except") or []]
                inside = [each for each in excluded if isinstance(each, IPv4Network)]
                collapsed = tuple(collapse_addresses(inside))
                blocks.append(Block(network=network, excluded=collapsed))
            continue
        blocks += [
            Block(network=IPv4Network(pod.address))
            for pod in pods
            if selects(peer.get("podSelector"), pod.labels)
            and (
                selects(peer["namespaceSelector"], namespaces.get(pod.namespace, {}))
                if peer.get("namespaceSelector") is not None
                else pod.namespace == namespace
            )
        ]
    return tuple(blocks)


def _ports(ports: Sequence[Mapping[str, Any]] | None, policy: Manifest) -> tuple[Ports, ...] | None:
    if not ports:
        return None
    found = []
    for each in ports:
        protocol = _PROTOCOLS[each.get("protocol") or "TCP"]
        port = each.get("port")
        if port is None:
            found.append(Ports(protocol=protocol))
            continue
        if isinstance(port, str):
            name = policy["metadata"]["name"]
            raise LabError(f"NetworkPolicy {name}: the named port {port!r} is not translated")
        # Numbers of a program under mocks come as floats.
        last = int(each.get("endPort") or port)
        found.append(Ports(protocol=protocol, first=int(port), last=last))
    return tuple(found)


def ruleset(pods: Mapping[str, Admitted]) -> str:
    """nftables' text for one node: what the pods behind these interfaces may send and receive.

    It replaces the table of an earlier one in one step.
    """
    jumps = ""
    leaving = ""
    chains = ""
    for interface, admission in pods.items():
        if admission.egress is not None:
            chains += _chain(f"{interface}_out", "daddr", admission.egress)
            leaving += f"    iifname {interface} jump {interface}_out\n"
        if admission.ingress is not None:
            chains += _chain(f"{interface}_in", "saddr", admission.ingress)
            jumps += f"    oifname {interface} jump {interface}_in\n"
    return (
        "table ip policies {}\ndelete table ip policies\ntable ip policies {\n"
        f"{chains}"
        "  chain forward {\n"
        "    type filter hook forward priority filter\n"
        "    ct state established,related accept\n"
        f"{leaving}{jumps}  }}\n"
        # What goes to the node itself, as to a service that it has.
        "  chain input {\n"
        "    type filter hook input priority filter\n"
        "    ct state established,related accept\n"
        f"{leaving}  }}\n}}\n"
    )


def _chain(name: str, direction: str, rules: Sequence[Rule]) -> str:
    lines = [
        f"    {' '.join(part for part in (where, what, 'return') if part)}\n"
        for rule in rules
        for where in _where(direction, rule.blocks)
        for what in _what(rule.ports)
    ]
    return f"  chain {name} {{\n{''.join(lines)}    counter drop\n  }}\n"


def _where(direction: str, blocks: tuple[Block, ...] | None) -> list[str]:
    if blocks is None:
        return [""]
    texts = []
    for block in blocks:
        parts = [] if block.network == _ANYWHERE else [f"ip {direction} {block.network}"]
        if block.excluded:
            parts.append(f"ip {direction} != {{ {', '.join(map(str, block.excluded))} }}")
        texts.append(" ".join(parts))
    return texts


def _what(ports: tuple[Ports, ...] | None) -> list[str]:
    if ports is None:
        return [""]
    return [
        f"meta l4proto {each.protocol}"
        if (each.first, each.last) == (0, _LAST_PORT)
        else f"{each.protocol} dport {each.first}-{each.last}"
        for each in ports
    ]
