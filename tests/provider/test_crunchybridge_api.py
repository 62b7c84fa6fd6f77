"""The API's stand-in: a real server over real HTTP."""

import re
from pathlib import Path

import httpx
import pytest

from workshop.lab.crunchybridge_api.__main__ import main
from workshop.testing.provider_stand_in import StandIn, start_stand_in


def _refused(response: httpx.Response, status: int) -> str:
    assert response.status_code == status
    body = response.json()
    assert set(body) == {"message", "request_id"}
    return str(body["message"])


def test_a_rule_is_answered_in_the_documented_form(stand_in: StandIn) -> None:
    response = stand_in.api.post(stand_in.path, json={"rule": "192.0.2.0/24"})
    assert response.status_code == 201
    assert response.headers["X-Oceanid-Stand-In"] == "crunchybridge-api"
    rule = response.json()
    assert set(rule) == {"id", "rule", "kind", "description", "network_id", "team_id"}
    assert re.fullmatch(r"[a-z2-7]{25}[aeimquy4]", rule["id"])
    assert (rule["kind"], rule["description"]) == ("ingress", None)
    assert stand_in.api.get(f"{stand_in.path}/{rule['id']}").json() == rule


def test_without_the_key_nothing_is_answered(stand_in: StandIn) -> None:
    for presented in (b"", b"Basic cbkey_x", b"Bearer cbkey_x", "Bearer é".encode()):
        response = stand_in.lab.get(stand_in.path, headers={b"Authorization": presented})
        _refused(response, 401)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rule": "192.0.2.7"},
        {"rule": "192.0.2.7/24"},
        {"rule": 7},
        {"rule": "192.0.2.0/24", "kind": "both"},
        {"rule": "192.0.2.0/24", "colour": "red"},
        {"rule": "192.0.2.0/24", "description": 7},
        [],
    ],
)
def test_what_is_no_rule_is_refused_whole(stand_in: StandIn, body: object) -> None:
    _refused(stand_in.api.post(stand_in.path, json=body), 400)
    assert stand_in.rules() == []


def test_rules_of_a_network_cannot_overlap(stand_in: StandIn) -> None:
    stand_in.add("192.0.2.0/24")
    other = stand_in.add("198.51.100.0/24")
    for rule in ("192.0.2.0/24", "192.0.2.7/32", "192.0.0.0/16"):
        for kind in ("ingress", "egress"):
            body = {"rule": rule, "kind": kind}
            assert "overlaps" in _refused(stand_in.api.post(stand_in.path, json=body), 400)
    changed = stand_in.api.patch(f"{stand_in.path}/{other['id']}", json={"rule": "192.0.2.7/32"})
    assert "overlaps" in _refused(changed, 400)
    stand_in.add("2001:db8::/64")
    assert len(stand_in.rules()) == 3


def test_the_kind_of_a_rule_does_not_change(stand_in: StandIn) -> None:
    rule = stand_in.add("192.0.2.0/24")
    path = f"{stand_in.path}/{rule['id']}"
    _refused(stand_in.api.patch(path, json={"kind": "egress"}), 400)
    assert stand_in.rules() == [rule]


@pytest.mark.parametrize("limit", ["0", "201", "many"])
def test_a_page_that_is_too_long_is_refused(stand_in: StandIn, limit: str) -> None:
    _refused(stand_in.api.get(stand_in.path, params={"limit": limit}), 400)


@pytest.mark.parametrize(
    "fault",
    [{}, {"effect": "flood"}, {"effect": "cut", "count": 0}, {"effect": "status", "status": 418},
     {"effect": "status", "status": 429, "after": True}, {"effect": "cut", "colour": "red"}],
)  # fmt: skip
def test_a_fault_there_is_not_is_refused(stand_in: StandIn, fault: dict[str, object]) -> None:
    _refused(stand_in.lab.post("/lab/faults", json=fault), 400)
    assert stand_in.api.get(stand_in.path).status_code == 200


def test_what_was_answered_is_answered_again_also_after_a_kill(tmp_path: Path) -> None:
    first = start_stand_in(tmp_path)
    headers = {"Idempotency-Key": "one"}
    body = {"rule": "192.0.2.0/24"}
    made = first.api.post(first.path, json=body, headers=headers).json()
    first.stop()
    second = start_stand_in(tmp_path, first.network)
    assert second.api_key == first.api_key
    again = second.api.post(second.path, json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, made)
    other = second.api.post(second.path, json={"rule": "10.0.0.0/8"}, headers=headers)
    assert "Idempotency-Key" in _refused(other, 409)
    assert second.rules() == [made]
    second.stop()


def test_a_network_id_that_is_none_is_refused_at_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [f"--state={tmp_path / 'state'}", f"--credentials={tmp_path / 'key'}"]
    assert main(["--port=0", "--network=reef", *files]) == 1
    told = "lab.crunchybridge_api: 'reef' is not a network id: 26 letters and digits\n"
    assert capsys.readouterr().err == told
