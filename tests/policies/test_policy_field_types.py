"""A value of a wrong type is a violation, in every field that a rule reads."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from policies.rules import all_rules, cross_resource_rules
from policies.rules._field_types import SHAPES, Shape
from policies.rules._model import Verdict, judge
from policies.rules._subject import Subject, subjects_of_manifest
from policies.rules.field_type import RULES
from tests.policies.test_policy_cross_resource import CASES
from workshop.testing.rule_cases import all_cases, filled, plain

(RULE,) = RULES
Where = tuple[str | int, ...]
# Names that are looked at as text whatever they are, or that the API server itself checks.
_READ_BY_NAME = {"apiVersion", "kind", "items"}
# Fields of other kinds, which these do not have: that they are not there is all that is read.
_OTHERS = {
    ("spec",),
    ("spec", "imagePullSecrets", "optional"),
    ("spec", "template", "spec", "imagePullSecrets", "optional"),
    ("spec", "metadata"),
    ("spec", "namespaceSelector"),
    ("spec", "template"),
    ("template",),
}
_GROUPS = {
    "Certificate": "cert-manager.io/v1",
    "Plan": "upgrade.cattle.io/v1",
    "SealedSecret": "bitnami.com/v1alpha1",
}


class Recorded(dict[object, object]):
    """A mapping that notes which fields are asked for, by their whole paths without positions."""

    def __init__(self, tree: Mapping[Any, Any], asked: set[Where], where: Where = ()) -> None:
        super().__init__(
            {key: recorded(value, asked, (*where, key)) for key, value in tree.items()}
        )
        self.asked, self.where = asked, where

    def get(self, key: object, default: object = None) -> Any:
        self.asked.add((*self.where, str(key)))
        return super().get(key, default)

    def __getitem__(self, key: object) -> object:
        self.asked.add((*self.where, str(key)))
        return super().__getitem__(key)


def recorded(tree: object, asked: set[Where], where: Where = ()) -> object:
    if isinstance(tree, dict):
        return Recorded(tree, asked, where)
    if isinstance(tree, list):
        return [recorded(entry, asked, where) for entry in tree]
    return tree


def held(tree: object) -> dict[Any, Any]:
    return dict(tree) if isinstance(tree, dict) else {}


def places(shape: Shape, where: Where = ()) -> Iterator[tuple[Where, Shape]]:
    """Every field of a shape, with what it must be; an entry of a list stands at position 0."""
    if where:
        yield where, shape
    if isinstance(shape, dict):
        for field, below in shape.items():
            yield from places(below, (*where, "a" if field == "*" else field))
    elif isinstance(shape, list):
        yield from places(shape[0], (*where, 0))


def held_at(where: Where, value: object) -> object:
    """A document with a value at a place, and nothing beside it."""
    for step in reversed(where):
        value = [value] if isinstance(step, int) else {step: value}
    return value


def wrong_for(shape: Shape) -> list[object]:
    given: list[object] = ["text", "true", 1.5, 7, True, [1], {"a": 1}]
    right: dict[object, list[object]] = {
        bool: [True],
        int: [7],
        str: ["text", "true"],
        frozenset({int, str}): ["text", "true", 7],
        frozenset({int, float, str}): ["text", "true", 1.5, 7],
    }
    if isinstance(shape, dict):
        return [value for value in given if not isinstance(value, dict)]
    if isinstance(shape, list):
        return [value for value in given if not isinstance(value, list)]
    return [value for value in given if not any(value is each for each in right[shape])]


@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_a_wrong_type_is_a_violation_at_every_field(kind: str) -> None:
    tried = 0
    for where, shape in places(SHAPES[kind]):
        for wrong in wrong_for(shape):
            document = held_at(where, wrong)
            assert isinstance(document, dict)
            body = {"kind": kind, **document}
            if kind in _GROUPS:
                body["apiVersion"] = _GROUPS[kind]
            (subject,) = subjects_of_manifest(body)
            found = [one.where for one in judge(RULE, subject).findings]
            assert len(found) == 1, (where, wrong)
            assert found[0] == where[: len(found[0])]
            tried += 1
    assert tried > 4


def _subjects() -> Iterator[Subject]:
    trees = [plain(case.tree)[0] for case in all_cases()]
    trees += [filled(body) for case in CASES for body in case.resources]
    for tree in trees:
        yield from subjects_of_manifest(tree)


def test_no_rule_reads_a_field_whose_type_is_not_known() -> None:
    unknown: set[tuple[str, Where]] = set()
    read = 0
    for original in _subjects():
        if not isinstance(original.kind, str) or original.kind not in SHAPES or original.foreign:
            continue
        asked: set[Where] = set()
        # With a version, so that its pods are not looked for in the places of other kinds.
        body = Recorded({"apiVersion": "v1", **held(original.body)}, asked)
        subject = Subject(body, original.kind)
        fired = frozenset(
            rule.name
            for rule in all_rules()
            if rule is not RULE and judge(rule, subject).verdict is Verdict.FIRES
        )
        for cross in cross_resource_rules():
            cross.observe(subject, fired)
        known = {
            tuple(step for step in where if isinstance(step, str))
            for where, _ in places(SHAPES[original.kind])
        }
        # The names in a mapping of labels or amounts may be any.
        free = {where[:-1] for where in known if where[-1] == "a"}
        for where in asked:
            read += 1
            named = where[0] in _READ_BY_NAME or where in known or where[:-1] in free
            if not named and where not in _OTHERS:
                unknown.add((original.kind, where))
    assert read > 1000
    assert not unknown, (
        f"give a type in policies/rules/_field_types.py: {sorted(map(str, unknown))}"
    )
