"""What the API server will refuse of the workloads that it has, told before it does."""

import io
import json
from datetime import date

import pytest

from policies.commands import main
from policies.exceptions import DatedException, Enforcer, Exceptions
from policies.refused import refusals

_TODAY = date(2026, 11, 21)
_AGENT = {
    "kind": "DaemonSet",
    "metadata": {"namespace": "monitoring", "name": "agent"},
    "spec": {
        "template": {
            "spec": {
                "nodeSelector": {"disk": "ssd"},
                "containers": [{"name": "main", "image": "docker.io/library/agent:1.0.0"}],
                "volumes": [{"name": "root", "hostPath": {"path": "/"}}],
            }
        }
    },
}


def _except(enforcer: Enforcer) -> Exceptions:
    entry = DatedException(
        "host-path", "DaemonSet monitoring/agent", "its figures", _TODAY, frozenset({enforcer})
    )
    return Exceptions((entry,), Enforcer.CLUSTER, _TODAY)


def test_an_exception_counts_where_it_is_one_for_the_cluster() -> None:
    assert list(refusals([_AGENT], _except(Enforcer.CLUSTER))) == []
    assert list(refusals([_AGENT], _except(Enforcer.SCAN))) != []


def test_it_reads_the_servers_objects_and_prints_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps([_AGENT])))
    assert main(["refused"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == [{"rule": "host-path", "resource": "DaemonSet monitoring/agent", "pods": True}]


@pytest.mark.parametrize(
    ("text", "said"), [("{", "is no JSON: "), ("{}", "is no JSON list of workloads")]
)
def test_what_is_no_list_is_one_line_and_exit_code_two(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert main(["refused"]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1
