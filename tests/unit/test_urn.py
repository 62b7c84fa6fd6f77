"""A URN is taken apart the same way everywhere, whatever stands in a resource's name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.plugin.urn import Urn, parsed

_REPOSITORY = Path(__file__).resolve().parents[2]
_PROGRAMS = ("components", "operations", "policies", "providers", "settings", "workshop")
_HOME = _REPOSITORY / "providers" / "plugin" / "urn.py"

_word = st.from_regex(r"[A-Za-z0-9_.-]+", fullmatch=True)
_type = st.from_regex(r"[a-z]+:[a-z0-9./-]+:[A-Za-z]+", fullmatch=True)
# Pulumi lets a name hold anything, its own separator too.
_name = st.text(min_size=1) | st.from_regex(r"firewall-[0-9a-f:]{1,20}(/[0-9]{1,3})?")


@given(stack=_word, project=_word, parents=st.lists(_type, max_size=3), type_name=_type, name=_name)
def test_any_urn_gives_back_the_type_and_name_it_was_made_of(
    stack: str, project: str, parents: list[str], type_name: str, name: str
) -> None:
    qualified = "$".join([*parents, type_name])
    urn = f"urn:pulumi:{stack}::{project}::{qualified}::{name}"
    assert parsed(urn) == Urn(type=type_name, name=name)


@pytest.mark.parametrize("text", ["", "firewall-2001:db8:5::/64", "urn:pulumi:dev::reef::a:b:C"])
def test_what_is_not_a_urn_is_refused_with_itself(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a URN") as raised:
        parsed(text)
    assert repr(text) in str(raised.value)


def _separators(path: Path) -> Iterator[int]:
    """Lines on which a text is divided at `::`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and any(
            isinstance(argument, ast.Constant) and argument.value == "::" for argument in node.args
        ):
            yield node.lineno


def test_nothing_else_takes_a_urn_apart() -> None:
    files = [path for part in _PROGRAMS for path in (_REPOSITORY / part).rglob("*.py")]
    places = [
        f"{path.relative_to(_REPOSITORY)}:{line}"
        for path in files
        if path != _HOME
        for line in _separators(path)
    ]
    assert places == []
