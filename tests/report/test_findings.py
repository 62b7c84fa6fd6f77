"""What the gates' pods have said, as the program asks for it: by the Jobs of this very update."""

import json
import os
from pathlib import Path

import pytest

from operations.report import findings
from tests.kubernetes_api import Request, Response, api_server, objects, refusal
from tests.report.sample import pod

_ARGUMENTS = ["--context", "oceanid-lab", "--namespace", "oceanid-egress"]
_SAID = "node styx: all 9 checks passed: egress-address saw 157.173.210.123 in 34 ms"


def _findings(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    response: Response,
) -> dict[str, str]:
    asked = []

    def answer(request: Request) -> Response:
        asked.append(request.path)
        return response

    with api_server(answer) as cluster:
        monkeypatch.setitem(os.environ, "KUBECONFIG", cluster.kubeconfig(tmp_path))
        assert findings.main([*_ARGUMENTS, "styx=new", "a=b=other"]) == 0
    assert asked == ["/api/v1/namespaces/oceanid-egress/pods"]
    found: dict[str, str] = json.loads(capsys.readouterr().out)
    return found


def test_a_node_has_the_message_of_its_own_jobs_pod_and_of_no_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pods = objects(pod("old", "styx", "simulated: node styx: …"), pod("new", "styx", _SAID))
    found = _findings(tmp_path, monkeypatch, capsys, pods)
    assert found == {"styx": _SAID, "a=b": "unavailable: the gate's pod is gone"}


def test_a_cluster_that_refuses_fails_no_update_and_passes_for_no_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _findings(tmp_path, monkeypatch, capsys, refusal(403, "pods is forbidden"))
    assert found["styx"].startswith("unavailable: ")
    assert "pods is forbidden" in found["styx"]
