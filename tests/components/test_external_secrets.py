"""What the program registers for the synced secrets, and what it says of them."""

import subprocess
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.secrets.operator_chart import values
from workshop.testing.recording import CRDS, Recording, World, configured, record_stack

_CUSTOM = "kubernetes:external-secrets.io/v1"
_RBAC = "kubernetes:rbac.authorization.k8s.io/v1"

_SERVED = {"ExternalSecret", "SecretStore", "GeneratorState"}
_SECRET = "apps/labelstudio-s3-credentials"
_TOKEN = "apps/pulumi-api-token"


def _settings(**changes: Any) -> dict[str, Any]:
    return {**configured("externalSecrets"), "crds": str(CRDS), **changes}


def _record(world: World | None = None, **changes: Any) -> Recording:
    return record_stack("dev", world, externalSecrets=_settings(**changes))


def test_only_the_kinds_that_are_served_are_installed() -> None:
    recording = _record()
    installed = recording.of_type("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition")
    assert {each["spec"]["names"]["kind"] for each in installed} == _SERVED


def test_the_operator_sees_no_other_namespace_when_one_is_served() -> None:
    recording = _record()
    assert recording.named("secrets-operator-sync-apps")["metadata"]["namespace"] == "apps"
    chart = recording.named("secrets-operator-chart")
    assert chart["values"]["scopedNamespace"] == "apps"
    cluster_roles = recording.of_type(f"{_RBAC}:ClusterRole")
    assert not any("secrets" in rule["resources"] for r in cluster_roles for rule in r["rules"])


def test_kinds_of_the_whole_cluster_come_when_asked_for() -> None:
    recording = _record(clusterKinds=True)
    chart = recording.named("secrets-operator-chart")
    assert chart["values"]["processClusterStore"] is True
    assert chart["values"]["scopedNamespace"] == ""
    assert "namespace" not in recording.named("secrets-operator-sync")["metadata"]


def test_nothing_of_the_webhook_is_made_without_it() -> None:
    names = {each.name for each in _record(webhook=False).resources}
    assert "secrets-operator-certify" not in names
    assert "secrets-operator-fence-external-secrets-webhook" not in names
    assert "secrets-operator-fence-external-secrets" in names


_CHARTS = "https://charts.external-secrets.io"
_REGISTRY = "oci://ghcr.io/external-secrets/charts"


@pytest.mark.parametrize(
    ("source", "chart", "index"),
    [
        ({"path": "charts/eso"}, "charts/eso", None),
        ({"repository": _CHARTS, "version": "2.9.0"}, "external-secrets", {"repo": _CHARTS}),
        # With an index Helm would look for one in the registry.
        ({"repository": _REGISTRY, "version": "2.9.0"}, f"{_REGISTRY}/external-secrets", None),
    ],
)
def test_a_chart_is_named_as_helm_takes_it_and_waits_for_no_resource(
    source: dict[str, str], chart: str, index: dict[str, str] | None
) -> None:
    made = _record(chart=source).named("secrets-operator-chart")
    assert (made["chart"], made.get("version")) == (chart, source.get("version"))
    assert made.get("repositoryOpts") == index
    assert "__output" not in str(made)


def test_an_interval_is_deployed_as_it_was_given() -> None:
    secrets = [{**each, "refreshInterval": "1m0s"} for each in _settings()["secrets"]]
    deployed = _record(secrets=secrets).of_type(f"{_CUSTOM}:ExternalSecret")
    assert {each["spec"]["refreshInterval"] for each in deployed} == {"1m0s"}


def test_workloads_restart_only_where_that_is_asked_for() -> None:
    (unasked,) = _record().of_type(f"{_CUSTOM}:ExternalSecret")
    assert "template" not in unasked["spec"]["target"]
    asked = [{**_settings()["secrets"][0], "restartWorkloads": True}]
    (secret,) = _record(secrets=asked).of_type(f"{_CUSTOM}:ExternalSecret")
    template = secret["spec"]["target"]["template"]
    assert template == {"metadata": {"annotations": {"reloader.stakater.com/match": "true"}}}


def test_a_missing_token_ends_the_program_before_the_operator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ESC_ACCESS_TOKEN", raising=False)
    with pytest.raises(pulumi.RunError, match=r"set ESC_ACCESS_TOKEN, or keep it with: pulumi"):
        record_stack("dev", escAccessToken=None)


def test_the_operator_asks_where_pods_reach_pulumi_esc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESC_API_URL", "http://127.0.0.1:8082/api/esc/")
    assert _asked() == "http://127.0.0.1:8082/api/esc"
    monkeypatch.setenv("ESC_API_URL_IN_CLUSTER", "https://pulumi.example.com/api/esc/")
    assert _asked() == "https://pulumi.example.com/api/esc"


def _asked() -> str:
    """The address that the store names."""
    (store,) = _record().of_type(f"{_CUSTOM}:SecretStore")
    return str(store["spec"]["provider"]["pulumi"]["apiUrl"])


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("Owner", "all its keys are replaced by those of the settings (creationPolicy: Owner;"),
        ("Orphan", "all its keys are replaced by those of the settings (creationPolicy: Orphan;"),
        ("Merge", "its keys AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY are written over"),
    ],
)
def test_a_secret_made_by_hand_is_named_with_what_becomes_of_it(
    policy: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = [{**_settings()["secrets"][0], "creationPolicy": policy}]
    _record(World(existing={_SECRET: {}}), secrets=secrets)
    (line,) = [line for line in caplog.messages if "made manually" in line]
    assert line.startswith(f"Secret {_SECRET} was made manually: {said}")


def test_a_token_made_by_hand_is_named_though_nothing_is_synced_yet(
    caplog: pytest.LogCaptureFixture,
) -> None:
    _record(World(existing={_TOKEN: {}}), secrets=[])
    (line,) = [line for line in caplog.messages if "made manually" in line]
    assert line == (
        f"Secret {_TOKEN} was made manually: its key token is written over, and a destroy "
        "removes it"
    )


def test_a_namespace_made_by_hand_is_named_where_the_stack_would_make_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(existing={"apps": {"kubernetes.io/metadata.name": "apps"}})
    _record(world)
    (line,) = [line for line in caplog.messages if "made manually" in line]
    assert line.startswith(
        "Namespace apps was made manually: it is taken over and enforces Pod Sec"
    )
    caplog.clear()
    _record(world, stores=[{**_settings()["stores"][0], "createNamespace": False}])
    assert "made manually" not in caplog.text


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        ("401 Unauthorized", "its token is not valid: oceanid secrets rotate with a new one"),
        ("404 Not Found", "correct the path, or the store's organization, project and"),
        (
            'cannot find secret data for key: "token"',
            "something else has changed the token's Secret: oceanid refresh, then update again",
        ),
        ("no answer", "docs/runbooks/esc-token.md has the steps"),
    ],
)
def test_a_secret_that_cannot_be_read_fails_the_update_with_a_remedy(
    why: str, remedy: str, caplog: pytest.LogCaptureFixture
) -> None:
    problem = {"secret": _SECRET, "key": "AWS_ACCESS_KEY_ID", "path": "a.b", "why": why}
    with pytest.raises(SystemExit):
        _record(World(unread=[problem]))
    (line,) = _errors(caplog)
    assert line.startswith(
        f"secret {_SECRET}, key AWS_ACCESS_KEY_ID (path a.b) is not synced: {why}: {remedy}"
    )


def test_secrets_that_nobody_can_ask_about_fail_the_update(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = subprocess.CompletedProcess((), 1, "", "Traceback:\nno cluster\n")
    monkeypatch.setattr(Recording, "run", lambda *_: broken)
    with pytest.raises(SystemExit):
        _record()
    (line,) = _errors(caplog)
    assert line.startswith("the synced secrets cannot be checked: no cluster: docs/runbooks/")


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.message for each in caplog.records if each.levelname == "ERROR"]


def test_two_secrets_whose_namespaces_and_names_join_to_one_text_are_two_resources() -> None:
    store, secret = _settings()["stores"][0], _settings()["secrets"][0]
    places = {"apps": "staging-db", "apps-staging": "db"}
    recording = _record(
        stores=[{**store, "name": each, "namespace": each} for each in places],
        secrets=[{**secret, "store": store, "name": name} for store, name in places.items()],
    )
    secrets = [each for each in recording.resources if each.typ == f"{_CUSTOM}:ExternalSecret"]
    assert {each.name: each.inputs["metadata"]["namespace"] for each in secrets} == {
        "secrets-apps-staging-db": "apps",
        "secrets-apps-staging/db": "apps-staging",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "cannot be read"), ("[1, 2]", "not a bundle"), ("a: [", "not a bundle")],
)
def test_a_bundle_that_is_none_is_named_with_what_to_do(
    text: str | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "bundle.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(pulumi.RunError, match=rf"crds = {path}: {said}.*bundle.yaml"):
        _record(crds=str(path))


def test_a_bundle_of_another_release_is_refused_by_the_kind_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "bundle.yaml"
    path.write_text(CRDS.read_text().replace("kind: GeneratorState}", "kind: Other}"))
    with pytest.raises(
        pulumi.RunError, match=r"it lacks GeneratorState: name the bundle.yaml of the chart"
    ):
        _record(crds=str(path))


def test_two_of_each_part_that_serves_may_not_be_away_at_once() -> None:
    chart = values(only_namespace="apps", cluster_kinds=False, webhook=True, tolerations=[])
    for part in (chart, chart["webhook"]):
        assert part["replicaCount"] == 2
        assert part["podDisruptionBudget"] == {"enabled": True, "minAvailable": 1}
    # A budget on the only pod of a part would keep its node from ever being drained.
    assert "podDisruptionBudget" not in chart["certController"]
