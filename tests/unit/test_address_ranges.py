"""What an exit node may reach is the internet without every range that is not."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from components.cluster.address_ranges import internet_except

_POD = ipaddress.IPv4Network("10.42.0.0/16")


def _admits(address: str, denied: list[ipaddress.IPv4Network | ipaddress.IPv4Address]) -> bool:
    ip = ipaddress.ip_address(address)
    return any(
        ip in ipaddress.ip_network(cidr)
        and not any(ip in ipaddress.ip_network(each) for each in excluded)
        for cidr, excluded in internet_except(denied).items()
        if ipaddress.ip_network(cidr).version == ip.version
    )


@given(st.lists(st.ip_addresses(v=4).map(lambda a: ipaddress.IPv4Address(int(a)))))
def test_an_address_that_is_denied_is_not_admitted(denied: list[ipaddress.IPv4Address]) -> None:
    assert not any(_admits(str(address), list(denied)) for address in denied)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 32))))
def test_no_excluded_range_lies_inside_another(pairs: list[tuple[int, int]]) -> None:
    # Kubernetes refuses a policy whose exceptions are not inside its range.
    denied = [ipaddress.IPv4Network((number, prefix), strict=False) for number, prefix in pairs]
    excluded = [ipaddress.IPv4Network(each) for each in internet_except(denied)["0.0.0.0/0"]]
    for one in excluded:
        assert not any(one != other and one.subnet_of(other) for other in excluded)
        assert one.subnet_of(ipaddress.IPv4Network("0.0.0.0/0"))
