"""The settings' shape, one class a config key."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from settings.fields import (
    Address,
    DnsLabel,
    DnsName,
    HostEndpoint,
    Network,
    PinnedImage,
    refuse,
)


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        # Errors name the key as it stands in the stack's file.
        loc_by_alias=True,
    )


class CredentialKind(StrEnum):
    """What the pods log in to the tailnet with."""

    # An auth key dies after 90 days at the latest, and takes the next restart with it.
    OAUTH_CLIENT = "oauth-client"
    AUTH_KEY = "auth-key"


class PolicyFile(StrEnum):
    """Whether this stack owns the tailnet's policy file, which it then owns whole."""

    NOT_OWNED = "not-owned"
    OWNED = "owned"


class Cluster(_Model):
    """The cluster the stack is for."""

    context: str = Field(min_length=1)
    identifier: DnsLabel
    pod_cidr: Network
    service_cidr: Network
    api_server: HostEndpoint


class Node(_Model):
    """A node of the fleet; `address` is the one it has in its own network."""

    name: DnsLabel
    address: Address
    kubernetes_name: DnsName | None = None

    @property
    def hostname(self) -> str:
        """The node's name in the cluster, the value of its `kubernetes.io/hostname` label."""
        return self.kubernetes_name or self.name


class Tailnet(_Model):
    """How pods join the tailnet."""

    image: PinnedImage
    credential: CredentialKind
    policy_file: PolicyFile


class ExitNode(_Model):
    """An exit node: the node it is pinned to, its name in the tailnet, its public address."""

    node: DnsLabel
    hostname: DnsLabel
    egress_address: Address


def _unique_nodes(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    for field in ("name", "hostname", "address"):
        _refuse_twice("nodes", field, [str(getattr(node, field)) for node in nodes])
    return nodes


def _unique_exit_nodes(exit_nodes: tuple[ExitNode, ...]) -> tuple[ExitNode, ...]:
    if not exit_nodes:
        refuse(
            "no exit node",
            "list at least one node whose address the database admits",
            value=[],
        )
    for field in ("node", "hostname"):
        _refuse_twice("exitNodes", field, [getattr(each, field) for each in exit_nodes])
    return exit_nodes


def _refuse_twice(key: str, field: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            refuse(
                "given twice",
                "each may stand in the list once",
                key=f"{key}[{index}].{to_camel(field)}",
                value=value,
            )
        seen.add(value)


class Settings(_Model):
    """All settings of a stack."""

    cluster: Cluster
    nodes: Annotated[tuple[Node, ...], AfterValidator(_unique_nodes)]
    tailnet: Tailnet
    exit_nodes: Annotated[tuple[ExitNode, ...], AfterValidator(_unique_exit_nodes)]

    @model_validator(mode="after")
    def _exit_nodes_are_nodes(self) -> Self:
        names = {node.name for node in self.nodes}
        for index, exit_node in enumerate(self.exit_nodes):
            if exit_node.node not in names:
                refuse(
                    "not one of the fleet's nodes",
                    f"name one of {', '.join(sorted(names)) or 'the nodes under nodes'}",
                    key=f"exitNodes[{index}].node",
                    value=exit_node.node,
                )
        return self

    def node(self, name: str) -> Node:
        """The node of that name; the settings have been checked to have it."""
        return next(node for node in self.nodes if node.name == name)
