"""Secrets synced by the stack: the real engine, operator and API server, Pulumi ESC stood in for.

The tests go through one fleet's life in their order.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.delivery.checkout import REPOSITORY, said
from tests.e2e.fleet import Fleet, running_lab
from tests.e2e.operator_lab import ACCESS_KEY_ID, SECRET_ACCESS_KEY, OperatorLab
from tests.waiting import until

pytestmark = pytest.mark.e2e

_SECRET = "labelstudio-s3-credentials"
_TOKEN = "pulumi-api-token"
_BY_HAND = {"AWS_ACCESS_KEY_ID": "typed", "NOTE": "by hand"}
_SECOND = {"name": "second", "namespace": "jobs"}
_CHART = REPOSITORY / ".toolchain" / "bin" / "external-secrets-chart"
_NAMESPACE = "/api/v1/namespaces/apps"
_ENFORCE = "pod-security.kubernetes.io/enforce"
_DEPLOYMENTS = "/apis/apps/v1/namespaces/external-secrets-system/deployments"


@dataclass(frozen=True, kw_only=True)
class _Stack:
    """The stack on a lab of its own, with settings that a test may change."""

    lab: OperatorLab
    settings: Path

    @property
    def fleet(self) -> Fleet:
        return self.lab.fleet

    def group(self) -> dict[str, Any]:
        """`externalSecrets` in the settings."""
        document = yaml.safe_load(self.settings.read_text())
        found: dict[str, Any] = document["config"]["oceanid-cluster:externalSecrets"]
        return found

    def change(self, **changes: Any) -> None:
        """Change `externalSecrets` in the settings; `path` is that of the first secret's keys."""
        document = yaml.safe_load(self.settings.read_text())
        group = document["config"]["oceanid-cluster:externalSecrets"]
        group["secrets"][0]["data"] |= changes.pop("data", {})
        group |= changes
        self.settings.write_text(yaml.safe_dump(document))

    def engine(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        chosen = ("--stack", "dev", "--config-file", str(self.settings))
        return self.fleet.engine(REPOSITORY, *arguments, *chosen)

    def up(self) -> subprocess.CompletedProcess[str]:
        return self.engine("up", "--yes", "--skip-preview", "--policy-pack", "policies")

    def ready(self) -> tuple[str, str]:
        return self.lab.condition(_SECRET)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Stack]:
    """A lab in which somebody has made secret, token and namespace, and nothing is deployed."""
    with running_lab(tmp_path_factory.mktemp("lab")) as fleet:
        # The lab's own copy of the settings, whose secrets it can decrypt.
        assert fleet.delivery("outputs").returncode == 0
        settings = tmp_path_factory.mktemp("settings") / "Pulumi.dev.yaml"
        text = (fleet.home.path / "project" / "Pulumi.dev.yaml").read_text()
        settings.write_text(text.replace("refreshInterval: 1m", "refreshInterval: 1s"))
        lab = OperatorLab(fleet=fleet, source="goldfish-inc/oceanid-cluster/dev")
        one = _Stack(lab=lab, settings=settings)
        one.change(syncSeconds=10)
        _made_by_hand(lab, _SECRET, _BY_HAND)
        _made_by_hand(lab, _TOKEN, {"token": "typed"})
        yield one


def _made_by_hand(lab: OperatorLab, name: str, values: dict[str, str]) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}}
    lab.apply("/api/v1/namespaces/apps", space).raise_for_status()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": values,
    }
    lab.apply(f"/api/v1/namespaces/apps/secrets/{name}", secret).raise_for_status()


def _synced(lab: OperatorLab) -> dict[str, str]:
    """What the Secret must hold by the environment's present values."""
    values = lab.values()
    return {
        "AWS_ACCESS_KEY_ID": values[ACCESS_KEY_ID]["fn::secret"],
        "AWS_SECRET_ACCESS_KEY": values[SECRET_ACCESS_KEY]["fn::secret"],
    }


def test_a_preview_names_the_secret_it_takes_over_and_changes_nothing(stack: _Stack) -> None:
    result = stack.engine("preview")
    assert result.returncode == 0, said(result)
    for warning in (
        f"Secret apps/{_SECRET} was made by hand: all its keys are replaced",
        f"Secret apps/{_TOKEN} was made by hand: its key token is written over",
        "Namespace apps was made by hand: it is taken over and enforces",
    ):
        assert warning in said(result)
    assert stack.lab.secret(_SECRET) == _BY_HAND
    assert stack.lab.secret(_TOKEN) == {"token": "typed"}
    assert _ENFORCE not in stack.fleet.get(_NAMESPACE)["metadata"]["labels"]


def test_one_up_deploys_the_operator_and_syncs_the_secret(stack: _Stack) -> None:
    preview = stack.engine("preview", "--json")
    planned = json.loads(preview.stdout)["changeSummary"]["create"]
    result = stack.up()
    assert result.returncode == 0, said(result)
    # Nothing was hidden from the preview, and so from the policies.
    assert f"+ {planned} created" in said(result)
    assert stack.lab.secret(_SECRET) == _synced(stack.lab)
    assert stack.lab.secret(_TOKEN) != {"token": "typed"}
    assert stack.fleet.get(_NAMESPACE)["metadata"]["labels"][_ENFORCE] == "restricted"
    assert stack.fleet.outputs()["syncedSecrets"] == [f"apps/{_SECRET}"]


def test_what_has_been_taken_over_is_not_told_again(stack: _Stack) -> None:
    result = stack.engine("preview", "--expect-no-changes")
    assert result.returncode == 0, said(result)
    assert "made by hand" not in said(result)


def test_a_new_value_arrives_without_an_update(stack: _Stack) -> None:
    stack.lab.change(SECRET_ACCESS_KEY, "another value of the same key")
    until(lambda: stack.lab.secret(_SECRET) == _synced(stack.lab))


def test_a_revoked_token_fails_the_update_and_the_secret_keeps_its_values(stack: _Stack) -> None:
    before = stack.lab.secret(_SECRET)
    for token in stack.lab.esc("GET", "/lab/tokens").json()["tokens"]:
        stack.lab.esc("DELETE", f"/lab/tokens/{token['id']}")
    until(lambda: stack.ready() == ("False", "SecretSyncedError"))
    result = stack.up()
    text = said(result)
    assert result.returncode != 0
    assert f"secret apps/{_SECRET}" in text
    assert "is not synced: 401 " in text, text
    assert "make rotate-token with a new one" in text
    assert stack.lab.secret(_SECRET) == before


def test_a_token_that_opens_nothing_is_refused_before_anything_changes(stack: _Stack) -> None:
    result = stack.fleet.delivery("rotate-token")
    text = said(result)
    assert result.returncode == 2
    assert "does not open what the stores name; nothing has been changed" in text
    assert "environment goldfish-inc/oceanid-cluster/dev: HTTP 401" in text


def test_a_wrong_path_fails_the_update_with_its_key_and_leaves_the_secret(stack: _Stack) -> None:
    stack.lab.esc("POST", "/lab/tokens", json={})
    assert stack.fleet.lab("up").returncode == 0
    right = f'pulumiConfig["{ACCESS_KEY_ID}"]'
    wrong = 'pulumiConfig["oceanid-cluster:aws.labelStudio.misspelled"]'
    stack.change(data={"AWS_ACCESS_KEY_ID": wrong})
    result = stack.up()
    text = said(result)
    assert result.returncode != 0
    assert f"secret apps/{_SECRET}, key AWS_ACCESS_KEY_ID (path {wrong}) is not synced: " in text
    assert "is not synced: 404 " in text
    assert "correct the path" in text
    assert "Traceback" not in text
    assert stack.lab.secret(_SECRET) == _synced(stack.lab)
    stack.change(data={"AWS_ACCESS_KEY_ID": right})
    mended = stack.up()
    assert mended.returncode == 0, said(mended)


def test_a_new_token_is_proven_by_every_secret(stack: _Stack) -> None:
    result = stack.fleet.delivery("rotate-token")
    assert result.returncode == 0, said(result)
    assert "every secret of dev has been read with the new token" in said(result)
    assert stack.ready() == ("True", "SecretSynced")


def test_with_two_namespaces_it_writes_in_both_and_may_only_look_at_others(stack: _Stack) -> None:
    stack.change(stores=[*stack.group()["stores"], {**stack.group()["stores"][0], **_SECOND}])
    secret = {**stack.group()["secrets"][0], "store": _SECOND["name"]}
    stack.change(secrets=[*stack.group()["secrets"], secret])
    result = stack.up()
    assert result.returncode == 0, said(result)
    assert stack.lab.secret(_SECRET) == _synced(stack.lab)
    assert stack.lab.secret(_SECRET, _SECOND["namespace"]) == _synced(stack.lab)
    rights = {
        (namespace, verb)
        for namespace in ("apps", _SECOND["namespace"], "kube-system")
        for verb in ("get", "list", "watch", "create", "update", "patch", "delete")
        if stack.lab.may(verb, "secrets", namespace)
    }
    served = {(namespace, verb) for namespace, verb in rights if namespace != "kube-system"}
    assert rights - served == {("kube-system", "list"), ("kube-system", "watch")}
    assert len(served) == 14


def test_another_version_of_the_chart_loses_no_secret(stack: _Stack, tmp_path: Path) -> None:
    chart = tmp_path / "external-secrets"
    shutil.copytree(_CHART, chart)
    description = yaml.safe_load((chart / "Chart.yaml").read_text())
    description |= {"version": "0.19.2", "appVersion": "v0.19.2"}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(description))
    (uid,) = [each["metadata"]["uid"] for each in _secrets(stack) if _is_ours(each)]
    stack.change(chart={"path": str(chart)})
    result = stack.up()
    assert result.returncode == 0, said(result)
    images = {
        container["image"].rpartition(":")[2]
        for deployment in stack.fleet.get(_DEPLOYMENTS)["items"]
        for container in deployment["spec"]["template"]["spec"]["containers"]
    }
    assert images == {"v0.19.2"}
    assert [each["metadata"]["uid"] for each in _secrets(stack) if _is_ours(each)] == [uid]
    assert stack.lab.secret(_SECRET) == _synced(stack.lab)


def test_no_value_and_no_token_stands_anywhere_but_where_it_belongs(stack: _Stack) -> None:
    home = stack.fleet.home.path
    token = (home / "pulumi-esc-key").read_text().strip()
    values = [value.encode() for value in (*stack.lab.secret(_SECRET).values(), token)]
    belongs = {home / "pulumi-esc.json", home / "pulumi-esc-key", home / "env"}
    texts = {
        "the preview": said(stack.engine("preview", "--diff")).encode(),
        "the outputs": json.dumps(stack.fleet.outputs()).encode(),
        "the events": json.dumps(stack.fleet.get("/api/v1/events")).encode(),
    }
    found = [where for where, text in texts.items() if any(value in text for value in values)]
    found += [
        str(path)
        for path, content in stack.fleet.files()
        if path not in belongs and any(value in content for value in values)
    ]
    assert found == []


def test_a_destroy_leaves_the_secrets_and_an_up_takes_them_over(stack: _Stack) -> None:
    before = stack.lab.secret(_SECRET)
    destroyed = stack.engine("destroy", "--yes", "--skip-preview")
    assert destroyed.returncode == 0, said(destroyed)
    assert stack.fleet.get(_DEPLOYMENTS)["items"] == []
    assert stack.lab.secret(_SECRET) == before
    (kept,) = [each["metadata"] for each in _secrets(stack) if _is_ours(each)]
    assert "ownerReferences" not in kept
    result = stack.up()
    assert result.returncode == 0, said(result)
    assert stack.lab.secret(_SECRET) == _synced(stack.lab)


def _secrets(stack: _Stack) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = stack.fleet.get("/api/v1/namespaces/apps/secrets")["items"]
    return items


def _is_ours(secret: dict[str, Any]) -> bool:
    return bool(secret["metadata"]["name"] == _SECRET)
