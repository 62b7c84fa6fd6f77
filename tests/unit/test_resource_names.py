"""Two free parts make a resource's name that no other two make, and existing stacks keep theirs."""

import pulumi
from hypothesis import given
from hypothesis import strategies as st

from components.cluster.resource_names import in_namespaces

_label = st.from_regex(r"[ab]([-ab]{0,3}[ab])?", fullmatch=True)
_name = st.from_regex(r"[ab]([-.ab]{0,3}[ab])?", fullmatch=True)


@given(st.sets(st.tuples(_label, _name), max_size=8))
def test_no_two_places_have_one_name_or_one_alias(places: set[tuple[str, str]]) -> None:
    names = in_namespaces("secrets", places)
    claimed = [name for name, _ in names.values()]
    claimed += [str(alias.name) for _, aliases in names.values() for alias in aliases]
    assert len(claimed) == len(set(claimed))


@given(_label, _name)
def test_a_name_depends_on_nothing_but_its_own_place(namespace: str, name: str) -> None:
    place = (namespace, name)
    others = {("a", "b"), ("a-b", "a"), ("b", "b-a")}
    alone, among = in_namespaces("s", [place]), in_namespaces("s", [place, *(others - {place})])
    assert alone[place][0] == among[place][0]


def test_a_namespace_with_a_hyphen_is_an_alias_of_what_it_was() -> None:
    (named,) = in_namespaces("secrets", [("apps-staging", "db")]).values()
    name, (alias,) = named
    assert name == "secrets-apps-staging/db"
    assert isinstance(alias, pulumi.Alias)
    assert alias.name == "secrets-apps-staging-db"


def test_a_namespace_without_a_hyphen_keeps_its_name() -> None:
    names = in_namespaces("secrets", [("apps", "labelstudio-s3-credentials")])
    assert list(names.values()) == [("secrets-apps-labelstudio-s3-credentials", [])]
