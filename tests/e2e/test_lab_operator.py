"""The lab runs the real External Secrets Operator, as its chart's pods say."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.operator_lab import ACCESS_KEY_ID, NAMESPACE, SECRET_ACCESS_KEY, OperatorLab, deploy
from tests.monitoring.metrics import asked_for, exported, value
from workshop.lab import processes
from workshop.lab.external_secrets.runner import pod_processes
from workshop.testing.checkout import passed
from workshop.testing.lab_fleet import running_lab
from workshop.testing.waiting import until

pytestmark = pytest.mark.e2e

_SECRET = "labelstudio-s3-credentials"
_PARTS = ("external-secrets", "external-secrets-cert-controller", "external-secrets-webhook")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorLab]:
    """A lab of this file's own, with the store and the ExternalSecret of the operators."""
    with running_lab(tmp_path_factory.mktemp("lab")) as fleet:
        one = deploy(fleet, tmp_path_factory.mktemp("operator"))
        one.keep_token()
        one.store().raise_for_status()
        one.external_secret(
            _SECRET,
            AWS_ACCESS_KEY_ID=f'pulumiConfig["{ACCESS_KEY_ID}"]',
            AWS_SECRET_ACCESS_KEY=f'pulumiConfig["{SECRET_ACCESS_KEY}"]',
        ).raise_for_status()
        yield one


def _names(lab: OperatorLab) -> list[str]:
    return [name.rpartition("-")[0] for name in pod_processes(lab.fleet.home)]


def _name(lab: OperatorLab, part: str) -> str:
    """The part's one process."""
    wanted = f"{NAMESPACE}.{part}"
    (name,) = [n for n in pod_processes(lab.fleet.home) if n.rpartition("-")[0] == wanted]
    return name


def test_every_deployment_of_the_chart_is_one_real_process(lab: OperatorLab) -> None:
    assert sorted(_names(lab)) == [f"{NAMESPACE}.{part}" for part in _PARTS]
    status = lab.fleet.lab("status").stdout
    assert all(f"{_name(lab, part)} pid " in status for part in _PARTS)
    # Two replicas stand for one process.
    assert status.count("Running 1/1 ready") == 4


@pytest.mark.parametrize("part", _PARTS)
def test_a_process_has_the_rights_of_its_pods_and_no_others(lab: OperatorLab, part: str) -> None:
    folder = lab.fleet.home.pods / _name(lab, part)
    kubeconfig = yaml.safe_load((folder / "kubeconfig").read_text())
    token = (folder / "token").read_text()
    with (
        lab.fleet.api() as administrator,
        httpx.Client(
            base_url=kubeconfig["clusters"][0]["cluster"]["server"], verify=False, trust_env=False
        ) as api,
    ):
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
        found = administrator.post(
            "/apis/authentication.k8s.io/v1/tokenreviews",
            json={**review, "spec": {"token": token}},
        ).json()["status"]["user"]
        assert found["username"] == f"system:serviceaccount:{NAMESPACE}:{part}"
        refused = api.get("/api/v1/nodes", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == httpx.codes.FORBIDDEN
    assert list(kubeconfig["users"][0]["user"]) == ["tokenFile"]
    assert {path.stat().st_mode & 0o077 for path in folder.rglob("*") if path.is_dir()} <= {0}
    assert folder.parent.stat().st_mode & 0o077 == 0


def test_the_operators_secret_is_synced_and_follows_a_change(lab: OperatorLab) -> None:
    until(lambda: lab.condition(_SECRET) == ("True", "SecretSynced"))
    assert lab.secret(_SECRET) == {
        "AWS_ACCESS_KEY_ID": lab.values()[ACCESS_KEY_ID]["fn::secret"],
        "AWS_SECRET_ACCESS_KEY": lab.values()[SECRET_ACCESS_KEY]["fn::secret"],
    }
    before = lab.secret(_SECRET)
    changed = "made-" + os.urandom(8).hex()
    lab.change(ACCESS_KEY_ID, changed)
    until(lambda: lab.secret(_SECRET)["AWS_ACCESS_KEY_ID"] == changed)
    assert lab.secret(_SECRET) == {**before, "AWS_ACCESS_KEY_ID": changed}


def test_a_path_that_leads_nowhere_is_named_while_the_store_is_ready(lab: OperatorLab) -> None:
    lab.external_secret("wrong-path", KEY='pulumiConfig["oceanid-cluster:nope"]').raise_for_status()
    until(lambda: lab.condition("wrong-path") == ("False", "SecretSyncedError"))
    until(lambda: "oceanid-cluster:nope" in lab.events("wrong-path"))
    assert lab.secret("wrong-path") == {}


def test_the_operator_exports_every_metric_that_an_alert_asks_for(lab: OperatorLab) -> None:
    lab.external_secret("unread", KEY='pulumiConfig["oceanid-cluster:nope"]').raise_for_status()
    pid = processes.find(lab.fleet.home, _name(lab, "external-secrets"))
    arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    (address,) = [each.partition("=")[2] for each in arguments if "--metrics-addr=" in each]

    def text() -> str:
        return httpx.get(f"http://{address}/metrics", trust_env=False).text

    # A counter is there from the first error on.
    until(lambda: value(text(), "externalsecret_sync_calls_error", name="unread"))
    assert asked_for("externalsecret_") <= exported(text())
    failed = {"name": "unread", "namespace": "apps", "condition": "Ready", "status": "False"}
    assert value(text(), "externalsecret_status_condition", **failed) == 1


def test_the_webhook_refuses_what_the_schema_lets_through(lab: OperatorLab) -> None:
    store = lab.store(organization="")
    assert store.status_code == httpx.codes.FORBIDDEN
    assert "organization is required" in store.json()["message"]
    empty = lab.external_secret("empty")
    assert empty.status_code == httpx.codes.FORBIDDEN
    assert "either data or dataFrom should be specified" in empty.json()["message"]
    assert lab.secret("external-secrets-webhook", NAMESPACE).keys() >= {"ca.crt", "tls.crt"}


def test_a_service_that_asks_to_wait_is_asked_again(lab: OperatorLab) -> None:
    # Not for a number of requests: those of the other ExternalSecrets and the store count too.
    fault = {"effect": "status", "status": 429, "retry_after": 1, "count": 1_000_000}
    lab.esc("POST", "/lab/faults", json=fault)
    try:
        until(lambda: "429" in lab.events(_SECRET))
        until(lambda: lab.condition(_SECRET) == ("False", "SecretSyncedError"))
    finally:
        lab.esc("DELETE", "/lab/faults")
    until(lambda: lab.condition(_SECRET) == ("True", "SecretSynced"))


def test_a_revoked_token_shows_in_the_condition_and_a_new_one_mends_it(lab: OperatorLab) -> None:
    before = lab.secret(_SECRET)
    (token,) = lab.esc("GET", "/lab/tokens").json()["tokens"]
    lab.esc("DELETE", f"/lab/tokens/{token['id']}")
    until(lambda: lab.condition(_SECRET) == ("False", "SecretSyncedError"))
    until(lambda: "401" in lab.events(_SECRET))
    assert lab.secret(_SECRET) == before
    lab.esc("POST", "/lab/tokens", json={})
    lab.keep_token()
    until(lambda: lab.condition(_SECRET) == ("True", "SecretSynced"))


def test_all_that_is_killed_comes_back_by_lab_up(lab: OperatorLab) -> None:
    names = ["cluster-network", "pulumi-esc", "external-secrets"]
    names += pod_processes(lab.fleet.home)
    for name in names:
        pid = processes.find(lab.fleet.home, name)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    passed(lab.fleet.lab("up"))
    # At once, because `up` has waited: the API server reaches the webhook.
    assert lab.store(organization="").status_code == httpx.codes.FORBIDDEN
    assert sorted(_names(lab)) == [f"{NAMESPACE}.{part}" for part in _PARTS]
    lab.change(ACCESS_KEY_ID, "after")
    until(lambda: lab.secret(_SECRET)["AWS_ACCESS_KEY_ID"] == "after")


def test_pods_that_are_all_replaced_are_a_new_process_with_a_new_token(lab: OperatorLab) -> None:
    name = _name(lab, "external-secrets-webhook")
    token = lab.fleet.home.pods / name / "token"
    before, pid = token.read_text(), processes.find(lab.fleet.home, name)
    with lab.fleet.api() as api:
        label = "app.kubernetes.io/name=external-secrets-webhook"
        pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
        api.delete(pods, params={"labelSelector": label}).raise_for_status()
    # The ReplicaSet, and with it the name, stays the same.
    until(lambda: processes.find(lab.fleet.home, name) not in (None, pid))
    until(lambda: lab.store(organization="").status_code == httpx.codes.FORBIDDEN)
    assert token.read_text() != before


def test_a_changed_template_is_a_new_process_and_the_old_one_ends(lab: OperatorLab) -> None:
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/external-secrets"
    before = _name(lab, "external-secrets")
    _add_argument(lab, path, "--concurrent=3")
    until(lambda: _is_available(lab, path) and before not in pod_processes(lab.fleet.home))
    pid = processes.find(lab.fleet.home, _name(lab, "external-secrets"))
    assert "--concurrent=3" in Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def _add_argument(lab: OperatorLab, path: str, argument: str) -> None:
    deployment = lab.fleet.get(path)
    deployment["spec"]["template"]["spec"]["containers"][0]["args"].append(argument)
    with lab.fleet.api() as api:
        api.put(path, json=deployment).raise_for_status()


def _is_available(lab: OperatorLab, path: str) -> bool:
    deployment: dict[str, Any] = lab.fleet.get(path)
    status, replicas = deployment["status"], deployment["spec"]["replicas"]
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    counts = {status.get(key) for key in ("replicas", "updatedReplicas", "readyReplicas")}
    return seen and counts == {replicas}


def test_a_program_that_ends_at_once_is_never_ready_and_the_old_one_goes_on(
    lab: OperatorLab,
) -> None:
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/external-secrets-webhook"
    before = _name(lab, "external-secrets-webhook")
    _add_argument(lab, path, "--no-such-flag")

    def reasons() -> str:
        pods = lab.fleet.get(f"/api/v1/namespaces/{NAMESPACE}/pods")["items"]
        return str([pod["status"].get("containerStatuses") for pod in pods])

    until(lambda: "CrashLoopBackOff" in reasons() and "unknown flag" in reasons())
    assert before in pod_processes(lab.fleet.home)
    assert lab.store(organization="").status_code == httpx.codes.FORBIDDEN


def test_no_value_and_no_token_is_in_any_log(lab: OperatorLab) -> None:
    values = [str(each["fn::secret"]) for each in lab.values().values()]
    home = lab.fleet.home
    tokens = [path.read_text().strip() for path in home.pods.rglob("token")]
    secrets = [*values, *tokens, lab.token()]
    secrets = [each for each in secrets if each != "after"]
    assert len(secrets) >= 4
    for log in lab.fleet.home.logs.iterdir():
        text = log.read_text(errors="replace")
        assert not [each for each in secrets if each in text], log.name


def test_a_deployment_that_goes_takes_its_process_and_private_files_along(
    lab: OperatorLab,
) -> None:
    with lab.fleet.api() as api:
        # One that runs, and one whose newest program does not.
        for name in ("external-secrets-cert-controller", "external-secrets-webhook"):
            path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
            api.delete(path).raise_for_status()
    until(lambda: _names(lab) == [f"{NAMESPACE}.external-secrets"])
    until(lambda: len(list(lab.fleet.home.pods.iterdir())) == 1)


def test_nothing_is_left_after_the_lab_is_down(lab: OperatorLab) -> None:
    # With its service gone, nobody but the lab itself knows of the operator's processes.
    service = processes.find(lab.fleet.home, "external-secrets")
    assert service is not None
    os.kill(service, signal.SIGKILL)
    assert pod_processes(lab.fleet.home)
    passed(lab.fleet.lab("down"))
    assert processes.running(lab.fleet.home) == []
