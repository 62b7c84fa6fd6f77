"""Label selectors, where labels and selectors may be unknown in part.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from collections.abc import Mapping
from typing import Any

from ._field import entries_of
from ._model import UNKNOWN, Unknown

Labels = Mapping[Any, Any]


def is_empty(selector: object) -> bool:
    """Whether it selects everything, as far as anything is said."""
    if not isinstance(selector, Mapping):
        return not isinstance(selector, Unknown)
    parts = [selector.get(field) for field in ("matchLabels", "matchExpressions")]
    return all(not isinstance(part, Unknown) and not part for part in parts)


def matches(selector: object, labels: Labels | Unknown) -> bool | None:
    """Whether labels meet a selector (``matchLabels``, ``matchExpressions``); None: not known."""
    if not isinstance(selector, Mapping):
        return None if isinstance(selector, Unknown) else True
    equal = selector.get("matchLabels")
    answers = [_equal(equal, labels)]
    for _, requirement in entries_of(selector.get("matchExpressions"), ()):
        answers.append(_meets(requirement, labels))
    return False if False in answers else None if None in answers else True


def _equal(wanted: object, labels: Labels | Unknown) -> bool | None:
    if isinstance(wanted, Unknown):
        return None
    if not isinstance(wanted, Mapping) or not wanted:
        return True
    if isinstance(labels, Unknown):
        return None
    held = [(labels.get(key), value) for key, value in wanted.items()]
    if any(has is not UNKNOWN and value is not UNKNOWN and has != value for has, value in held):
        return False
    return None if any(UNKNOWN in pair for pair in held) else True


def _meets(requirement: object, labels: Labels | Unknown) -> bool | None:
    if not isinstance(requirement, Mapping) or isinstance(labels, Unknown):
        return None
    key, operator = requirement.get("key"), requirement.get("operator")
    if not isinstance(key, str) or not isinstance(operator, str):
        return None
    if operator in {"Exists", "DoesNotExist"}:
        return (key in labels) is (operator == "Exists")
    values, held = requirement.get("values"), labels.get(key)
    if operator not in {"In", "NotIn"} or not isinstance(values, list):
        return None
    if held is UNKNOWN or UNKNOWN in values:
        return None
    return (key in labels and held in values) is (operator == "In")
