"""The database's firewall through the whole stack, against the stand-in of CrunchyBridge's API."""

import json
from collections.abc import Iterator

import httpx
import pytest

from workshop.lab.stand_ins import DATABASE_NETWORK
from workshop.testing.checkout import failed, passed, said
from workshop.testing.lab_fleet import WITHOUT_SECRETS, Fleet, running_lab

pytestmark = pytest.mark.e2e

_EGRESS = "157.173.210.123/32"
_LEGACY = "191.101.1.3/32"
_BY_HAND = "203.0.113.50/32"
_GHOST = {"name": "ghost", "address": "203.0.113.7"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A lab whose database admits a node's own address and one that somebody typed by hand."""
    with running_lab(tmp_path_factory.mktemp("guarded"), left_out=WITHOUT_SECRETS) as one:
        with _api(one) as api:
            for rule in (_LEGACY, _BY_HAND):
                answer = api.post(_PATH, json={"rule": rule, "description": "typed by hand"})
                assert answer.is_success, answer.text
        yield one


_PATH = f"/networks/{DATABASE_NETWORK}/firewall-rules"


def _api(fleet: Fleet) -> httpx.Client:
    own = fleet.variables
    return httpx.Client(
        base_url=own["CRUNCHYBRIDGE_BASE_URL"],
        headers={"Authorization": f"Bearer {own['CRUNCHY_API_KEY']}"},
        trust_env=False,
    )


def _rules(fleet: Fleet) -> set[str]:
    with _api(fleet) as api:
        answer = api.get(_PATH).raise_for_status().json()
    return {each["rule"] for each in answer["firewall_rules"]}


def test_a_failed_gate_leaves_the_old_address_admitted(guarded: Fleet) -> None:
    # The cluster has no such node, so the gate of its wave cannot measure it.
    guarded.change_settings(lambda config: config["oceanid-cluster:nodes"].append(_GHOST))
    text = failed(guarded.update())
    guarded.change_settings(lambda config: config["oceanid-cluster:nodes"].remove(_GHOST))
    assert "gate fleet: node ghost cannot be measured: the cluster has no node of that name" in text
    assert _LEGACY in _rules(guarded)


def test_the_old_address_goes_once_the_last_gate_has_passed(guarded: Fleet) -> None:
    passed(guarded.update())
    assert _rules(guarded) == {_EGRESS, _BY_HAND}


def test_a_rule_typed_by_hand_is_reported_and_left_alone(guarded: Fleet) -> None:
    text = said(guarded.update("--expect-no-changes"))
    assert f"firewall rule {_BY_HAND} (typed by hand) is not this stack's" in text
    assert _BY_HAND in _rules(guarded)


def test_destroying_the_stack_keeps_the_egress_address_admitted(guarded: Fleet) -> None:
    passed(guarded.oceanid("destroy"))
    assert _EGRESS in _rules(guarded)
    assert guarded.get("/apis/apps/v1/daemonsets")["items"] == []


def test_the_stack_comes_back_after_a_destroy_and_adopts_the_rule(guarded: Fleet) -> None:
    passed(guarded.update())
    assert _rules(guarded) == {_EGRESS, _BY_HAND}


def test_rules_that_exist_can_be_imported_in_one_step(guarded: Fleet) -> None:
    written = passed(guarded.oceanid("firewall import"))
    file = guarded.checkout / "import-firewall.json"
    resources = json.loads(file.read_text())["resources"]
    assert [each["name"] for each in resources] == ["firewall", f"firewall-{_EGRESS}"]
    assert resources[1]["id"].startswith(f"{DATABASE_NETWORK}/")
    assert f"cidr: {_BY_HAND}" in written.stdout
