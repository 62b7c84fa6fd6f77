"""The cluster: how it is reached, and the addresses that are its own."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Annotated, Self

from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from components.values.fields import DnsLabel, Endpoint, HostEndpoint, Network, endpoint, refuse
from components.values.model import StrictModel, refuse_twice

# The API server makes do with no fewer addresses for Services (8), and a range of all addresses
# cannot be left out of the internet.
_CLUSTER_PREFIXES = range(8, 30)


def _one_or_more(
    value: object, several: ValidatorFunctionWrapHandler
) -> tuple[Endpoint, ...] | None:
    if isinstance(value, str):
        return (endpoint(value),)
    # Strict about types, it takes no list from here.
    servers: tuple[Endpoint, ...] | None = several(
        tuple(value) if isinstance(value, list) else value
    )
    if servers is None:
        return None
    if not servers:
        refuse(
            "an empty list, with which no pod could reach the API server",
            "name every API server, or remove the key: the cluster's own endpoints are then taken",
        )
    refuse_twice("cluster.apiServer", "", map(str, servers))
    return tuple(sorted(servers, key=lambda server: server.order))


class ClusterSettings(StrictModel):
    """The cluster the stack is for.

    `api_server` are the addresses of its API servers, in order; one may be given without a list.
    None is for those that the cluster's own `kubernetes` endpoints name
    [operations/preflight/checks/api_servers.py].
    """

    context: str = Field(min_length=1)
    identifier: DnsLabel
    pod_cidr: Network
    service_cidr: Network
    api_server: Annotated[tuple[HostEndpoint, ...] | None, WrapValidator(_one_or_more)] = None

    @property
    def _ranges(self) -> dict[str, IPv4Network]:
        return {"cluster.podCidr": self.pod_cidr, "cluster.serviceCidr": self.service_cidr}

    @model_validator(mode="after")
    def _ranges_apart(self) -> Self:
        for key, network in self._ranges.items():
            if network.prefixlen not in _CLUSTER_PREFIXES:
                refuse(
                    f"not a range for a cluster, whose prefix is from /{_CLUSTER_PREFIXES[0]} to "
                    f"/{_CLUSTER_PREFIXES[-1]}",
                    "give the range that the cluster was set up with",
                    key=key,
                    value=str(network),
                )
        if self.pod_cidr.overlaps(self.service_cidr):
            refuse(
                f"it overlaps cluster.podCidr, {self.pod_cidr}",
                "give the two ranges that the cluster was set up with",
                key="cluster.serviceCidr",
                value=str(self.service_cidr),
            )
        for server in self.api_server or ():
            self.refuse_inside("cluster.apiServer", server.address)
        return self

    def refuse_inside(self, key: str, address: IPv4Address | IPv6Address) -> None:
        """Refuse an address of a machine or a destination that the cluster gives to a pod."""
        for name, network in self._ranges.items():
            if address in network:
                refuse(
                    f"it lies in {name}, {network}",
                    "give an address outside the cluster's own ranges",
                    key=key,
                    value=str(address),
                )
