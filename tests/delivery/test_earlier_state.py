"""A rollback past the component `Egress` gives the older program the state that it knows."""

import json
from pathlib import Path
from typing import Any

import pytest

from operations.delivery import earlier_state
from operations.delivery.earlier_state import without_egress
from operations.errors import OperationError

_STACK = "urn:pulumi:prod::oceanid-cluster::pulumi:pulumi:Stack::oceanid-cluster-prod"
_TOP = "urn:pulumi:prod::oceanid-cluster::"
_EGRESS = f"{_TOP}oceanid:index:Egress::egress"


def _state(prefix: str, parent: str, *components: dict[str, Any]) -> dict[str, Any]:
    node = f"{_TOP}{prefix}oceanid:index:ExitNode::exit"
    return {
        "version": 3,
        "deployment": {
            "resources": [
                {"urn": _STACK, "type": "pulumi:pulumi:Stack"},
                *components,
                {"urn": node, "type": "oceanid:index:ExitNode", "parent": parent},
                {
                    "urn": f"{_TOP}{prefix}oceanid:index:ExitNode$kubernetes:core/v1:Secret::state",
                    "type": "kubernetes:core/v1:Secret",
                    "parent": node,
                    "inputs": {"note": "oceanid:index:Egress"},
                    "dependencies": [node],
                },
            ]
        },
    }


_NEW = _state(
    "oceanid:index:Egress$",
    _EGRESS,
    {"urn": _EGRESS, "type": "oceanid:index:Egress", "parent": _STACK},
)
_OLD = _state("", _STACK)


class _Engine:
    """In the engine's place: a state that is exported and imported."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.imports = 0

    def run(self, arguments: list[str], _environment: dict[str, str]) -> str:
        assert arguments[2:4] == ["--stack", "prod"]
        if arguments[:2] == ["stack", "import"]:
            self.imports += 1
            self.state = json.loads(Path(arguments[-1]).read_text())
        return json.dumps(self.state)


def test_children_become_the_stacks_own_and_nothing_else_changes() -> None:
    assert without_egress(_NEW) == _OLD
    assert without_egress(_OLD) == _OLD


def test_a_state_with_two_of_the_component_is_refused() -> None:
    other = {"urn": f"{_EGRESS}-2", "type": "oceanid:index:Egress"}
    two = _state("", _EGRESS, {"urn": _EGRESS, "type": "oceanid:index:Egress"}, other)
    with pytest.raises(OperationError, match="2 resources of type oceanid:index:Egress"):
        without_egress(two)


@pytest.mark.parametrize(
    ("program", "before", "after", "imports"),
    [
        pytest.param(None, _NEW, _OLD, 1, id="an older program"),
        pytest.param(None, _OLD, _OLD, 0, id="an older program and an older state"),
        pytest.param("components/egress/egress.py", _NEW, _NEW, 0, id="a newer program"),
    ],
)
def test_the_state_is_written_anew_for_an_older_program_only(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str | None,
    before: dict[str, Any],
    after: dict[str, Any],
    imports: int,
) -> None:
    if program is not None:
        (tmp_path / program).parent.mkdir(parents=True)
        (tmp_path / program).touch()
    engine = _Engine(before)
    monkeypatch.setattr(earlier_state, "run_pulumi", engine.run)
    earlier_state.restore("prod", tmp_path, {})
    assert (engine.state, engine.imports) == (after, imports)
