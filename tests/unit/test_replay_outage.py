"""`oceanid lab replay-outage` says why it cannot run, and takes no other answer for a refusal."""

from pathlib import Path

import httpx
import pytest

from operations.cli.app import main
from workshop.lab.home import Home, LabError
from workshop.lab.node import requirement
from workshop.lab.outage.incident import Incident


class _Untouched(Incident):
    """An incident whose exit node nobody has started."""

    def device(self, hostname: str) -> None:
        assert hostname == "incident-tethys"


def _incident(folder: Path, status: int, message: str = "") -> Incident:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            kinds = [{"name": "namespaces", "kind": "Namespace", "namespaced": False}]
            return httpx.Response(200, json={"resources": kinds})
        is_namespace = request.method == "PATCH"
        return httpx.Response(200 if is_namespace else status, json={"message": message})

    kube = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://api")
    return _Untouched(home=Home(path=folder), kube=kube)


def test_it_takes_real_nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCEANID_LAB", str(tmp_path))
    monkeypatch.setattr(requirement, "missing", lambda: "runc is not installed")
    with pytest.raises(SystemExit) as end:
        main(["lab", "replay-outage"])
    assert end.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "lab: the outage takes real nodes: runc is not installed"


def test_a_refusal_is_the_api_servers_own_words(tmp_path: Path) -> None:
    assert _incident(tmp_path, 403, "it is forbidden").refusal("styx") == "it is forbidden"
    assert _incident(tmp_path, 201).refusal("styx") is None
    with pytest.raises(LabError, match="the API server says 500"):
        _incident(tmp_path, 500).refusal("styx")
