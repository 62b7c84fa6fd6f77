"""The policies in a real API server: the incident by `kubectl apply`, and all three agreeing."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
import yaml

from policies.admission import DATA_FILE, expressed, manifests
from policies.exceptions import DatedException, Enforcer, Exceptions
from policies.rules import all_rules
from tests.e2e.admission import POLICIES, applied, typed
from workshop.testing.agreement import posted
from workshop.testing.checkout import REPOSITORY
from workshop.testing.lab_fleet import Fleet

pytestmark = pytest.mark.e2e

_NEVER = date(2000, 1, 1)
_DAEMON_SETS = "/apis/apps/v1/namespaces/default/daemonsets"
_MERGE = {"content-type": "application/merge-patch+json"}


def _today() -> date:
    return datetime.now(UTC).date()


def _incident(**metadata: Any) -> dict[str, Any]:
    text = (REPOSITORY / "tests" / "policies" / "manifests" / "incident.yaml").read_text()
    body: dict[str, Any] = list(yaml.safe_load_all(text))[1]
    body["metadata"] |= {"namespace": "default", **metadata}
    return body


@pytest.fixture
def enforced(fleet: Fleet) -> Iterator[httpx.Client]:
    """An API server that has the data file as the component deploys it."""
    with fleet.api() as api, applied(api, json.loads(DATA_FILE.read_text())):
        yield api


def test_the_incident_is_denied_with_the_rules_remedy(enforced: httpx.Client) -> None:
    answer = posted(enforced, _incident(), dry=False)
    assert answer.status_code == 403
    message = answer.json()["message"]
    assert 'daemonsets.apps "tailscale-worker" is forbidden' in message
    assert "oceanid-" in message
    assert "Remedy: " in message
    for field in ("hostNetwork", "hostPID"):
        body = _incident()
        pod = body["spec"]["template"]["spec"]
        pod.update({"nodeSelector": {"wave": "canary"}, "volumes": []})
        pod.pop("hostPID" if field == "hostNetwork" else "hostNetwork")
        pod["containers"] = [{"name": "tailscale", "image": "tailscale/tailscale:v1.102.3"}]
        answer = posted(enforced, body, dry=False)
        assert answer.status_code == 403
        assert "daemonset-host-namespaces: " in answer.json()["message"]
        assert "userspace gateway in the pod network" in answer.json()["message"]


def _of_one_version(policy: dict[str, Any]) -> dict[str, Any]:
    """The policy for version v1 of every group: the API server checks no types of `*`."""
    for rule in policy["spec"]["matchConstraints"]["resourceRules"]:
        rule["apiVersions"] = ["v1"]
    return policy


def test_every_expression_is_one_that_the_api_server_can_type(fleet: Fleet) -> None:
    wanted = json.loads(DATA_FILE.read_text())
    policies = [
        _of_one_version(each) for each in wanted if each["kind"] == "ValidatingAdmissionPolicy"
    ]
    names = [each["metadata"]["name"] for each in policies]
    assert set(names) == {f"oceanid-{name}" for name in expressed()}
    with fleet.api() as api, applied(api, policies):
        assert {name: typed(api, name) for name in names} == {name: [] for name in names}


def test_the_type_check_would_see_a_field_that_there_is_not(fleet: Fleet) -> None:
    (policy, *_) = json.loads(DATA_FILE.read_text())
    policy["metadata"]["name"] = "mistyped"
    policy["spec"]["validations"] = [{"expression": "object.spec.noSuchField == 1"}]
    with fleet.api() as api, applied(api, [_of_one_version(policy)]):
        (warning, *_) = typed(api, "mistyped")
        assert "undefined field 'noSuchField'" in warning["warning"]


def test_an_object_from_before_the_policies_can_still_be_deleted(fleet: Fleet) -> None:
    body = _incident(name="from-before", finalizers=["example.com/hold"])
    wanted = json.loads(DATA_FILE.read_text())
    path = f"{_DAEMON_SETS}/from-before"
    with fleet.api() as api:
        assert posted(api, body, dry=False).status_code == 201
        with applied(api, wanted):
            labelled = api.patch(
                path, headers=_MERGE, content='{"metadata": {"labels": {"a": "b"}}}'
            )
            assert labelled.status_code == 200, labelled.text
            worse = '{"spec": {"minReadySeconds": 1}}'
            assert api.patch(path, headers=_MERGE, content=worse).status_code == 403
            assert api.delete(path).status_code == 200
            freed = api.patch(path, headers=_MERGE, content='{"metadata": {"finalizers": null}}')
            assert freed.status_code == 200, freed.text


def _excepting(last: date) -> list[Any]:
    """Every policy with an exception for the incident through a day, rendered long before it."""
    entries = tuple(
        DatedException(
            rule.name,
            "DaemonSet default/tailscale-worker",
            "test",
            last,
            frozenset({Enforcer.CLUSTER}),
        )
        for rule in all_rules()
    )
    return list(manifests(Exceptions(entries, Enforcer.CLUSTER, _NEVER)))


def _made_by(name: str) -> dict[str, Any]:
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "uid": "1", "controller": True}
    references = [{**owner, "name": name}] if name else []
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "made", "namespace": "default", "ownerReferences": references},
        "spec": _incident()["spec"]["template"]["spec"],
    }


def test_an_exception_admits_the_one_resource_and_what_it_makes(fleet: Fleet) -> None:
    with fleet.api() as api, applied(api, _excepting(_today())):
        assert posted(api, _incident(name="other")).status_code == 403
        assert posted(api, _incident()).status_code == 201
        assert posted(api, _made_by("")).status_code == 403
        assert posted(api, _made_by("tailscale-worker")).status_code == 201
        assert posted(api, _made_by("other")).status_code == 403


@pytest.mark.parametrize(("days_ago", "status"), [(0, 200), (1, 403)])
def test_an_exception_ends_with_its_last_day_in_a_policy_that_was_deployed_before(
    fleet: Fleet, days_ago: int, status: int
) -> None:
    wanted = _excepting(_today() - timedelta(days=days_ago))
    path = f"{_DAEMON_SETS}/tailscale-worker"
    with fleet.api() as api:
        assert posted(api, _incident(), dry=False).status_code == 201
        try:
            with applied(api, wanted):
                assert posted(api, _incident(name="other")).status_code == 403
                changed = api.patch(
                    path, headers=_MERGE, content='{"spec": {"minReadySeconds": 1}}'
                )
                assert changed.status_code == status, changed.text
                hidden = '{"metadata": {"managedFields": [{}]}, "spec": {"minReadySeconds": 2}}'
                assert api.patch(path, headers=_MERGE, content=hidden).status_code == 403
                made = posted(api, _made_by("tailscale-worker"))
                assert made.status_code == (201 if status == 200 else 403)
                note = api.get(f"{POLICIES}/oceanid-host-path").json()
                assert "until 20" in note["metadata"]["annotations"]["oceanid.io/exceptions"]
        finally:
            api.delete(path)
