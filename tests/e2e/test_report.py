"""`oceanid report` on a deployed stack, and on one whose cluster does not answer."""

import base64
from pathlib import Path

import pytest
import yaml

from workshop.lab.home import Home
from workshop.testing.checkout import passed
from workshop.testing.lab_fleet import NAMESPACE_PATH, Fleet

pytestmark = pytest.mark.e2e


def test_the_report_shows_gates_addresses_and_no_secret(deployed: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    passed(deployed.oceanid("report", "--out", str(file)))
    text = file.read_text(encoding="utf-8")
    address = deployed.outputs()["exitNodes"]["tethys"]["tailnetAddress"]
    for expected in (
        "wave canary: gate passed on 1 node",
        "wave fleet: gate passed on 2 nodes",
        "styx: simulated: node styx: all checks passed",
        f"in the tailnet {address}",
        "157.173.210.123/32",
        "0 violations by ",
    ):
        assert expected in text
    secrets = deployed.get(f"{NAMESPACE_PATH}/secrets")["items"]
    values = [
        base64.b64decode(value).decode(errors="replace")
        for secret in secrets
        for value in secret.get("data", {}).values()
    ]
    assert any(value.startswith("tskey-client-") for value in values)
    assert [value[:8] for value in values if len(value) > 16 and value in text] == []
    assert "ciphertext" not in text
    assert "violation:" not in text


def test_an_unavailable_cluster_is_unknown_and_the_rest_is_there(
    deployed: Fleet, tmp_path: Path
) -> None:
    kubeconfig = yaml.safe_load(deployed.home.kubeconfig.read_text())
    kubeconfig["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    away = tmp_path / "kubeconfig"
    away.write_text(yaml.safe_dump(kubeconfig))
    # A lab of another folder, with the same state.
    variables = deployed.home.environment.read_text()
    (tmp_path / "env").write_text(variables.replace(str(deployed.home.kubeconfig), str(away)))
    file = tmp_path / "report.html"
    result = passed(Fleet(home=Home(path=tmp_path)).oceanid("report", "--out", str(file)))
    assert "the cluster is unavailable" in result.stdout
    text = file.read_text(encoding="utf-8")
    assert "The cluster is unavailable" in text
    assert "wave canary: gate unknown" in text
    assert "exit node tethys" in text
