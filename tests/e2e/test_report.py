"""`make report` on a deployed stack, and on one whose cluster does not answer."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.delivery.checkout import REPOSITORY, said
from tests.e2e.fleet import Fleet

pytestmark = pytest.mark.e2e

_NAMESPACE = "/api/v1/namespaces/oceanid-egress"


def test_the_report_shows_gates_addresses_and_no_secret(deployed: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    result = deployed.delivery("report", "--out", str(file))
    assert result.returncode == 0, said(result)
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
    secrets = deployed.get(f"{_NAMESPACE}/secrets")["items"]
    values = [
        base64.b64decode(value).decode(errors="replace")
        for secret in secrets
        for value in secret.get("data", {}).values()
    ]
    assert any(value.startswith("tskey-client-") for value in values)
    assert [value[:8] for value in values if len(value) > 16 and value in text] == []
    assert "ciphertext" not in text
    assert "violation:" not in text


def test_a_cluster_that_does_not_answer_is_not_seen_and_the_rest_is_there(
    deployed: Fleet, tmp_path: Path
) -> None:
    kubeconfig = yaml.safe_load(deployed.home.kubeconfig.read_text())
    kubeconfig["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    away = tmp_path / "kubeconfig"
    away.write_text(yaml.safe_dump(kubeconfig))
    file = tmp_path / "report.html"
    result = subprocess.run(
        [sys.executable, "-m", "report", "--stack", "dev", "--out", str(file)],
        cwd=REPOSITORY,
        env={**deployed.environment, "KUBECONFIG": str(away)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, said(result)
    assert "the cluster was not seen" in result.stdout
    text = file.read_text(encoding="utf-8")
    assert "The cluster was not seen" in text
    assert "wave canary: gate not seen" in text
    assert "exit node tethys" in text


def test_a_stack_there_is_not_is_one_line(deployed: Fleet, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "report", "--stack", "triton", "--out", str(tmp_path / "a.html")],
        cwd=REPOSITORY,
        env=deployed.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "a.html").exists()
