"""Devices of the API stand-in, over real HTTP."""

import pytest

from tests.lab.stand_in_processes import StandIn

EXIT_ROUTES = ["0.0.0.0/0", "::/0"]


def test_an_exit_node_with_the_right_tag_is_approved_at_registration(stand_in: StandIn) -> None:
    key = stand_in.key(tags=["tag:exit", "tag:worker"])["key"]
    approved = stand_in.log_in(key, "exit-a", tags=["tag:exit"], routes=EXIT_ROUTES).json()
    waiting = stand_in.log_in(key, "exit-b", tags=["tag:worker"], routes=EXIT_ROUTES).json()
    routes = stand_in.api.get(f"device/{approved['nodeId']}/routes").json()
    assert routes == {"advertisedRoutes": EXIT_ROUTES, "enabledRoutes": EXIT_ROUTES}
    assert waiting["enabledRoutes"] == []
    stand_in.api.post(f"device/{waiting['id']}/routes", json={"routes": EXIT_ROUTES})
    assert stand_in.api.get(f"device/{waiting['id']}/routes").json() == routes


def test_a_hostname_that_is_taken_gets_a_number_in_its_name(stand_in: StandIn) -> None:
    key = stand_in.key()["key"]
    names = [stand_in.log_in(key, "exit", identity=f"node-{n}").json()["name"] for n in range(3)]
    assert [name.split(".")[0] for name in names] == ["exit", "exit-1", "exit-2"]
    found = stand_in.api.get("tailnet/-/devices", params={"hostname": "exit"}).json()["devices"]
    assert len(found) == 3


def test_a_device_removed_from_the_tailnet_comes_back_as_another(stand_in: StandIn) -> None:
    key = stand_in.key()["key"]
    first = stand_in.log_in(key, "exit-a").json()
    assert stand_in.api.delete(f"device/{first['nodeId']}").status_code == 200
    assert stand_in.api.get(f"device/{first['nodeId']}").status_code == 404
    assert stand_in.log_in(key, "exit-a").json()["nodeId"] != first["nodeId"]


def test_a_single_use_key_registers_one_device(stand_in: StandIn) -> None:
    key = stand_in.key(reusable=False)
    assert stand_in.log_in(key["key"], "a").status_code == 201
    assert stand_in.log_in(key["key"], "b").status_code == 401
    assert stand_in.api.get(f"tailnet/-/keys/{key['id']}").json()["invalid"] is True


def test_an_oauth_secret_registers_with_its_options_and_needs_tags(stand_in: StandIn) -> None:
    body = {"keyType": "client", "scopes": ["auth_keys"], "tags": ["tag:worker"]}
    secret = stand_in.api.post("tailnet/-/keys", json=body).json()["key"]
    lasting = stand_in.log_in(
        f"{secret}?ephemeral=false&preauthorized=true", "a", tags=["tag:worker"]
    ).json()
    passing = stand_in.log_in(secret, "b", tags=["tag:worker"]).json()
    assert (lasting["isEphemeral"], lasting["authorized"]) == (False, True)
    assert (passing["isEphemeral"], passing["authorized"]) == (True, False)
    assert stand_in.log_in(secret, "c").status_code == 400
    assert stand_in.log_in(secret, "d", tags=["tag:exit"]).status_code == 400


@pytest.mark.parametrize("hostname", ["", "-a", "a_b", "A", "a" * 64, "a.b"])
def test_a_hostname_that_is_no_dns_label_is_refused(stand_in: StandIn, hostname: str) -> None:
    assert stand_in.log_in(stand_in.key()["key"], hostname).status_code == 400


def test_a_route_that_is_no_network_is_refused(stand_in: StandIn) -> None:
    device = stand_in.log_in(stand_in.key()["key"], "a").json()["nodeId"]
    assert stand_in.api.post(f"device/{device}/routes", json={"routes": ["x"]}).status_code == 400


def test_a_device_goes_offline_and_comes_back(stand_in: StandIn) -> None:
    device = stand_in.log_in(stand_in.key()["key"], "a").json()
    path = f"/lab/devices/{device['nodeId']}/online"
    stand_in.lab.post(path, json={"online": False})
    gone = stand_in.api.get(f"device/{device['id']}").json()
    assert gone["connectedToControl"] is False
    assert gone["lastSeen"]
    stand_in.lab.post(path, json={"online": True})
    assert "lastSeen" not in stand_in.api.get(f"device/{device['id']}").json()
