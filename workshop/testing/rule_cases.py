"""The cases of ``rules/*.yaml`` as values: read once, with a fresh fake key for every run."""

import base64
import random
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from pulumi_policy import proxy
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY

from policies.rules import all_rules
from policies.rules._model import UNKNOWN, Rule, Unknown
from policies.rules._model import Path as FieldPath
from policies.rules._subject import Subject, subjects_of_manifest, subjects_of_resource

# The cases and manifests themselves lie with the tests of the rules.
HERE = Path(__file__).resolve().parents[2] / "tests" / "policies"
GROUPS = ("fires", "passes", "lacks", "unknown")
FAKE_KEY = "tskey-" + "auth-" + "k" + secrets.token_hex(6) + "CNTRL-" + secrets.token_hex(16)
AWS_SECRET = "aA0+" + base64.b64encode(secrets.token_bytes(27)).decode()
# What stands for a key in the cases, made again for each run: none is ever written down.
FAKES = {
    "${KEY}": FAKE_KEY,
    "${BASE64_KEY}": base64.b64encode(FAKE_KEY.encode()).decode(),
    "${CRUNCHY}": "cb" + "key_" + secrets.token_hex(16),
    "${PULUMI}": "pul" + "-" + secrets.token_hex(20),
    "${AWS}": "AK" + "IA" + secrets.token_hex(8).upper(),
    "${AWS_SECRET}": AWS_SECRET,
    "${BASE64_AWS_SECRET}": base64.b64encode(AWS_SECRET.encode()).decode(),
    "${HEADSCALE}": "a0" + secrets.token_hex(23),
    "${PEM}": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + secrets.token_hex(8),
    "${URL}": "postgres" + "://app:" + secrets.token_hex(8) + "@db.example:5432",
    "${ENCODED_URL}": "postgres" + "://app:%40" + secrets.token_hex(8) + "@db.example:5432",
}
UNKNOWN_SENTINELS = tuple(
    value
    for name, value in sorted(vars(proxy).items())
    if name.startswith("UNKNOWN_") and isinstance(value, str)
)
_SECRET = "$secret"


@dataclass(frozen=True)
class Case:
    """One manifest and where its rule must answer."""

    rule: Rule
    group: str
    why: str
    paths: frozenset[str]
    token: str | None
    tree: dict[str, object]

    def subjects(self) -> list[Subject]:
        body, marks = plain(self.tree)
        if not isinstance(body, dict):
            raise TypeError(f"{self.rule.name}: {self.why}: a manifest is a mapping")
        if self.token is None:
            return list(subjects_of_manifest(body))
        return list(subjects_of_resource(self.token, body, frozenset(marks)))


def fixture_of(rule: Rule) -> Path:
    return HERE / "rules" / f"{rule.name}.yaml"


def all_cases() -> list[Case]:
    cases: list[Case] = []
    for rule in all_rules():
        if fixture_of(rule).exists():
            groups = yaml.safe_load(fixture_of(rule).read_text("utf-8"))
            for group in GROUPS:
                for case in groups.get(group, ()):
                    paths = frozenset(case.get("paths", ()))
                    tree = filled(case["manifest"])
                    assert isinstance(tree, dict)
                    token = case.get("token")
                    cases.append(Case(rule, group, case["why"], paths, token, tree))
    return cases


def filled(tree: object) -> object:
    """The tree with fakes for keys and UNKNOWN for what a preview does not know."""
    if isinstance(tree, dict):
        return {filled(key): filled(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [filled(value) for value in tree]
    if tree == "${UNKNOWN}":
        return UNKNOWN
    if isinstance(tree, str):
        for name, fake in FAKES.items():
            tree = tree.replace(name, fake)
    return tree


def plain(tree: object, where: FieldPath = ()) -> tuple[object, set[FieldPath]]:
    """The tree without its ``$secret`` marks, and the paths where they were."""
    if isinstance(tree, Mapping):
        if _SECRET in tree:
            value, marks = plain(tree[_SECRET], where)
            return value, {where, *marks}
        pairs = {key: plain(value, (*where, key)) for key, value in tree.items()}
        return {key: pair[0] for key, pair in pairs.items()}, _union(pairs.values())
    if isinstance(tree, list):
        entries = [plain(value, (*where, place)) for place, value in enumerate(tree)]
        return [entry[0] for entry in entries], _union(entries)
    return tree, set()


def _union(parts: Iterable[tuple[object, set[FieldPath]]]) -> set[FieldPath]:
    return {mark for _, marks in parts for mark in marks}


def encoded(tree: object, chance: random.Random) -> object:
    """The tree as the engine sends it: marks as signatures, any of the sentinels for UNKNOWN."""
    if isinstance(tree, Unknown):
        return chance.choice(UNKNOWN_SENTINELS)
    if isinstance(tree, Mapping):
        if _SECRET in tree:
            return {
                SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG,
                "value": encoded(tree[_SECRET], chance),
            }
        return {key: encoded(value, chance) for key, value in tree.items()}
    if isinstance(tree, list):
        return [encoded(value, chance) for value in tree]
    return tree


def struct_of(tree: object, seed: int = 0) -> Struct:
    """The tree as the protobuf message of a request."""
    struct = Struct()
    value = encoded(tree, random.Random(seed))
    assert isinstance(value, dict)
    json_format.ParseDict(value, struct)
    return struct
