"""What counts as a lab: every outside service is on this machine, whatever the stack's name."""

from pathlib import Path

import pytest
import yaml

from operations.delivery import stack_turn
from operations.delivery.environment import REPOSITORY
from operations.delivery.lab_only import not_of_a_lab
from operations.errors import OperationError
from tests.lab_variables import lab_variables

_SERVICES = ("TAILSCALE_BASE_URL", "CRUNCHYBRIDGE_BASE_URL", "KUBECONFIG")


def test_a_lab_has_all_its_services_on_this_machine(tmp_path: Path) -> None:
    assert not_of_a_lab(lab_variables(tmp_path)) is None


@pytest.mark.parametrize("name", _SERVICES)
def test_a_service_with_its_own_address_is_not_a_labs(tmp_path: Path, name: str) -> None:
    variables = lab_variables(tmp_path)
    del variables[name]
    assert not_of_a_lab(variables) == f"{name} is not set"
    assert not_of_a_lab({**variables, name: ""}) == f"{name} is not set"


@pytest.mark.parametrize("name", _SERVICES[:-1])
@pytest.mark.parametrize(
    "url",
    [
        "https://api.tailscale.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://example.com/127.0.0.1",
        "127.0.0.1:80",
        "http://[::1",
    ],
)
def test_an_address_elsewhere_is_not_a_labs(tmp_path: Path, name: str, url: str) -> None:
    why = not_of_a_lab({**lab_variables(tmp_path), name: url})
    assert why == f"{name} does not lead to this machine"


def test_one_cluster_elsewhere_makes_it_no_lab(tmp_path: Path) -> None:
    variables = lab_variables(tmp_path)
    fleet = tmp_path / "fleet"
    server = {"name": "fleet", "cluster": {"server": "https://157.173.210.123:6443"}}
    fleet.write_text(yaml.safe_dump({"clusters": [server]}))
    variables["KUBECONFIG"] += f":{fleet}"
    assert not_of_a_lab(variables) == "KUBECONFIG names a cluster that is not on this machine"


@pytest.mark.parametrize("text", ["", "clusters: 1", "clusters: [{name: a}]", "clusters: [", "\0"])
def test_a_kubeconfig_that_cannot_be_read_is_not_a_labs(tmp_path: Path, text: str) -> None:
    variables = lab_variables(tmp_path)
    Path(variables["KUBECONFIG"]).write_text(text)
    assert not_of_a_lab(variables) == "KUBECONFIG names a file that is not a kubeconfig"
    Path(variables["KUBECONFIG"]).write_text("clusters: []")
    assert not_of_a_lab(variables) == "KUBECONFIG names no cluster"
    Path(variables["KUBECONFIG"]).unlink()
    assert not_of_a_lab(variables) == "KUBECONFIG names a file that is not a kubeconfig"


@pytest.fixture
def _built(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine in use is the one built here; the shell says nothing of any service."""
    built = str(REPOSITORY / ".toolchain" / "bin" / "pulumi")
    monkeypatch.setattr(stack_turn, "engine", lambda _stack: built)
    for name in (*_SERVICES, "OCEANID_KUBECONFIG", "PULUMI_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)


_CALLS_PROVIDERS = "preview,up,refresh,destroy,plan,promote,rollback,drift,secrets rotate,env"
_CALLS_NONE = (
    "outputs,init,unlock,report,preflight,state export,state versions,state restore,firewall import"
)


@pytest.mark.usefixtures("_built")
@pytest.mark.parametrize("command", _CALLS_PROVIDERS.split(","))
def test_a_command_that_calls_providers_is_refused_on_a_real_fleet(command: str) -> None:
    with pytest.raises(OperationError) as refused:
        stack_turn.refuse_stand_ins(command, "prod")
    line = str(refused.value)
    assert "\n" not in line
    assert line.startswith("stack prod: the engine in use was built here")
    assert "TAILSCALE_BASE_URL is not set. Nothing has been changed. Install the official" in line


@pytest.mark.usefixtures("_built")
@pytest.mark.parametrize("command", _CALLS_NONE.split(","))
def test_a_command_that_calls_no_provider_is_not_refused(command: str) -> None:
    stack_turn.refuse_stand_ins(command, "prod")


@pytest.mark.usefixtures("_built")
def test_a_rehearsal_whose_services_are_all_a_labs_is_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in lab_variables(tmp_path).items():
        monkeypatch.setenv(name, value)
    stack_turn.refuse_stand_ins("up", "prod")


@pytest.mark.usefixtures("_built")
def test_the_labs_own_stack_is_not_refused() -> None:
    stack_turn.refuse_stand_ins("up", "dev")


@pytest.mark.usefixtures("_built")
def test_an_official_engine_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_turn, "engine", lambda _stack: "pulumi")
    stack_turn.refuse_stand_ins("up", "prod")
