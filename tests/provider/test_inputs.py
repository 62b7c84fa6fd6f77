"""The form of a rule's inputs, for any text there is."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.output import Unknown
from pulumi.runtime import rpc

from providers.crunchybridge.inputs import INPUTS, changes, check
from providers.crunchybridge.property import Property, decode, encode
from providers.crunchybridge.rule import is_eid, normal_cidr, split_resource_id
from workshop.lab.crunchybridge_api.eid import new_eid

NETWORK = new_eid()
_networks: st.SearchStrategy[tuple[IPv4Address | IPv6Address, int]] = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)),
    st.tuples(st.ip_addresses(v=6), st.integers(0, 128)),
)
_texts = st.text() | st.from_regex(r"[0-9a-f.:/ ]{1,20}", fullmatch=True)
_properties = st.builds(
    Property,
    value=st.none() | st.text() | st.booleans() | st.lists(st.text(), max_size=2),
    secret=st.booleans(),
) | st.just(Property(unknown=True))


@given(_networks)
def test_every_range_has_one_form_which_is_its_own(
    parts: tuple[IPv4Address | IPv6Address, int],
) -> None:
    address, prefix = parts
    text = f"{address}/{prefix}"
    if getattr(ip_network(text, strict=False).network_address, "ipv4_mapped", None) is not None:
        return
    normal = normal_cidr(text)
    assert normal_cidr(normal) == normal
    assert address in ip_network(normal)
    assert normal.endswith(f"/{prefix}")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("2001:DB8:0:0::7", "2001:db8::7/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_a_range_is_put_in_normal_form(text: str, normal: str) -> None:
    assert normal_cidr(text) == normal


@pytest.mark.parametrize(
    "text",
    [
        "", "reef", "192.0.2", "192.0.2.7/33", "192.0.2.0/255.255.255.0", "192.0.2.0/0.0.0.255",
        "192.0.2.07", "fe80::1%eth0", "192.0.2.7 ", "192.0.2.7/", "::ffff:192.0.2.7", "3232235521",
    ],
)  # fmt: skip
def test_what_is_not_a_range_is_refused_with_itself(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"not an (IPv4|address range)|IPv4 address in IPv6"
    ) as caught:
        normal_cidr(text)
    assert repr(text) in str(caught.value)


@given(_texts)
def test_any_text_is_either_a_range_or_refused_in_one_line(text: str) -> None:
    told = ""
    try:
        ip_network(normal_cidr(text))
    except ValueError as error:
        told = str(error)
    assert "\n" not in told


@given(st.dictionaries(st.sampled_from([*INPUTS, "colour"]), _properties))
def test_what_is_checked_passes_a_second_check_unchanged(given_: dict[str, Property]) -> None:
    inputs, failures = check(given_)
    if not failures:
        assert check(inputs) == (inputs, [])
        assert [c.name for c in changes(inputs, inputs)] == [
            name for name, each in inputs.items() if each.unknown
        ]
    for failure in failures:
        assert "\n" not in failure.reason
        value = given_.get(failure.name, Property())
        if value.secret and isinstance(value.value, str) and len(value.value) > 20:
            assert value.value not in failure.reason


@given(st.dictionaries(st.text(min_size=1).filter(lambda n: n[:2] != "__"), _properties))
def test_properties_survive_the_wire_as_the_sdk_reads_it(
    properties: dict[str, Property],
) -> None:
    struct = encode(properties)
    assert decode(struct) == {name: each for name, each in properties.items() if each.given}
    for name, value in rpc.deserialize_properties(struct, keep_unknowns=True).items():
        assert rpc.is_rpc_secret(value) == properties[name].secret
        plain = rpc.unwrap_rpc_secret(value)
        assert isinstance(plain, Unknown) == properties[name].unknown
        assert properties[name].unknown or plain == properties[name].value


def test_an_id_is_26_characters_of_which_the_last_has_three_bits() -> None:
    assert all(is_eid(new_eid()) for _ in range(100))
    assert not is_eid("a" * 25 + "b")
    assert split_resource_id(f"{NETWORK}/{NETWORK}") == (NETWORK, NETWORK)
    for text in (NETWORK, f"{NETWORK}/", f"{NETWORK}/{NETWORK}/{NETWORK}", "a/b"):
        with pytest.raises(ValueError, match="NETWORK_ID/RULE_ID"):
            split_resource_id(text)
