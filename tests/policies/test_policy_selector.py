"""Label selectors: as Kubernetes matches them, and never surer than what is known."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.rules._model import UNKNOWN
from policies.rules._selector import is_empty, matches

_WORDS = st.sampled_from(["a", "b", "c"])
_LABELS = st.dictionaries(_WORDS, _WORDS)
_REQUIREMENTS = st.fixed_dictionaries(
    {
        "key": _WORDS,
        "operator": st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
        "values": st.lists(_WORDS, max_size=2),
    }
)
_SELECTORS = st.fixed_dictionaries(
    {}, optional={"matchLabels": _LABELS, "matchExpressions": st.lists(_REQUIREMENTS, max_size=2)}
)


@pytest.mark.parametrize(
    ("requirement", "matched"),
    [
        ({"key": "a", "operator": "In", "values": ["1", "2"]}, True),
        ({"key": "a", "operator": "In", "values": ["2"]}, False),
        ({"key": "b", "operator": "In", "values": ["1"]}, False),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, False),
        ({"key": "b", "operator": "NotIn", "values": ["1"]}, True),
        ({"key": "a", "operator": "Exists"}, True),
        ({"key": "b", "operator": "DoesNotExist"}, True),
        ({"key": "a", "operator": "Near", "values": ["1"]}, None),
    ],
)
def test_a_requirement_is_met_as_kubernetes_says(
    requirement: object,
    matched: bool | None,  # noqa: FBT001
) -> None:
    assert matches({"matchExpressions": [requirement]}, {"a": "1"}) is matched


@given(_SELECTORS, _LABELS)
def test_all_that_is_asked_must_be_met(selector: dict[str, Any], labels: dict[str, str]) -> None:
    equal: dict[str, str] = selector.get("matchLabels", {})
    parts: list[dict[str, Any]] = [{"matchLabels": {key: equal[key]}} for key in equal]
    parts += [{"matchExpressions": [each]} for each in selector.get("matchExpressions", [])]
    assert matches(selector, labels) is all(matches(part, labels) for part in parts)
    assert is_empty(selector) is (not parts)


@given(_SELECTORS, _LABELS, st.data())
def test_an_unknown_never_turns_an_answer_round(
    selector: dict[str, Any], labels: dict[str, Any], data: st.DataObject
) -> None:
    known = matches(selector, labels)
    holders = [labels, selector, selector.get("matchLabels", {})]
    holders += selector.get("matchExpressions", [])
    filled = [holder for holder in holders if holder]
    if filled:
        holder = data.draw(st.sampled_from(filled))
        holder[data.draw(st.sampled_from(sorted(holder)))] = UNKNOWN
    assert matches(selector, labels) in (known, None)
    assert matches(selector, UNKNOWN) in (known, None)
