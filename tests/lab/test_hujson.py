"""HuJSON is JSON with comments and trailing commas."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.lab.tailscale_api import hujson

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
_FILLING = st.sampled_from(["", " ", "\n", '/* , ] } " */', '// , ] } "\n', "\t/**/"])


@given(_VALUES, st.data())
def test_comments_and_trailing_commas_do_not_change_the_value(
    value: Any, data: st.DataObject
) -> None:
    assert hujson.parse(_decorated(value, data)) == value


@given(st.text())
def test_any_text_is_parsed_or_refused_with_a_huJSON_error(text: str) -> None:  # noqa: N802
    try:
        hujson.parse(text)
    except hujson.HuJSONError:
        return


@pytest.mark.parametrize(
    "text", ["", "{", "[,]", "[1,,]", "{,}", '{"a":1 /* open', "[1] x", "NaN", "'a'", '{"a":,}']
)
def test_what_is_no_hujson_is_refused(text: str) -> None:
    with pytest.raises(hujson.HuJSONError):
        hujson.parse(text)


def test_an_error_names_the_line_and_column_of_the_original() -> None:
    with pytest.raises(hujson.HuJSONError, match="line 3, column 8"):
        hujson.parse('{\n  // fine\n  "a": nope\n}')


def _decorated(value: Any, data: st.DataObject) -> str:
    def fill() -> str:
        return str(data.draw(_FILLING))

    def comma(items: list[str]) -> str:
        wanted: bool = data.draw(st.booleans())
        return "," if items and wanted else ""

    if isinstance(value, list):
        items = [_decorated(item, data) for item in value]
        return f"{fill()}[{','.join(items)}{comma(items)}{fill()}]{fill()}"
    if isinstance(value, dict):
        items = [f"{fill()}{json.dumps(k)}{fill()}:{_decorated(v, data)}" for k, v in value.items()]
        return f"{fill()}{{{','.join(items)}{comma(items)}{fill()}}}{fill()}"
    return f"{fill()}{json.dumps(value)}{fill()}"
