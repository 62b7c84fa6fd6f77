"""CoreDNS' configuration is read as CoreDNS reads it: keys, snippets, imports, what is refused."""

import pytest

from operations.preflight.corefile import CorefileError, Reading, has_variable, zone_of


def _keys(*files: str) -> list[tuple[str, ...]]:
    reading = Reading()
    return [block.keys for text in files for block in reading.read(text)]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        # Not repeated here: what test_corefile_live.py asks the real CoreDNS.
        ("a.example#comment b.example {\n}\n", [("a.example", "b.example")]),
        ('"a.\\"b\\c" {\n}', [('a."b\\c',)]),
        ("\ufeffa.example {\n}", [("a.example",)]),
        ("(zones) {\n  a.example:53 {\n  }\n}\nimport zones\n", [("a.example:53",)]),
        ("a.example\nerrors\nb.example\n", [("a.example",)]),
        ("a.example {\n}\nimport /etc/coredns/custom/*.server\n", [("a.example",)]),
        ("# nothing", []),
    ],
)
def test_the_keys_of_every_block_are_found(text: str, keys: list[tuple[str, ...]]) -> None:
    assert _keys(text) == keys


def test_a_snippet_of_the_first_file_may_be_imported_by_the_next() -> None:
    first = "(zones) {\n  a.example {\n  }\n}\n"
    assert _keys(first, "import zones\n") == [("a.example",)]


def test_what_is_imported_outside_every_block_is_told_from_what_a_block_imports() -> None:
    reading = Reading()
    reading.read(".:53 {\n  import custom/*.override\n}\nimport custom/*.server\n")
    assert reading.imports == ["custom/*.server"]


def test_the_arguments_of_a_directive_are_those_of_its_line_and_of_snippets() -> None:
    text = """(own) {
        kubernetes corp.example in-addr.arpa {
            pods insecure
        }
    }
    .:53 {
        errors
        kubernetes cluster.local ip6.arpa
        import own
        forward . kubernetes
    }"""
    (block,) = Reading().read(text)
    assert block.arguments("kubernetes") == [
        ("cluster.local", "ip6.arpa"),
        ("corp.example", "in-addr.arpa"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a.example {\n  errors\n",
        "a.example,",
        "a.example, {\n}",
        "import\na.example {\n}",
        "(a) {\n}\n(a) {\n}",
        "(a) {\n  import a\n}\nimport a\n",
    ],
)
def test_what_coredns_would_not_read_is_said(text: str) -> None:
    with pytest.raises(CorefileError):
        Reading().read(text)


@pytest.mark.parametrize(
    ("key", "zone"),
    [
        ("DB.Example.org", "db.example.org."),
        ("db.example.org.", "db.example.org."),
        ("db.example.org:53", "db.example.org."),
        ("dns://db.example.org:53", "db.example.org."),
        ("db.example.org:5353", None),
        ("tls://db.example.org", None),
        ("https://db.example.org:53", None),
        (".", "."),
        (".:53", "."),
        ("10.0.0.0/8", "10.0.0.0/8."),
    ],
)
def test_a_key_is_the_zone_that_it_answers_on_port_53(key: str, zone: str | None) -> None:
    assert zone_of(key) == zone


def test_a_variable_is_told_from_braces() -> None:
    assert has_variable("{$ZONE}:53")
    assert has_variable("a.{%ZONE%}")
    assert not has_variable("a.example")
