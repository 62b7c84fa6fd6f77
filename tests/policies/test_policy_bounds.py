"""A small file cannot hold a scan up: what would take long is refused, or read in one pass."""

from pathlib import Path

import pytest

from policies import loader
from policies.exceptions import Exceptions
from policies.loader import NotYamlError, documents
from policies.result import Problem
from policies.scanner import Scanner

_POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: d}\nspec:\n  containers:\n"
_CONTAINER = (
    '  - &c\n    name: a\n    image: a:1.2.3\n    env:\n    - &e {name: A, value: "$(B)"}\n'
)


def pods(variables: int, containers: int) -> str:
    return _POD + _CONTAINER + "    - *e\n" * variables + "  - *c\n" * containers


def merges(keys: int, times: int) -> str:
    entries = ", ".join(f"k{number}: v" for number in range(keys))
    return f"a: &a {{{entries}}}\nb:\n" + "".join(
        f"  x{number}: {{<<: *a}}\n" for number in range(times)
    )


@pytest.mark.parametrize(
    "text",
    [
        pods(3000, 3000),
        pods(300, 300),
        merges(1000, 2000),
        f"a: &a {{k: v}}\nb: {{<<: [{'*a, ' * 500_000}]}}",
        "a0: &a0 {x: 1}\n"
        + "".join(f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: 1}}\n" for n in range(1, 2000)),
        "a: &a [x, x]\n"
        + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(24)
        ),
    ],
    ids=["pods", "fewer pods", "merges", "one merge of many", "merges of merges", "doubled lists"],
)
def test_what_aliases_multiply_is_refused_before_it_is_built(text: str) -> None:
    with pytest.raises(NotYamlError, match="many times as large"):
        list(documents(text.encode()))


def test_what_few_aliases_repeat_is_read() -> None:
    (document,) = documents(pods(2, 3).encode())
    assert isinstance(document, dict)
    assert [len(container["env"]) for container in document["spec"]["containers"]] == [3] * 4
    assert len(list(documents(merges(50, 50).encode()))) == 1


def test_the_bound_on_aliases_is_that_of_kubectl() -> None:
    # 99 of 100 below 400,000 nodes: allowedAliasRatio of go.yaml.in/yaml v2, decode.go.
    assert loader._FEW == 400_000
    assert len(list(documents(pods(0, 9000).encode()))) == 1


def test_many_variables_and_references_are_judged(tmp_path: Path) -> None:
    # Quadratic, this would take minutes: 3000 variables, each with a reference to the last one.
    env = "".join(f'    - {{name: A{n}, value: "$(A{n - 1})"}}\n' for n in range(1, 6000))
    words = "--exit-node=$(A5999) " * 6000
    text = f"{_POD}  - name: a\n    image: tailscale\n    args: ['{words}']\n    env:\n{env}"
    (tmp_path / "a.yaml").write_text(text)
    found = list(Scanner(Exceptions()).scan(str(tmp_path / "a.yaml")))
    assert {one.rule.name for one in found if not isinstance(one, Problem)} >= {
        "variable-reference",
        "run-as-non-root",
    }
