"""The quick loader reads what PyYAML's own safe loader reads."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.loader import Loader
from tests.policies.rule_cases import HERE

FILES = sorted(HERE.rglob("*.yaml"))
_ATOMS = st.sampled_from(
    [
        *("a", "kind", "'a'", "0x1", "1", "1.5", ".inf", "~", "null", "yes", "'yes'", "2025-10-13"),
        *(
            "2025-10-13T15:19:00Z",
            "2025-13-45",
            "<<",
            "=",
            "!!str 1",
            "!!int x",
            "!!set {a}",
            "!x a",
        ),
        *(
            "&a",
            "*a",
            "&b",
            "*b",
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "-",
            "?",
            "\n",
            "\n  ",
            "---\n",
            " ",
        ),
        *('"\\x74"', "|", "# c", "!!binary aGk=", "!!omap [a: 1]", "012", "1:30", "+1", "_1"),
    ]
)


def read(text: str | bytes, loader: Any) -> tuple[str, str]:
    """Which documents, and how it ended: the type of the error, or nothing."""
    documents: list[object] = []
    try:
        documents.extend(yaml.load_all(text, Loader=loader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return shape(documents), type(error).__name__
    return shape(documents), ""


def shape(value: object) -> str:
    """Values, their types and what is one and the same object, also of what contains itself."""
    seen: dict[int, int] = {}
    parts: list[str] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, dict | list):
            parts.append(repr(each))
        elif id(each) in seen:
            parts.append(f"*{seen[id(each)]}")
        else:
            seen[id(each)] = len(seen)
            parts.append(f"{type(each).__name__} {len(each)}")
            waiting.extend(each)
            if isinstance(each, dict):
                waiting.extend(each.values())
    return " ".join(parts)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_fixture_is_read_alike(file: Path) -> None:
    assert read(file.read_bytes(), Loader) == read(file.read_bytes(), yaml.CSafeLoader)


@settings(deadline=None, max_examples=1500)
@given(st.lists(_ATOMS, max_size=14).map(" ".join))
def test_any_text_is_read_alike_but_for_keys_that_stand_twice(text: str) -> None:
    documents, error = read(text, Loader)
    if error == "ConstructorError":
        return  # PyYAML's own fault, or a key twice: which of the two does not matter
    assert (documents, error) == read(text, yaml.CSafeLoader)


@settings(deadline=None, max_examples=300)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text()
        | st.dates(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
        max_leaves=30,
    )
)
def test_whatever_pyyaml_writes_is_read_back(document: object) -> None:
    assert yaml.load(yaml.safe_dump(document), Loader=Loader) == document


def test_a_key_twice_is_refused_and_one_that_overrides_a_merge_is_not() -> None:
    assert read("a: 1\nb: 2\na: 3", Loader)[1] == "ConstructorError"
    assert read("{a: {x: 1, x: 1}}", Loader)[1] == "ConstructorError"
    assert read("b: &b {x: 1}\na: {<<: *b, x: 2}", Loader)[1] == ""


def test_nesting_as_deep_as_the_parser_takes_is_read() -> None:
    text = "[" * 600 + "]" * 600
    assert read(text, Loader) == read(text, yaml.CSafeLoader)
    assert read(text, Loader)[1] == ""
