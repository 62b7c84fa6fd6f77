"""Property paths read as Pulumi writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.lab.pulumi_esc.property_path import Step, parse


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", ["a"]),
        ("a.b", ["a", "b"]),
        ("a[0][12].b", ["a", 0, 12, "b"]),
        (
            'pulumiConfig["oceanid-cluster:aws.labelStudio.accessKeyId"]',
            ["pulumiConfig", "oceanid-cluster:aws.labelStudio.accessKeyId"],
        ),
        # A colon needs no quotes, a dot does: this is three steps, not a stack's setting.
        ("oceanid-cluster:aws.labelStudio.key", ["oceanid-cluster:aws", "labelStudio", "key"]),
        (r'["a \"b\" \\c"].d', [r'a "b" \c', "d"]),
    ],
)
def test_a_path_is_read(text: str, steps: list[Step]) -> None:
    assert parse(text) == steps


@pytest.mark.parametrize(
    "text", ["", ".a", "a.", "a..b", "a[", "a[x]", 'a["b]', "a[01]", 'a"b"', "a[0]b"]
)
def test_what_is_no_path_is_refused_with_the_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"empty|at character \d+: want"):
        parse(text)


@given(st.lists(st.one_of(st.text(min_size=1), st.integers(0, 10**6)), min_size=1))
def test_what_is_written_is_read_again(steps: list[Step]) -> None:
    assert parse("".join(map(_written, steps))) == steps


def _written(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    escaped = step.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'
