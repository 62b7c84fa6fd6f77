"""Which backend a command uses, and where a job's kubeconfig goes."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from operations.delivery import environment
from operations.errors import OperationError

_BUCKET = "s3://team-state?region=us-east-2"


@pytest.fixture(autouse=True)
def _own(own_lab: Callable[[dict[str, str]], None], monkeypatch: pytest.MonkeyPatch) -> None:
    own_lab({"PULUMI_BACKEND_URL": "file:///the/lab", "KUBECONFIG": "/the/lab/kubeconfig"})
    for name in ("OCEANID_KUBECONFIG", "OCEANID_BACKEND"):
        monkeypatch.delenv(name, raising=False)


def test_prod_names_every_credential_it_lacks_and_where_it_comes_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith(("PULUMI_", "TAILSCALE_"))]:
        monkeypatch.delenv(name)
    with pytest.raises(OperationError) as refused:
        environment.for_stack("prod")
    lines = str(refused.value).splitlines()
    assert lines[0] == "the stack prod needs these in the environment, and they are not set:"
    for name in ("KUBECONFIG", "PULUMI_BACKEND_URL", "TAILSCALE_OAUTH_CLIENT_SECRET"):
        assert any(line.startswith(f"  {name}") for line in lines)
    assert "Tailscale admin console" in str(refused.value)


def test_the_backend_of_login_holds_where_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "PULUMI_BACKEND_URL" not in environment.engine_environment()
    home = tmp_path / "toolchain" / "pulumi-home"
    home.mkdir()
    (home / "credentials.json").write_text(json.dumps({"current": _BUCKET}))
    assert environment.engine_environment()["PULUMI_BACKEND_URL"] == _BUCKET
    assert environment.for_stack("dev")["PULUMI_BACKEND_URL"] == "file:///the/lab"
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://another")
    assert environment.engine_environment()["PULUMI_BACKEND_URL"] == "s3://another"


def test_a_jobs_kubeconfig_goes_into_a_file_of_its_own_and_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCEANID_KUBECONFIG", "apiVersion: v1\n")
    given = environment.engine_environment()
    path = Path(given["KUBECONFIG"])
    assert path.read_text() == "apiVersion: v1\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "OCEANID_KUBECONFIG" not in given


def test_a_kubeconfig_that_is_named_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCEANID_KUBECONFIG", "apiVersion: v1\n")
    monkeypatch.setenv("KUBECONFIG", "/mine")
    assert environment.engine_environment()["KUBECONFIG"] == "/mine"
