"""Property values cross the wire unchanged, and secrets stay marked."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.plugin.property_value import (
    UNKNOWN,
    Secret,
    decode,
    encode,
    has_secret,
    has_unknown,
    reveal,
)

_PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
_VALUES = st.recursive(
    _PLAIN | st.just(UNKNOWN),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.builds(Secret, inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), _VALUES))
def test_what_is_encoded_is_decoded_unchanged(properties: dict[str, Any]) -> None:
    assert decode(encode(properties)) == properties


@given(_VALUES)
def test_revealing_leaves_no_secret_and_no_unknown_gets_lost(value: Any) -> None:
    assert not has_secret(reveal(value))
    assert has_unknown(reveal(value)) == has_unknown(value)


@given(st.text(min_size=1), _VALUES)
def test_a_secret_is_never_printed(text: str, other: Any) -> None:
    value = {"a": [other, Secret({"b": [text]})]}
    assert repr(Secret(text)) == "Secret(…)"
    assert has_secret(value)
