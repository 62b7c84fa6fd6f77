"""What the stand-in keeps: networks and their rules; every change is on disk before an answer."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from workshop.lab.crunchybridge_api.eid import is_eid, new_eid
from workshop.lab.refusal import Refusal
from workshop.lab.state_file import StateFile

_KINDS = ("ingress", "egress")


@dataclass
class Rule:
    id: str
    rule: str
    kind: str
    description: str | None
    network_id: str
    team_id: str


@dataclass
class Stored:
    """An answer given to an idempotency key, and a digest of what was asked."""

    asked: str
    status: int
    body: dict[str, Any]


@dataclass
class State:
    """All that is kept. `gone` are the ids of rules that once were."""

    team_id: str
    networks: list[str]
    rules: dict[str, Rule] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    answers: dict[str, Stored] = field(default_factory=dict)


class Team(StateFile[State]):
    """One team's networks. Every public method is one request: atomic, and thread-safe."""

    def __init__(self, path: Path | None, networks: Iterable[str]) -> None:
        """`path` is the state file, None for a state that ends with the process.

        `networks` are ids of networks to have; ValueError where one is not a valid id.
        """
        super().__init__(path, State(team_id=new_eid(), networks=[]))
        for network in networks:
            if not is_eid(network):
                raise ValueError(f"{network!r} is not a network id: 26 letters and digits")
            if network not in self._state.networks:
                self._state.networks.append(network)

    def rules(self, network_id: str) -> list[dict[str, Any]]:
        """A network's rules, in the order of their ids."""
        with self.view() as state:
            self._assert_network(network_id)
            rules = [rule for rule in state.rules.values() if rule.network_id == network_id]
            return [asdict(rule) for rule in sorted(rules, key=lambda rule: rule.id)]

    def rule(self, network_id: str, rule_id: str) -> dict[str, Any]:
        """One rule; raises Refusal 404, or 410 for one that was removed."""
        with self.view():
            return asdict(self._find(network_id, rule_id))

    def create(self, network_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """A new rule; raises Refusal 400 for a bad or overlapping one."""
        with self.change() as state:
            self._assert_network(network_id)
            _only(body, {"rule", "kind", "description"})
            rule = Rule(
                id=new_eid(),
                rule=_cidr(body.get("rule")),
                kind=_kind(body.get("kind", _KINDS[0])),
                description=_description(body.get("description")),
                network_id=network_id,
                team_id=state.team_id,
            )
            self._assert_free(rule)
            state.rules[rule.id] = rule
            return asdict(rule)

    def update(self, network_id: str, rule_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change a rule's range or description; raises Refusal as `create` does."""
        with self.change():
            rule = self._find(network_id, rule_id)
            if "kind" in body and body["kind"] != rule.kind:
                raise Refusal(400, "kind cannot be changed")
            _only(body, {"rule", "kind", "description"})
            wanted = Rule(**asdict(rule))
            if "rule" in body:
                wanted.rule = _cidr(body["rule"])
            if "description" in body:
                wanted.description = _description(body["description"])
            self._assert_free(wanted)
            self._state.rules[rule_id] = wanted
            return asdict(wanted)

    def delete(self, network_id: str, rule_id: str) -> dict[str, Any]:
        """Remove a rule and answer what it was; raises Refusal 404 or 410."""
        with self.change() as state:
            rule = self._find(network_id, rule_id)
            del state.rules[rule_id]
            state.gone.append(rule_id)
            return asdict(rule)

    def _assert_network(self, network_id: str) -> None:
        if network_id not in self._state.networks:
            raise Refusal(404, "Network not found.")

    def _find(self, network_id: str, rule_id: str) -> Rule:
        self._assert_network(network_id)
        rule = self._state.rules.get(rule_id)
        if rule is not None and rule.network_id == network_id:
            return rule
        if rule_id in self._state.gone:
            raise Refusal(410, "Firewall rule was deleted.")
        raise Refusal(404, "Firewall rule not found.")

    def _assert_free(self, wanted: Rule) -> None:
        range_ = ip_network(wanted.rule)
        for rule in self._state.rules.values():
            elsewhere = rule.network_id != wanted.network_id or rule.id == wanted.id
            if not elsewhere and _overlap(range_, ip_network(rule.rule)):
                # Names no rule: what the real API says here is not documented.
                raise Refusal(400, "Firewall rule overlaps an existing firewall rule.")


def _overlap(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _only(body: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(set(body) - known)
    if unknown:
        raise Refusal(400, f"unknown parameter: {unknown[0]}")


def _cidr(value: object) -> str:
    # Stricter than the real API is known to be: what passes here passes there.
    if not isinstance(value, str) or "/" not in value:
        raise Refusal(400, "rule: must be an address range in CIDR notation")
    try:
        return str(ip_network(value))
    except ValueError:
        raise Refusal(400, "rule: must be an address range in CIDR notation") from None


def _kind(value: object) -> str:
    if value not in _KINDS:
        raise Refusal(400, f"kind: must be one of {', '.join(_KINDS)}")
    return str(value)


def _description(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Refusal(400, "description: must be text or null")
    return value
