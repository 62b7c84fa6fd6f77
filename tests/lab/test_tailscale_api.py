"""The API stand-in, over real HTTP."""

import stat
import sys
from pathlib import Path

import pytest
import yaml

from components.egress.tailnet import required_policy
from tests.lab.stand_in_processes import POLICY, StandIn, start_stand_in
from workshop.lab.refusal import Refusal
from workshop.lab.tailscale_api.policy import Policy
from workshop.lab.tailscale_api.registration import register
from workshop.lab.tailscale_api.tailnet import Tailnet
from workshop.testing.checkout import completed


def test_every_answer_says_that_it_comes_from_a_stand_in(stand_in: StandIn) -> None:
    answers = [
        stand_in.api.get("tailnet/-/devices"),
        stand_in.lab.get("/api/v2/tailnet/-/devices"),
        stand_in.api.get("no/such/path"),
        stand_in.lab.get("/lab/health"),
    ]
    assert [a.status_code for a in answers] == [200, 401, 404, 200]
    assert {a.headers["X-Oceanid-Stand-In"] for a in answers} == {"tailscale-api"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nobody"}])
def test_a_missing_or_wrong_credential_is_401_with_a_message(
    stand_in: StandIn, headers: dict[str, str]
) -> None:
    answer = stand_in.lab.get("/api/v2/tailnet/-/devices", headers=headers)
    assert answer.status_code == 401
    assert list(answer.json()) == ["message"]


def test_no_secret_reaches_the_state_file_or_the_log(stand_in: StandIn, tmp_path: Path) -> None:
    key = stand_in.key()
    stand_in.log_in(key["key"], "exit-a")
    stand_in.api.get("tailnet/-/devices", params={"hostname": key["key"]})
    secrets = (key["key"], stand_in.api_key, key["key"].rpartition("-")[2])
    for name in ("state.json", "log"):
        text = (tmp_path / name).read_text()
        assert text
        assert not any(secret in text for secret in secrets)
    assert stat.S_IMODE((tmp_path / "api-key").stat().st_mode) == 0o600


def test_state_survives_a_kill(tmp_path: Path) -> None:
    before = start_stand_in(tmp_path)
    before.api.post("tailnet/-/acl", content=POLICY)
    key = before.key()
    device = before.log_in(key["key"], "exit-a").json()
    before.stop()
    after = start_stand_in(tmp_path)
    try:
        assert after.api_key == before.api_key
        assert after.api.get("tailnet/-/acl").text == POLICY
        assert after.api.get(f"tailnet/-/keys/{key['id']}").json()["id"] == key["id"]
        assert after.api.get(f"device/{device['nodeId']}").json()["name"] == device["name"]
        assert after.log_in(key["key"], "exit-b").status_code == 201
    finally:
        after.stop()


def test_a_state_file_of_another_kind_stops_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("[]")
    files = ("--state", str(tmp_path / "state.json"), "--credentials", str(tmp_path / "k"))
    result = completed(sys.executable, "-m", "workshop.lab.tailscale_api", "--port", "0", *files)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1


def test_the_policy_is_kept_verbatim_with_an_entity_tag(bare_stand_in: StandIn) -> None:
    api = bare_stand_in.api
    sent = api.post("tailnet/-/acl", content=POLICY, headers={"If-Match": '"ts-default"'})
    got = api.get("tailnet/-/acl", headers={"Accept": "application/hujson"})
    assert (sent.status_code, got.text) == (200, POLICY)
    assert got.headers["ETag"] == sent.headers["ETag"]


def test_ts_default_matches_only_while_nobody_has_changed_the_policy(
    bare_stand_in: StandIn,
) -> None:
    def post(text: str, if_match: str) -> int:
        headers = {"If-Match": if_match}
        return bare_stand_in.api.post("tailnet/-/acl", content=text, headers=headers).status_code

    assert post(POLICY, '"ts-default"') == 200
    assert post("{}", '"ts-default"') == 412
    assert post("{}", '"stale"') == 412
    assert post("{}", bare_stand_in.api.get("tailnet/-/acl").headers["ETag"]) == 200
    assert bare_stand_in.api.post("tailnet/-/acl", content="").status_code == 200
    assert post(POLICY, '"ts-default"') == 200


_WRONG = yaml.safe_load(Path(__file__).with_name("wrong_policies.yaml").read_text())


@pytest.mark.parametrize(("text", "reason"), _WRONG.items())
def test_a_bad_policy_is_refused_and_the_old_one_stays(
    stand_in: StandIn, text: str, reason: str
) -> None:
    answer = stand_in.api.post("tailnet/-/acl", content=text)
    assert answer.status_code == 400
    assert reason in answer.json()["message"]
    assert stand_in.api.get("tailnet/-/acl").text == POLICY


def test_a_whole_policy_of_this_project_passes_the_checks(stand_in: StandIn) -> None:
    text = required_policy(exit_tag="tag:exit", gateway_tag="tag:worker")
    assert stand_in.api.post("tailnet/-/acl", content=text).status_code == 200


def test_a_key_is_shown_once_and_is_of_no_use_when_deleted(stand_in: StandIn) -> None:
    key = stand_in.key()
    path = f"tailnet/-/keys/{key['id']}"
    shown = stand_in.api.get(path).json()
    assert key["key"].startswith(f"tskey-auth-{key['id']}-")
    assert "key" not in shown
    assert (shown["keyType"], shown["invalid"]) == ("auth", False)
    assert stand_in.api.delete(path).status_code == 200
    revoked = stand_in.api.get(path).json()
    assert revoked["invalid"] is True
    assert revoked["revoked"] >= shown["created"]
    assert stand_in.api.delete(path).status_code == 404
    assert stand_in.log_in(key["key"], "late").status_code == 401


def test_a_key_cannot_carry_a_tag_without_an_owner(stand_in: StandIn) -> None:
    refused = stand_in.key(tags=["tag:ghost"])
    assert refused == {"message": "requested tags [tag:ghost] are invalid or not permitted"}


def test_an_oauth_client_gets_a_token_with_its_scopes_only(stand_in: StandIn) -> None:
    body = {"keyType": "client", "scopes": ["auth_keys"], "tags": ["tag:worker"]}
    client = stand_in.api.post("tailnet/-/keys", json=body).json()
    assert stand_in.api.get(f"tailnet/-/keys/{client['id']}").json()["keyType"] == "client"
    form = {"client_id": client["id"], "client_secret": client["key"]}
    granted = stand_in.lab.post("/api/v2/oauth/token", data=form).json()
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}

    def make(tags: list[str]) -> int:
        create = {"capabilities": {"devices": {"create": {"tags": tags}}}}
        return stand_in.lab.post("/api/v2/tailnet/-/keys", json=create, headers=bearer).status_code

    assert make(["tag:worker"]) == 200
    assert make(["tag:exit"]) == 400
    assert make([]) == 400
    assert stand_in.lab.get("/api/v2/tailnet/-/acl", headers=bearer).status_code == 403
    wrong = form | {"client_secret": form["client_secret"] + "x"}
    assert stand_in.lab.post("/api/v2/oauth/token", data=wrong).status_code == 401
    path = f"tailnet/-/keys/{client['id']}"
    assert stand_in.api.delete(path).status_code == 200
    assert make(["tag:worker"]) == 401
    assert stand_in.lab.post("/api/v2/oauth/token", data=form).status_code == 401
    assert stand_in.api.put(path, json=body).status_code == 404
    assert stand_in.api.get(path).json()["invalid"] is True


@pytest.mark.parametrize("body", ["", "[]", "{", '{"capabilities": 1}', '{"keyType": "x"}'])
def test_a_bad_body_is_400_with_a_message(stand_in: StandIn, body: str) -> None:
    answer = stand_in.api.post("tailnet/-/keys", content=body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_an_expired_key_registers_nothing(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    tailnet = Tailnet(tmp_path / "state.json", "an-api-key", now=lambda: clock[0])
    assert tailnet.policy() == Policy()
    tailnet.set_policy(POLICY, None)
    body = {
        "capabilities": {"devices": {"create": {"reusable": True, "tags": ["tag:exit"]}}},
        "expirySeconds": 60,
    }
    key = tailnet.create_key(body, tailnet.caller("an-api-key"))
    clock[0] += 60
    assert tailnet.key(key["id"])["invalid"] is True
    with pytest.raises(Refusal, match="expired"):
        register(tailnet, {"authKey": key["key"], "hostname": "a", "identity": "i"})
