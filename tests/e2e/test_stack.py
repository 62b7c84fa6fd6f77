"""The stack on the lab: what `make up` gives, and that it stays as it is."""

import base64
import json
from pathlib import Path

import pytest

from tests.e2e.lab_fixture import replace_pod
from workshop.testing.checkout import REPOSITORY, failed, passed, said
from workshop.testing.lab_fleet import NAMESPACE_PATH, Fleet

pytestmark = pytest.mark.e2e

_EXIT_NODE = "oceanid-dev-exit-tethys"


def test_the_exit_node_runs_on_its_node_and_is_approved(deployed: Fleet) -> None:
    pod = deployed.get(f"{NAMESPACE_PATH}/pods/{_EXIT_NODE}-0")
    assert pod["spec"]["nodeName"] == "tethys"
    assert pod["status"]["phase"] == "Running"
    exit_node = deployed.outputs()["exitNodes"]["tethys"]
    assert exit_node["tailnetAddress"].startswith("100.")
    assert exit_node["egressAddress"] == "157.173.210.123"


@pytest.fixture(scope="module")
def second_up(deployed: Fleet) -> str:
    """What an update prints that must change nothing."""
    return said(passed(deployed.oceanid("up", "--expect-no-changes")))


def test_a_second_up_changes_nothing(second_up: str) -> None:
    assert " unchanged" in second_up
    assert " to update" not in second_up


def test_an_update_says_that_a_stand_in_is_in_use(second_up: str) -> None:
    assert "stand-in for the tailscale provider 0.29.2" in second_up


def test_no_rule_of_the_pack_fires_on_what_is_the_stacks_own(second_up: str) -> None:
    assert "oceanid@" in second_up
    assert "[mandatory]" not in second_up
    advice = [line for line in second_up.splitlines() if "[advisory]" in line]
    # The External Secrets Operator's chart of line 0.19 has no probes, and it needs all Secrets.
    assert all("secrets-operator" in line for line in advice), advice


def test_the_exit_node_keeps_its_tailnet_address_when_its_pod_is_replaced(deployed: Fleet) -> None:
    before = deployed.outputs()["exitNodes"]["tethys"]
    replace_pod(deployed, f"{NAMESPACE_PATH}/pods/{_EXIT_NODE}-0")
    passed(deployed.update("--expect-no-changes"))
    assert deployed.outputs()["exitNodes"]["tethys"] == before


def test_no_secret_stands_in_state_logs_outputs_or_arguments(deployed: Fleet) -> None:
    secrets = deployed.get(f"{NAMESPACE_PATH}/secrets")["items"]
    values = {
        base64.b64decode(value).decode()
        for secret in secrets
        for key, value in secret.get("data", {}).items()
        if key == "authkey" or key.startswith(("_", "profile"))
    }
    keys = {value.partition("?")[0] for value in values}
    keys |= {(deployed.home.path / "tailscale-api-key").read_text().strip()}
    keys |= {(deployed.home.path / "passphrase").read_text().strip()}
    assert any(key.startswith("tskey-client-") for key in keys)
    assert all(len(key) > 16 for key in keys)

    needles = [key.encode() for key in keys]
    seen = [said(deployed.oceanid("preview")).encode(), json.dumps(deployed.outputs()).encode()]
    folders = (deployed.home.path / "state", deployed.home.logs, deployed.home.path / "etcd")
    seen += (
        content for path, content in deployed.files() if any(map(path.is_relative_to, folders))
    )
    for arguments in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            seen.append(arguments.read_bytes())
        except OSError:
            continue  # the process has ended
    assert [key[:12] for key in needles if any(key in each for each in seen)] == []


def test_a_wrong_setting_stops_the_engine_with_one_line_before_any_resource(
    deployed: Fleet, tmp_path: Path
) -> None:
    text = (REPOSITORY / "Pulumi.dev.yaml").read_text()
    wrong = tmp_path / "Pulumi.dev.yaml"
    wrong.write_text(text.replace("node: tethys", "node: triton"))
    chosen = ("--stack", "dev", "--config-file", str(wrong))
    text = failed(deployed.engine(REPOSITORY, "preview", *chosen))
    assert 'oceanid-cluster:exitNodes[0].node = "triton": not one of the fleet\'s nodes: ' in text
    assert "Traceback" not in text
    assert "kubernetes:" not in text
