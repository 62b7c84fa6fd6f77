"""An API server that does not answer ends a command with one line, and never empties the state."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pulumi
import pulumi_command
import pytest

from components.cluster.preflight import require_fit
from operations.cli.app import main as oceanid
from operations.delivery import events, reachable, shell
from operations.delivery import run as engine_run
from operations.errors import OperationError, RequestError
from operations.kubernetes import client
from tests.kubernetes_api import Response, asking, kubeconfig, refusal
from tests.unit.far_side import Handler, closing, serving, silent

_REPOSITORY = Path(__file__).resolve().parents[2]
# From the provider [4.25.0], as the engine prints it.
_ADVICE = (
    "    error: failed to read resource state due to unreachable cluster. If the cluster was "
    "deleted, you can remove this resource from Pulumi state by rerunning the operation with the "
    'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"\n'
)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_SECONDS_TO_ANSWER", 1)
    for name in ("TAILSCALE_API_KEY", "TAILSCALE_OAUTH_CLIENT_SECRET", "CRUNCHY_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def _kubeconfig(folder: Path, server: str) -> str:
    return kubeconfig(folder, {"server": f"https://{server}", "insecure-skip-tls-verify": True})


@pytest.mark.parametrize("way", [silent, closing, "127.0.0.1:1", "api.oceanid.invalid:6443"])
def test_a_command_says_so_in_one_line_before_the_engine_starts(
    way: Handler | str, tmp_path: Path
) -> None:
    with nullcontext(way) if isinstance(way, str) else serving(way) as server:
        path = _kubeconfig(tmp_path, server)
        with pytest.raises(
            OperationError, match=r"the API server of prod does not answer: "
        ) as end:
            reachable.require_answer("prod", {"PATH": "/usr/bin:/bin", "KUBECONFIG": path})
    assert len(str(end.value).splitlines()) == 1
    assert str(end.value).endswith("nothing has been changed")


@pytest.mark.parametrize("command", ["preview", "up", "refresh", "destroy", "drift"])
def test_every_command_that_reaches_the_cluster_asks_first(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    values = {
        "KUBECONFIG": _kubeconfig(tmp_path, "127.0.0.1:1"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "passphrase"),
        "CRUNCHYBRIDGE_BASE_URL": "http://127.0.0.1:1",
        "ESC_API_URL": "http://127.0.0.1:1/api/esc",
        "TAILSCALE_BASE_URL": "http://127.0.0.1:1",
    }
    (tmp_path / "env").write_text("".join(f"{k}={v}\n" for k, v in values.items()))
    for name in shell.of_families(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.setenv("OCEANID_LAB", str(tmp_path))
    with pytest.raises(SystemExit) as end:
        oceanid([command, "--stack", "dev"])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("oceanid: the API server of dev does not answer: ")
    assert "run `oceanid lab up`" in line


@pytest.mark.parametrize("stop", [True, False])
def test_the_program_goes_no_further_whatever_the_settings_say(
    stop: bool,  # noqa: FBT001  a parameter of the test
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finding = {"check": "cluster", "where": "API server", "what": "it does not answer"}
    result = {**finding, "remedy": "check KUBECONFIG", "verdict": "fail"}
    told: dict[str, object] = {
        "answered": False,
        "groups": None,
        "unnamed": None,
        "unfit": {},
        "apiServers": None,
        "uids": {},
        "results": [result],
    }
    answer = SimpleNamespace(stdout=json.dumps(told))
    monkeypatch.setattr(pulumi_command.local, "run", lambda **_: answer)
    # Not even a rollback: no operation would come to an end.
    monkeypatch.setenv("OCEANID_ROLLBACK", "1")
    with pytest.raises(pulumi.RunError, match=r"it does not answer.*\nnothing has been changed"):
        require_fit("{}", stop=stop)


def test_a_question_is_given_up_whatever_holds_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_SECONDS_TO_ANSWER", 0.2)
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sleep",
        "args": ["600"],
    }
    path = kubeconfig(tmp_path, {"server": "https://127.0.0.1:1"}, exec=plugin)
    asked = client.KubernetesClient(
        context="oceanid-prod", environment={**os.environ, "KUBECONFIG": path}
    )
    with asked, pytest.raises(RequestError, match=r"within 0\.2 s$"):
        asked.require_ready()


def _ready(folder: Path, response: Response) -> None:
    with asking(folder, lambda _: response) as (asked, _):
        asked.require_ready()


def test_an_api_server_that_is_ready_is_ready(tmp_path: Path) -> None:
    _ready(tmp_path, Response(body="ok"))
    _ready(tmp_path, refusal(403, "forbidden: User cannot get path /readyz"))
    with pytest.raises(RequestError, match=r"^500 readyz check failed$"):
        _ready(tmp_path, Response(status=500, body="[-]etcd failed\nreadyz check failed\n"))


def test_the_providers_advice_to_empty_the_state_is_replaced_by_a_warning() -> None:
    shown = reachable.without_advice(_ADVICE)
    assert "rerunning the operation" not in shown
    assert "unreachable cluster. The state stays as it is. Do NOT set " in shown
    assert shown.endswith("\n")
    event = {"diagnosticEvent": {"severity": "error", "message": _ADVICE}}
    assert "rerunning" not in events.parse([event]).errors[0]


@pytest.mark.parametrize("name", reachable._HARMFUL)
def test_a_variable_that_empties_the_state_is_refused(name: str) -> None:
    with pytest.raises(OperationError, match=f"{name} is set"):
        reachable.require_answer("prod", {name: "true"})


def test_a_run_without_a_terminal_shows_no_advice_and_keeps_its_streams(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ADVICE", _ADVICE)
    code = "import os, sys; print('done'); sys.stderr.write(os.environ['ADVICE']); sys.exit(3)"
    assert engine_run.run([sys.executable, "-c", code], dict(os.environ)) == 3
    out, err = capfd.readouterr()
    assert out == "done\n"
    assert "Do NOT set PULUMI_K8S_DELETE_UNREACHABLE" in err
    assert "rerunning" not in err


def test_the_engine_comes_to_its_end_though_nobody_reads_any_more(
    tmp_path: Path,
) -> None:
    engine = "import pathlib; print('x' * 10**6, flush=True); pathlib.Path('ended').touch()"
    code = (
        "import os, sys\n"
        "from operations.delivery import run\n"
        "from pathlib import Path\n"
        f"run.REPOSITORY = Path({str(tmp_path)!r})\n"
        f"run.run([sys.executable, '-c', {engine!r}], dict(os.environ))\n"
        "sys.stdout = None\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=_REPOSITORY, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.wait()
    assert (tmp_path / "ended").exists()
