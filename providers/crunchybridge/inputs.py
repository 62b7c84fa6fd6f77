"""The inputs of a firewall rule: what is refused, what is put in order, and what a change means."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from providers.crunchybridge.property import Properties, Property
from providers.crunchybridge.rule import KINDS, is_eid, normal_cidr

NETWORK_ID, RULE, KIND, DESCRIPTION = "networkId", "rule", "kind", "description"
RULE_ID, TEAM_ID = "ruleId", "teamId"
INPUTS: Final = (NETWORK_ID, RULE, KIND, DESCRIPTION)
# A rule cannot change its network or kind: it is replaced.
REPLACING: Final = frozenset({NETWORK_ID, KIND})


@dataclass(frozen=True)
class Failure:
    name: str
    reason: str


@dataclass(frozen=True)
class Change:
    """How an input changes: from `before` to `after`, at least one of which is given.

    `replaces` says that the rule must be replaced for it.
    """

    name: str
    before: Property
    after: Property
    replaces: bool


def check(
    news: Mapping[str, Property], names: Sequence[str] = INPUTS
) -> tuple[Properties, list[Failure]]:
    """The inputs `names` in normal form, and what is wrong with them. Unknown ones pass."""
    failures = [
        Failure(name, f"{name!r} is not a property of this resource: it has {', '.join(names)}")
        for name in news
        if name not in names
    ]
    inputs: Properties = {}
    for name in names:
        given = news.get(name, Property())
        if given.value == "":
            given = given.with_value(None)
        if not given.given:
            if name == KIND:
                inputs[name] = Property(KINDS[0])
            elif name != DESCRIPTION:
                failures.append(Failure(name, f"{name!r} is required"))
            continue
        if not given.unknown:
            try:
                given = given.with_value(_normal(name, given.value))
            except ValueError as error:
                # What is secret stays so in an error too.
                reason = "the secret value is not valid" if given.secret else str(error)
                failures.append(Failure(name, f"{name!r}: {reason}"))
                continue
        inputs[name] = given
    return inputs, failures


def changes(
    state: Mapping[str, Property], news: Mapping[str, Property], ignored: Collection[str] = ()
) -> list[Change]:
    """What differs between a resource's state and its new inputs; unknown ones count as changed."""
    changed = []
    for name in INPUTS:
        before, after = state.get(name, Property()), news.get(name, Property())
        if name not in ignored and (after.unknown or _differs(name, before, after)):
            changed.append(Change(name, before, after, replaces=name in REPLACING))
    return changed


def _differs(name: str, before: Property, after: Property) -> bool:
    if before.secret != after.secret and before.given and after.given:
        return True
    return _comparable(name, before) != _comparable(name, after)


def _comparable(name: str, given: Property) -> object:
    try:
        return _normal(name, given.value) if given.given else None
    except ValueError:
        return given.value


def _normal(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {type(value).__name__}")  # noqa: TRY004 - one kind
    return _FORMS[name](value)


def _network_id(text: str) -> str:
    if not is_eid(text):
        raise ValueError(
            f"{text!r} is not an id of a network: `cb network list` shows it, 26 letters and digits"
        )
    return text


def _kind(text: str) -> str:
    if text not in KINDS:
        raise ValueError(f"{text!r} is not one of {', '.join(KINDS)}")
    return text


_FORMS: Mapping[str, Callable[[str], str]] = {
    NETWORK_ID: _network_id,
    RULE: normal_cidr,
    KIND: _kind,
    DESCRIPTION: str,
}
