"""Secrets synced by the stack: the operator in its pods on real nodes, Pulumi ESC stood in for.

The tests go through one fleet's life in their order.
"""

import json
import os
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.operator_lab import ACCESS_KEY_ID, SECRET_ACCESS_KEY, OperatorLab
from tests.e2e.synced_stack import SECRET, SyncedStack
from tests.monitoring.metrics import asked_for, exported, value
from workshop.lab.node_kind import NodeKind
from workshop.testing.checkout import failed, passed, said
from workshop.testing.lab_fleet import running_lab
from workshop.testing.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.network]

_TOKEN = "pulumi-api-token"
_NOTE = {"NOTE": "by hand"}
_BY_HAND = {"AWS_ACCESS_KEY_ID": "typed", **_NOTE}
_TOKEN_BY_HAND = {"token": "typed", **_NOTE}
_SECOND = {"name": "second", "namespace": "jobs"}
# Leaves the settings while no secret can be read.
_LEAVING = "leaving"
_EXTERNAL = "/apis/external-secrets.io/v1/namespaces/apps/externalsecrets"
_NAMESPACE = "/api/v1/namespaces/apps"
_ENFORCE = "pod-security.kubernetes.io/enforce"
_DEPLOYMENTS = "/apis/apps/v1/namespaces/external-secrets-system/deployments"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncedStack]:
    """A lab in which somebody has made secret, token and namespace, and nothing is deployed."""
    with running_lab(tmp_path_factory.mktemp("lab"), nodes=NodeKind.REAL) as fleet:
        # The lab's own copy of the settings, whose secrets it can decrypt.
        assert fleet.oceanid("env").returncode == 0
        settings = tmp_path_factory.mktemp("settings") / "Pulumi.dev.yaml"
        text = (fleet.home.path / "project" / "Pulumi.dev.yaml").read_text()
        settings.write_text(text.replace("refreshInterval: 1m", "refreshInterval: 1s"))
        lab = OperatorLab(fleet=fleet)
        one = SyncedStack(lab=lab, settings=settings)
        first = one.group()["secrets"][0]
        one.change(syncSeconds=20, secrets=[first, {**first, "name": _LEAVING}])
        one.hidden.update(one.synced().values())
        lab.make_by_hand(SECRET, _BY_HAND)
        lab.make_by_hand(_TOKEN, _TOKEN_BY_HAND)
        yield one


def test_a_preview_names_the_secret_it_takes_over_and_changes_nothing(stack: SyncedStack) -> None:
    text = said(passed(stack.engine("preview")))
    for warning in (
        f"Secret apps/{SECRET} was made manually: all its keys are replaced",
        f"Secret apps/{_TOKEN} was made manually: its key token is written over",
        "Namespace apps was made manually: it is taken over and enforces",
    ):
        assert warning in text
    assert stack.lab.secret(SECRET) == _BY_HAND
    assert stack.lab.secret(_TOKEN) == _TOKEN_BY_HAND
    assert _ENFORCE not in stack.fleet.get(_NAMESPACE)["metadata"]["labels"]


def test_one_up_deploys_the_operator_and_syncs_the_secret(stack: SyncedStack) -> None:
    preview = stack.engine("preview", "--json")
    planned = json.loads(preview.stdout)["changeSummary"]["create"]
    text = said(passed(stack.up()))
    # Nothing was hidden from the preview, and so from the policies.
    assert f"+ {planned} created" in text
    assert stack.lab.secret(SECRET) == stack.synced()
    assert stack.lab.secret(_TOKEN) == {"token": stack.token(), **_NOTE}
    assert stack.fleet.get(_NAMESPACE)["metadata"]["labels"][_ENFORCE] == "restricted"
    assert stack.fleet.outputs()["syncedSecrets"] == [f"apps/{SECRET}", f"apps/{_LEAVING}"]


def test_what_has_been_taken_over_is_not_told_again(stack: SyncedStack) -> None:
    text = said(passed(stack.engine("preview", "--expect-no-changes")))
    assert "made manually" not in text


def test_a_new_value_arrives_without_an_update(stack: SyncedStack) -> None:
    stack.lab.change(SECRET_ACCESS_KEY, "another value of the same key")
    until(lambda: stack.lab.secret(SECRET) == stack.synced())


def test_a_revoked_token_fails_the_update_and_the_secret_keeps_its_values(
    stack: SyncedStack,
) -> None:
    stack.change(secrets=stack.group()["secrets"][:1])
    before = stack.lab.secret(SECRET)
    for token in stack.lab.esc("GET", "/lab/tokens").json()["tokens"]:
        stack.lab.esc("DELETE", f"/lab/tokens/{token['id']}")
    until(lambda: stack.ready() == ("False", "SecretSyncedError"))
    text = failed(stack.up())
    assert f"secret apps/{SECRET}" in text
    assert "is not synced: 401 " in text, text
    assert "oceanid secrets rotate with a new one" in text
    assert stack.lab.secret(SECRET) == before
    # What has left the settings is gone though the update has failed, and has left its Secret.
    there = [each["metadata"]["name"] for each in stack.fleet.get(_EXTERNAL)["items"]]
    assert there == [SECRET]
    assert stack.lab.secret(_LEAVING) == before


def test_the_operator_exports_every_metric_that_an_alert_asks_for(stack: SyncedStack) -> None:
    # A counter is there from the first error on.
    text = stack.lab.metrics()
    assert value(text, "externalsecret_sync_calls_error", name=SECRET)
    assert asked_for("externalsecret_") <= exported(text)
    failed_one = {"name": SECRET, "namespace": "apps", "condition": "Ready", "status": "False"}
    assert value(text, "externalsecret_status_condition", **failed_one) == 1


def test_the_webhook_refuses_what_the_schema_lets_through(stack: SyncedStack) -> None:
    empty = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "empty"},
        "spec": {"secretStoreRef": {"name": "pulumi-esc", "kind": "SecretStore"}},
    }
    answer = stack.lab.apply(f"{_EXTERNAL}/empty", empty)
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert "either data or dataFrom should be specified" in answer.json()["message"]


def test_a_token_that_opens_nothing_is_refused_before_anything_changes(stack: SyncedStack) -> None:
    result = stack.rotate_token()
    text = said(result)
    assert result.returncode == 2
    assert "does not open what the stores name; nothing has been changed" in text
    assert "environment goldfish-inc/oceanid-cluster/dev: HTTP 401" in text


def test_a_wrong_path_fails_the_update_with_its_key_and_leaves_the_secret(
    stack: SyncedStack,
) -> None:
    stack.lab.esc("POST", "/lab/tokens", json={})
    assert stack.fleet.lab("up").returncode == 0
    right = f'pulumiConfig["{ACCESS_KEY_ID}"]'
    wrong = 'pulumiConfig["oceanid-cluster:aws.labelStudio.misspelled"]'
    stack.change(data={"AWS_ACCESS_KEY_ID": wrong})
    text = failed(stack.up())
    assert f"secret apps/{SECRET}, key AWS_ACCESS_KEY_ID (path {wrong}) is not synced: " in text
    assert "is not synced: 404 " in text
    assert "correct the path" in text
    assert "Traceback" not in text
    assert stack.lab.secret(SECRET) == stack.synced()
    stack.change(data={"AWS_ACCESS_KEY_ID": right})
    passed(stack.up())


def test_a_new_token_is_proven_by_every_secret(stack: SyncedStack) -> None:
    text = said(passed(stack.rotate_token()))
    assert "every secret of dev has been read with the new token" in text
    assert stack.ready() == ("True", "SecretSynced")
    # The other keys of its Secret are somebody else's.
    assert stack.lab.secret(_TOKEN) == {"token": stack.token(), **_NOTE}


def test_with_two_namespaces_it_writes_in_both_and_may_only_look_at_others(
    stack: SyncedStack,
) -> None:
    stack.change(stores=[*stack.group()["stores"], {**stack.group()["stores"][0], **_SECOND}])
    secret = {**stack.group()["secrets"][0], "store": _SECOND["name"]}
    stack.change(secrets=[*stack.group()["secrets"], secret])
    passed(stack.up())
    assert stack.lab.secret(SECRET) == stack.synced()
    assert stack.lab.secret(SECRET, _SECOND["namespace"]) == stack.synced()
    rights = {
        (namespace, verb)
        for namespace in ("apps", _SECOND["namespace"], "kube-system")
        for verb in ("get", "list", "watch", "create", "update", "patch", "delete")
        if stack.lab.may(verb, "secrets", namespace)
    }
    served = {(namespace, verb) for namespace, verb in rights if namespace != "kube-system"}
    assert rights - served == {("kube-system", "list"), ("kube-system", "watch")}
    assert len(served) == 14


def test_no_value_and_no_token_stands_anywhere_but_where_it_belongs(stack: SyncedStack) -> None:
    home = stack.fleet.home.path
    pending = "pul-" + os.urandom(20).hex()
    diff = said(stack.engine("preview", "--diff", ESC_ACCESS_TOKEN=pending))
    # What changes is the token, or its diff would prove nothing.
    assert "urn:pulumi:dev::oceanid-cluster::" in diff, diff
    assert _TOKEN in diff, diff
    stack.hidden.update(stack.lab.secret(SECRET).values())
    values = [value.encode() for value in stack.hidden]
    # Two tokens of the lab's, the one above, two keys, and the new value of one.
    assert len(values) == 6
    belongs = {home / "pulumi-esc.json", home / "pulumi-esc-key", home / "env"}
    texts = {
        "what the commands said": "\n".join(stack.told).encode(),
        "the outputs": json.dumps(stack.fleet.outputs()).encode(),
        "the events": json.dumps(stack.fleet.get("/api/v1/events")).encode(),
    }
    found = [where for where, text in texts.items() if any(value in text for value in values)]
    found += [
        str(path)
        for path, content in stack.fleet.files()
        # Not the images' own files, which are no logs and are many.
        if path not in belongs
        and "containerd" not in path.parts
        and any(value in content for value in values)
    ]
    assert found == []


def test_a_destroy_leaves_the_secrets_and_an_up_takes_them_over(stack: SyncedStack) -> None:
    before = stack.lab.secret(SECRET)
    passed(stack.engine("destroy", "--yes", "--skip-preview"))
    assert stack.fleet.get(_DEPLOYMENTS)["items"] == []
    assert stack.lab.secret(SECRET) == before
    assert stack.lab.secret(_TOKEN) == _NOTE
    assert "ownerReferences" not in stack.fleet.get(f"{_NAMESPACE}/secrets/{SECRET}")["metadata"]
    # The exit node's device stays offline in the tailnet until somebody removes it.
    with stack.fleet.tailnet() as api:
        for device in api.get("/tailnet/-/devices").raise_for_status().json()["devices"]:
            api.delete(f"/device/{device['nodeId']}").raise_for_status()
    passed(stack.up())
    assert stack.lab.secret(SECRET) == stack.synced()
