"""`$(VAR)` is expanded by Kubernetes' own rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.lab.simulated_devices.expansion import expand

_NAMES = st.from_regex(r"[A-Z_]{1,8}", fullmatch=True)
_PLAIN = st.text(st.characters(exclude_characters="$"))


@given(_PLAIN, st.dictionaries(_NAMES, st.text()))
def test_text_without_a_dollar_stays_as_it_is(text: str, defined: dict[str, str]) -> None:
    assert expand(text, defined) == text


@given(_PLAIN, _NAMES, st.text(), _PLAIN)
def test_a_defined_variable_is_replaced_once_and_its_value_is_not_expanded(
    before: str, name: str, value: str, after: str
) -> None:
    assert expand(f"{before}$({name}){after}", {name: value}) == f"{before}{value}{after}"


@given(_PLAIN, _NAMES)
def test_an_undefined_variable_stays_literal(before: str, name: str) -> None:
    assert expand(f"{before}$({name})", {}) == f"{before}$({name})"


@given(st.text(), st.dictionaries(_NAMES, st.text()))
def test_every_dollar_can_be_escaped(text: str, defined: dict[str, str]) -> None:
    assert expand(text.replace("$", "$$"), defined) == text


@pytest.mark.parametrize(
    ("text", "expanded"),
    [("$$(A)", "$(A)"), ("$$$(A)", "$a"), ("$(A", "$(A"), ("$A", "$A"), ("$", "$"), ("$()", "$()")],
)
def test_edges_are_as_in_kubernetes(text: str, expanded: str) -> None:
    assert expand(text, {"A": "a"}) == expanded
