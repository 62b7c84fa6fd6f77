"""Which hosts the cluster's DNS may answer with the gateway's address."""

from functools import cache

from publicsuffixlist import PublicSuffixList

from components.values.fields import refuse

# Names of addresses (RFC 1035, RFC 3596), which the cluster's DNS answers for pods and Services.
_REVERSE = (".in-addr.arpa", ".ip6.arpa")
# What the stack itself asks for by name, from wherever it runs: behind the gateway it would depend
# on what it makes. The relays of a tailnet are under the first one's domain.
_OWN_APIS = {
    "controlplane.tailscale.com": "tailnet's control plane",
    "login.tailscale.com": "tailnet's control plane",
    "log.tailscale.com": "tailnet's log service",
    "api.tailscale.com": "tailnet's API",
    "api.pulumi.com": "API of Pulumi ESC",
    "api.crunchybridge.com": "API of CrunchyBridge",
}


def check_transparent(host: str, key: str) -> None:
    """Refuse a host that the cluster's DNS must not answer; `key` is that of its destination.

    The zone of a host takes in every name that ends in it.
    """
    api = next((name for name in _OWN_APIS if f".{name}".endswith(f".{host}")), "")
    if host.rpartition(".")[2].isdigit():
        rule, remedy = "an address cannot be answered by DNS", "give the destination's name"
    elif f".{host}".endswith(_REVERSE):
        rule = "the cluster's DNS answers names of addresses itself"
        remedy = "give the host's name"
    elif "." not in host or _is_public_suffix(host):
        rule = "the gateway would be the answer for every name that ends in it"
        remedy = "give the host's whole name"
    elif api:
        rule = f"the {_OWN_APIS[api]}, {api}, would be reached through the gateway only"
        remedy = "give a host that the stack does not need itself"
    else:
        return
    refuse(rule, f"{remedy}, or leave transparent out", key=f"{key}.host", value=host)


def _is_public_suffix(host: str) -> bool:
    """Whether registries hand out names under it, as under co.uk; never asks the network."""
    return bool(_registries().is_public(host))


@cache
def _registries() -> PublicSuffixList:
    # Companies list names in the other section too, such as s3.us-west-2.amazonaws.com, which are
    # hosts of their own.
    return PublicSuffixList(only_icann=True)
