"""A lab has the nodes it had, else those that were asked for, else what the machine can hold."""

from pathlib import Path

import pytest

from workshop.lab.home import Home, LabError
from workshop.lab.node_kind import NodeKind, choose, record, recorded

_REASON = "runc is not installed: apt-get install runc"


def _able() -> str | None:
    return None


def _unable() -> str | None:
    return _REASON


def test_a_new_lab_has_real_nodes_where_the_machine_can_hold_them(tmp_path: Path) -> None:
    assert choose(Home(path=tmp_path), None, _able) == (NodeKind.REAL, None)


def test_a_new_lab_has_simulated_nodes_elsewhere_and_says_why(tmp_path: Path) -> None:
    assert choose(Home(path=tmp_path), None, _unable) == (NodeKind.SIMULATED, _REASON)


def test_real_nodes_that_were_asked_for_are_refused_where_they_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=_REASON):
        choose(Home(path=tmp_path), NodeKind.REAL, _unable)


def test_simulated_nodes_are_given_where_real_ones_could_be(tmp_path: Path) -> None:
    assert choose(Home(path=tmp_path), NodeKind.SIMULATED, _able) == (NodeKind.SIMULATED, None)


@pytest.mark.parametrize("kind", list(NodeKind))
def test_a_lab_keeps_its_nodes(tmp_path: Path, kind: NodeKind) -> None:
    home = Home(path=tmp_path)
    record(home, kind)
    assert choose(home, None, _unable) == (kind, None)
    assert choose(home, kind, _unable) == (kind, None)
    (other,) = set(NodeKind) - {kind}
    with pytest.raises(LabError, match=f"nodes are {kind}: run `oceanid lab clean` for {other}"):
        choose(home, other, _able)


def test_a_lab_from_before_the_record_has_simulated_nodes(tmp_path: Path) -> None:
    (tmp_path / "etcd").mkdir()
    home = Home(path=tmp_path)
    assert choose(home, None, _able) == (NodeKind.SIMULATED, None)
    with pytest.raises(LabError, match="nodes are simulated"):
        choose(home, NodeKind.REAL, _able)


def test_a_lab_that_was_never_started_has_none(tmp_path: Path) -> None:
    assert recorded(Home(path=tmp_path)) is None
