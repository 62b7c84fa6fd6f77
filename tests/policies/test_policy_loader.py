"""The loader reads what kubectl reads, and refuses what kubectl refuses."""

import json
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.loader import LONGEST_TEXT, TWICE, NotYamlError, documents, nodes
from policies.manifests import Source, UnreadableError
from policies.manifests import documents as documents_of
from workshop.testing.checkout import kubectl

REFUSED = "kubectl refuses it"
# What kubectl v1.32.4 and v1.35.4 make of a value: label --local -o json, under the field v.
_AS_WRITTEN = (
    "a kind 2025-10-13 2025-10-13T15:19:00Z 2025-13-45 = 0x_ 1e999 ._5 .5e _1 0b 0o8 0x .e2 "
    "12:30:45 -- 0b102 true~"
)
_REFUSED = (
    *(".inf", ".NaN", "-", "-.inf", "!!null x", "!!int x", "!!binary x", "!!timestamp x"),
    *("{<<: a}", "*a", "{[a]: b}", "{~: b}"),
)
_NUMBERS = (
    "0x1=1 1=1 1.5=1.5 0o0=0 0777=511 08=8 1_000=1000 0b11=3 -0b11=-3 +0x1F=31 1e3=1000 .5=0.5 "
    "-.5=-0.5 +.5e-3=0.0005 0X1f=31 0O17=15 018=18 1e21=1e21 0_0=0 1_=1 -0=0 +1=1 1.=1 1.e2=100 "
    "00=0 -0o7=-7 -010=-8 1.0=1 1_0.5=10.5 1e+5=100000 +0o7=7 9007199254740993=9007199254740993 "
    "9223372036854775808=9223372036854775808.0 100000000000000000000000.0=1e23 "
    "123456789012345678901=1.2345678901234568e20 18446744073709551615=1.8446744073709552e19 "
    "-9223372036854775809=-9.223372036854776e18"
)
RECORDED: dict[str, object] = {
    **{text: text for text in _AS_WRITTEN.split()},
    **dict.fromkeys(_REFUSED, REFUSED),
    **{text: json.loads(number) for text, number in (each.split("=") for each in _NUMBERS.split())},
    **dict.fromkeys(("~", "null", "", "!!null ~"), None),
    **dict.fromkeys(("yes", "y", "on", "!!bool yes"), True),
    **dict.fromkeys(("N", "Off"), False),
    **dict.fromkeys(("!!int 5", "!!int '5'"), 5),
    "'a'": "a",
    "'yes'": "yes",
    '"0x1"': "0x1",
    "!!str 1": "1",
    "!x a": "a",
    "! 12": "12",
    "!!float 1": 1,
    "!!float 1.5": 1.5,
    "!!binary aGk=": "hi",
    "!!timestamp 2025-10-13": "2025-10-13",
    "|-\n    x": "x",
    '"\\u00e9\\x41"': "éA",
    "{a: 1, 2: b, yes: c, 1.5: d}": {"1.5": "d", "2": "b", "a": 1, "true": "c"},
    "{<<: {a: 1, b: 2}, a: 3}": {"a": 3, "b": 2},
    "{a: 3, <<: {a: 1, b: 2}}": {"a": 1, "b": 2},
    "{<<: [{a: 1}, {a: 2, b: 3}]}": {"a": 1, "b": 3},
    "[&a 1, &a 2, *a]": [1, 2, 2],
}
_HEAD = "apiVersion: v1\nkind: Foo\nmetadata: {name: d}\nspec:\n  v: "
_ATOMS = st.sampled_from(list(RECORDED))
_PIECES = st.sampled_from(
    [
        *("a", "b", "'a'", "1", "yes", "<<", "=", "&a", "*a", "&b", "*b", "{", "}", "[", "]", ":"),
        *(",", "-", "?", "#", "~", "!x", "y", "0o7", "|", "!!int", "\n    ", "\n    - "),
        *("\n    k: ", "\n    <<: ", ": ", ", "),
    ]
)
_TEXTS = _ATOMS | st.lists(_PIECES, min_size=1, max_size=14).map(" ".join)


def read(text: str) -> object:
    """The value of the field v, as the loader has it."""
    try:
        (document,) = documents(f"{_HEAD}{text}\n".encode())
    except NotYamlError as error:
        return error
    assert isinstance(document, dict)
    return document["spec"]["v"] if isinstance(document["spec"], dict) else document["spec"]


@pytest.mark.parametrize(("text", "value"), RECORDED.items(), ids=RECORDED)
def test_a_value_is_read_as_kubectl_reads_it(text: str, value: object) -> None:
    mine = read(text)
    if value is REFUSED:
        assert isinstance(mine, NotYamlError)
        assert (mine.line, mine.column) > (1, 1)
    else:
        assert mine == value
        assert isinstance(mine, bool) is isinstance(value, bool)


def _number(text: str) -> int | float:
    """As kubectl has it: what is past 64 bits is a float to it, which it prints without a point."""
    number = int(text)
    return number if -(2**63) <= number < 2**63 else float(text)


@pytest.mark.e2e
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(_TEXTS)
def test_kubectl_itself_reads_any_text_alike(text: str) -> None:
    asked = subprocess.run(
        [kubectl(), "label", "--local", "-f", "-", "a=b", "-o", "json", "--kubeconfig=/dev/null"],
        input=f"{_HEAD}{text}\n".encode(),
        capture_output=True,
        check=False,
    )
    mine, refused = [], None
    try:
        mine = list(documents(f"{_HEAD}{text}\n".encode()))
    except NotYamlError as error:
        refused = str(error)
    if refused is not None:
        assert asked.returncode != 0 or refused == TWICE, text
    elif asked.returncode == 0:
        assert isinstance(mine[0], dict)
        theirs = json.loads(asked.stdout, parse_int=_number)
        assert mine[0]["spec"] == theirs["spec"], text
    else:  # it reads the YAML, and refuses a document that is no object
        assert len(mine) != 1, text


_LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()


@settings(deadline=None, max_examples=300)
@given(
    st.recursive(
        _LEAVES | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=30,
    )
)
def test_whatever_is_written_as_json_is_read_back(document: object) -> None:
    text = json.dumps([document]).encode()
    assert list(documents_of(Source("a.json", b""), text)) == [[document]]


def test_a_key_twice_is_refused_and_one_that_overrides_a_merge_is_not() -> None:
    for text in ("a: 1\nb: 2\na: 3", "{a: {x: 1, x: 1}}", "{1: a, '1': b}"):
        with pytest.raises(NotYamlError, match="stands twice"):
            list(documents(text.encode()))
    assert list(documents(b"b: &b {x: 1}\na: {<<: *b, x: 2}")) == [{"b": {"x": 1}, "a": {"x": 2}}]


def test_nesting_as_deep_as_no_manifest_is_is_read_or_refused() -> None:
    assert len(list(documents(b"[" * 200 + b"]" * 200))) == 1
    with pytest.raises(NotYamlError):
        list(documents(b"[" * 200_000))
    with pytest.raises(NotYamlError, match="too deeply"):
        list(nodes(b"".join(b"%sa:\n" % (b" " * depth) for depth in range(5000))))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"kind": "Pod", "n": 1.5}', {"kind": "Pod", "n": 1.5}),
        # No JSON, but YAML, where these are texts.
        ('{"kind": "Pod", "n": NaN}', {"kind": "Pod", "n": "NaN"}),
        ('{"kind": "Pod", "n": yes, }', {"kind": "Pod", "n": True}),
    ],
)
def test_what_begins_like_json_is_read_as_json_or_yaml(text: str, value: object) -> None:
    assert list(documents_of(Source("a.json", b""), text.encode())) == [value]


@pytest.mark.parametrize("text", ['kind: Pod\nn: "%s"', '{"kind": "Pod", "n": "%s"}'])
def test_a_text_that_no_object_can_hold_is_refused(text: str) -> None:
    content = (text % ("x" * (LONGEST_TEXT + 1))).encode()
    with pytest.raises(UnreadableError, match="more than 2 MiB"):
        list(documents_of(Source("a", b""), content))
