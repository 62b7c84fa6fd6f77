"""What a command takes from the shell: a shell made for another project changes nothing."""

import pwd
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from operations.delivery import environment, shell
from operations.errors import OperationError

# What users of Pulumi, Kubernetes, AWS and Tailscale export for work of another kind.
_POLLUTION = {
    "PULUMI_BACKEND_URL": "file:///another/project",
    "PULUMI_ACCESS_TOKEN": "pul-another",
    "PULUMI_CONFIG_PASSPHRASE": "of another project",
    "PULUMI_CONFIG_PASSPHRASE_FILE": "/another/passphrase",
    "PULUMI_STACK": "another",
    "PULUMI_OPTION_CONFIG_FILE": "/another/Pulumi.yaml",
    "PULUMI_OPTION_TARGET": "urn:another",
    "PULUMI_K8S_DELETE_UNREACHABLE": "true",
    "PULUMI_GIT_HEAD": "another commit",
    "PULUMI_DEBUG_GRPC": "/another/log",
    "PULUMI_PYTHON_CMD": "/another/python",
    "KUBECONFIG": "/another/kubeconfig",
    "AWS_PROFILE": "another",
    "AWS_ENDPOINT_URL": "http://another",
    "TAILSCALE_API_KEY": "another",
    "TAILSCALE_TAILNET": "another",
    "TAILSCALE_OAUTH_CLIENT_ID": "another",
    "CRUNCHY_API_KEY": "another",
    "ESC_ACCESS_TOKEN": "another",
    "HELM_KUBECONTEXT": "another",
}
_LAB = {
    "PULUMI_BACKEND_URL": "file:///the/lab/state",
    "PULUMI_CONFIG_PASSPHRASE_FILE": "/the/lab/passphrase",
    "KUBECONFIG": "/the/lab/kubeconfig",
    "TAILSCALE_API_KEY": "the lab's",
    "CRUNCHY_API_KEY": "the lab's",
}


@pytest.fixture(autouse=True)
def _own(own_lab: Callable[[dict[str, str]], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab of this test, in a shell for other work."""
    own_lab(_LAB)
    for name, value in _POLLUTION.items():
        monkeypatch.setenv(name, value)


def _judged(given: dict[str, str]) -> dict[str, str]:
    return {name: given[name] for name in shell.of_families(given)}


def test_the_lab_is_the_lab_whatever_the_shell_exports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_HOME", "/another/home")
    monkeypatch.setenv("PULUMI_CREDENTIALS_PATH", "/another/home")
    given = _judged(environment.for_stack("dev"))
    ours = {"OCEANID_LAB", *environment.engine_variables()}
    assert {name: value for name, value in given.items() if name not in ours} == _LAB
    assert given["PULUMI_HOME"] == str(tmp_path / "toolchain" / "pulumi-home")
    real = environment.for_stack("prod")
    assert real["PULUMI_HOME"] == given["PULUMI_HOME"]
    assert "PULUMI_CREDENTIALS_PATH" not in real


def test_a_command_names_what_it_does_not_take_and_none_of_the_values() -> None:
    line = environment.not_taken("dev")
    assert line is not None
    for name in _POLLUTION:
        assert (name in line) is not name.startswith("AWS_")
    for value in ("pul-another", "of another project"):
        assert value not in line


def test_what_has_the_labs_own_value_is_not_worth_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _POLLUTION:
        monkeypatch.delenv(name)
    for name, value in _LAB.items():
        monkeypatch.setenv(name, value)
    assert environment.not_taken("dev") is None


def test_the_lab_in_a_backend_of_the_shell_keeps_its_own_passphrase_and_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCEANID_BACKEND", "from-environment")
    given = environment.for_stack("dev")
    assert given["PULUMI_BACKEND_URL"] == "file:///another/project"
    assert given["AWS_PROFILE"] == "another"
    assert given["PULUMI_CONFIG_PASSPHRASE_FILE"] == "/the/lab/passphrase"
    assert "PULUMI_CONFIG_PASSPHRASE" not in given
    assert given["KUBECONFIG"] == "/the/lab/kubeconfig"


def test_the_lab_in_a_backend_of_the_shell_that_names_none_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCEANID_BACKEND", "from-environment")
    monkeypatch.delenv("PULUMI_BACKEND_URL")
    monkeypatch.delenv("PULUMI_ACCESS_TOKEN")
    with pytest.raises(OperationError, match=r"^from-environment: PULUMI_BACKEND_URL is not set"):
        environment.for_stack("dev")


def test_another_choice_of_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCEANID_BACKEND", "environment")
    with pytest.raises(OperationError, match="one of lab, from-environment"):
        environment.for_stack("dev")


def test_a_real_stack_takes_its_credentials_from_the_shell_and_nothing_that_turns_the_engine() -> (
    None
):
    given = environment.for_stack("prod")
    for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "KUBECONFIG", "AWS_PROFILE"):
        assert given[name] == _POLLUTION[name]
    for name in (
        "PULUMI_STACK",
        "PULUMI_OPTION_CONFIG_FILE",
        "PULUMI_OPTION_TARGET",
        "PULUMI_K8S_DELETE_UNREACHABLE",
        "PULUMI_GIT_HEAD",
        "PULUMI_DEBUG_GRPC",
        "PULUMI_PYTHON_CMD",
        "HELM_KUBECONTEXT",
    ):
        assert name not in given


@pytest.mark.parametrize(
    "name",
    [
        # How the engine keeps state in a bucket (pulumi/pkg/backend/diy).
        "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS",
        # A chart's registry, and a tailnet joined by federated identity.
        "HELM_REGISTRY_CONFIG",
        "HELM_REPOSITORY_CONFIG",
        "TAILSCALE_AUDIENCE",
        "TAILSCALE_IDENTITY_TOKEN",
    ],
)
def test_a_real_stack_takes_what_its_state_charts_and_tailnet_need(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "the team's")
    assert environment.for_stack("prod")[name] == "the team's"


def test_a_real_stack_refuses_a_shell_that_is_set_up_for_the_lab(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in _LAB.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(OperationError, match=r"^stack prod: this shell is set up for the lab"):
        environment.for_stack("prod")


def test_an_official_engine_keeps_the_home_and_the_login_of_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toolchain" / "bin" / "pulumi").unlink()
    assert "PULUMI_HOME" not in environment.engine_variables()
    user = SimpleNamespace(pw_dir=str(tmp_path / "user"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: user)
    (tmp_path / "user" / ".pulumi").mkdir(parents=True)
    credentials = tmp_path / "user" / ".pulumi" / "credentials.json"
    credentials.write_text('{"current": "s3://by-login"}')
    monkeypatch.setenv("HOME", "/another")
    monkeypatch.delenv("PULUMI_BACKEND_URL")
    assert environment.for_stack("prod")["PULUMI_BACKEND_URL"] == "s3://by-login"
    named = tmp_path / "named"
    named.mkdir()
    (named / "credentials.json").write_text('{"current": "s3://in-a-home-of-its-own"}')
    monkeypatch.setenv("PULUMI_HOME", str(named))
    given = environment.for_stack("prod")
    assert given["PULUMI_HOME"] == str(named)
    assert given["PULUMI_BACKEND_URL"] == "s3://in-a-home-of-its-own"
