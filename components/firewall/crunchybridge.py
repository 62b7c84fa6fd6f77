"""The crunchybridge provider's resources, for programs; the provider is in `providers/`."""

from dataclasses import dataclass
from typing import Any

import pulumi

_LIST_RULES = "crunchybridge:index:getFirewallRules"


class FirewallRule(pulumi.CustomResource):
    """One address range that a network's clusters admit.

    Its id, and what `pulumi import` asks for, is `network id/rule id`.
    """

    network_id: pulumi.Output[str]
    rule: pulumi.Output[str]
    kind: pulumi.Output[str]
    description: pulumi.Output[str | None]
    rule_id: pulumi.Output[str]
    team_id: pulumi.Output[str | None]

    def __init__(
        self,
        name: str,
        *,
        network_id: pulumi.Input[str],
        rule: pulumi.Input[str],
        description: pulumi.Input[str] | None = None,
        kind: pulumi.Input[str] = "ingress",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`rule` is an address or a range in CIDR notation; `kind` is ingress or egress."""
        properties: dict[str, Any] = {
            "network_id": network_id,
            "rule": rule,
            "kind": kind,
            "description": description,
            # Known once the rule is made.
            "rule_id": None,
            "team_id": None,
        }
        super().__init__("crunchybridge:index:FirewallRule", name, properties, opts)

    def translate_input_property(self, prop: str) -> str:
        return _PROVIDERS_NAMES.get(prop, prop)

    def translate_output_property(self, prop: str) -> str:
        return _OUR_NAMES.get(prop, prop)


class RetiredRule(pulumi.CustomResource):
    """A range that must not be admitted any more: its rule is removed, if there is one.

    Removed when its turn comes, so `depends_on` says after what. `removed` holds the ids of the
    rules that were, parted by spaces. Destroying it gives nothing back.
    """

    removed: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        network_id: pulumi.Input[str],
        rule: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`rule` is an address or a range in CIDR notation."""
        properties = {"networkId": network_id, "rule": rule, "removed": None}
        super().__init__("crunchybridge:index:RetiredRule", name, properties, opts)


_PROVIDERS_NAMES = {"network_id": "networkId", "rule_id": "ruleId", "team_id": "teamId"}
_OUR_NAMES = {name: ours for ours, name in _PROVIDERS_NAMES.items()}


@dataclass(frozen=True, kw_only=True)
class ListedRule:
    """A rule of a network, whoever made it."""

    id: str
    rule: str
    kind: str
    description: str | None


def firewall_rules(
    network_id: pulumi.Input[str], opts: pulumi.InvokeOutputOptions | None = None
) -> pulumi.Output[list[ListedRule]]:
    """All rules of a network, as they are when the output is resolved."""
    response = pulumi.runtime.invoke_output(_LIST_RULES, {"networkId": network_id}, opts=opts)
    return response.apply(
        lambda known: [
            ListedRule(
                id=rule["id"],
                rule=rule["rule"],
                kind=rule["kind"],
                description=rule.get("description"),
            )
            for rule in known["rules"] or []
        ]
    )
