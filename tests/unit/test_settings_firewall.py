"""Ranges that cannot stand next to each other are refused before anything is changed."""

from ipaddress import ip_network
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wrong_settings import Config, config_of, parsed

_EGRESS = "157.173.210.123"
_NEXT_EGRESS = "2001:db8:7::5"
_OFFICE = "198.51.100.0/24"


def _config(**firewall: Any) -> Config:
    """The settings of prod with these in place of its firewall's, and a second exit node."""
    config = config_of()
    config["exitNodes"].append(
        {"node": "styx", "hostname": "oceanid-exit-styx", "egressAddress": _NEXT_EGRESS}
    )
    config["firewall"] = {"network": config["firewall"]["network"], **firewall}
    return config


def _extra(*ranges: str) -> list[dict[str, Any]]:
    return [{"cidr": each, "description": "listed"} for each in ranges]


def test_an_egress_address_in_ipv6_form_of_ipv4_is_refused() -> None:
    config = _config()
    config["exitNodes"][1]["egressAddress"] = "::ffff:198.51.100.7"
    with pytest.raises(ValueError, match=r"^exitNodes\[1\]\.egressAddress = .*198\.51\.100\.7"):
        parsed(config)


def test_ranges_of_both_families_stand_beside_each_other() -> None:
    settings = parsed(
        _config(extra=_extra(_OFFICE, "2001:db8:5::/64"), retire=["191.101.1.3", "2001:db8:9::1"])
    )
    assert [each.cidr for each in settings.firewall.extra] == [_OFFICE, "2001:db8:5::/64"]
    assert settings.firewall.retire == ("191.101.1.3/32", "2001:db8:9::1/128")


_near = [
    "198.51.100.0/24",
    "198.51.100.0/25",
    "198.51.100.7/32",
    "157.173.210.0/24",
    "157.173.210.123/32",
    "2001:db8:7::/64",
    "2001:db8:7::5/128",
    "2001:db8:7::6/128",
]
_extras = st.lists(st.sampled_from(_near), max_size=3)
_retired = st.lists(st.sampled_from([*_near, "0.0.0.0/0", "2001:db8::/32"]), max_size=2)


@given(_extras, _retired)
def test_settings_that_pass_ask_for_no_two_rules_that_overlap(
    extra: list[str], retire: list[str]
) -> None:
    try:
        settings = parsed(_config(extra=_extra(*extra), retire=retire))
    except ValueError:
        return
    admitted = [*settings.egress_ranges, *(each.cidr for each in settings.firewall.extra)]
    pairs = [*combinations(admitted, 2), *((a, r) for a in admitted for r in set(retire))]
    assert not [pair for pair in pairs if _overlap(*pair)]


def _overlap(one: str, other: str) -> bool:
    a, b = ip_network(one), ip_network(other)
    return a.version == b.version and a.overlaps(b)
