"""The network lab's Kubernetes API gives a Secret to whom the Roles say, and to nobody else."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.lab.network.cluster_api import Account, RefusedError, State, patched

_EXIT = Account(namespace="egress", name="exit")


def _state(**rule: Any) -> State:
    metadata = {"namespace": "egress", "name": "role"}
    rights = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "update", "patch"]}
    subject = {"kind": "ServiceAccount", "name": "exit", "namespace": "egress"}
    return State.read(
        {
            "accounts": [{"token": "t", "namespace": "egress", "name": "exit"}],
            "roles": [{"metadata": metadata, "rules": [rights | rule]}],
            "bindings": [
                {"metadata": metadata, "roleRef": {"name": "role"}, "subjects": [subject]}
            ],
            "secrets": [
                {
                    "metadata": {"namespace": "egress", "name": "state"},
                    "stringData": {"plain": "text"},
                }
            ],
        }
    )


def test_a_right_is_for_the_named_secret_in_the_roles_own_namespace() -> None:
    state = _state(resourceNames=["state"])
    assert state.may(_EXIT, "patch", "egress", "state")
    assert not state.may(_EXIT, "patch", "egress", "other")
    assert not state.may(_EXIT, "patch", "elsewhere", "state")
    assert not state.may(_EXIT, "create", "egress", "state")
    assert not state.may(_EXIT, "list", "egress", "")


def test_somebody_else_has_no_right() -> None:
    state = _state(resourceNames=["state"])
    assert not state.may(Account(namespace="egress", name="gateway"), "get", "egress", "state")
    assert not state.may(Account(namespace="other", name="exit"), "get", "egress", "state")


def test_a_role_for_other_things_gives_none_to_secrets() -> None:
    assert not _state(resources=["configmaps"]).may(_EXIT, "get", "egress", "state")
    assert not _state(apiGroups=["apps"]).may(_EXIT, "get", "egress", "state")


def test_plain_text_is_kept_encoded() -> None:
    kept = _state().secrets["egress", "state"]
    assert kept == {"plain": base64.b64encode(b"text").decode()}


def test_a_patch_adds_replaces_and_removes_keys() -> None:
    operations = [
        {"op": "add", "path": "/data/a~1b~0c", "value": "1"},
        {"op": "replace", "path": "/data/old", "value": "2"},
        {"op": "remove", "path": "/data/gone"},
    ]
    assert patched({"old": "0", "gone": "0"}, operations) == {"a/b~c": "1", "old": "2"}
    assert patched({}, [{"op": "add", "path": "/data", "value": {"k": "v"}}]) == {"k": "v"}


@pytest.mark.parametrize(
    ("kind", "path"), [("remove", "/data/k"), ("replace", "/data/k"), ("add", "/metadata/name")]
)
def test_a_patch_that_does_not_fit_is_refused(kind: str, path: str) -> None:
    with pytest.raises(RefusedError, match=path) as refused:
        patched({}, [{"op": kind, "path": path, "value": "v"}])
    assert refused.value.code == 422


@given(
    st.dictionaries(st.text(min_size=1), st.text()), st.dictionaries(st.text(min_size=1), st.text())
)
def test_adding_all_keys_of_one_secret_to_another_joins_them(
    one: dict[str, str], other: dict[str, str]
) -> None:
    operations = [
        {"op": "add", "path": f"/data/{key.replace('~', '~0').replace('/', '~1')}", "value": value}
        for key, value in other.items()
    ]
    assert patched(one, operations) == one | other
