"""An exit node that registered again: its old device is gone, and no command fails for it."""

from typing import Any

import pytest

from tests.e2e.lab_fixture import lab_fixture
from workshop.lab.node_kind import NodeKind
from workshop.testing.checkout import passed
from workshop.testing.lab_fleet import NAMESPACE_PATH, WITHOUT_SECRETS, Fleet
from workshop.testing.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.network]

_EXIT_NODE = "oceanid-dev-exit-tethys"
_DEFAULT_ROUTES = ["0.0.0.0/0", "::/0"]


# These tests lose its exit node's identity.
renewed = lab_fixture(left_out=WITHOUT_SECRETS, deployed=True, nodes=NodeKind.REAL)


def _devices(fleet: Fleet) -> dict[str, dict[str, Any]]:
    """The devices with the exit node's hostname, by id."""
    with fleet.tailnet() as api:
        query = {"hostname": _EXIT_NODE, "fields": "all"}
        devices = api.get("/tailnet/-/devices", params=query).raise_for_status().json()["devices"]
    return {device["nodeId"]: device for device in devices}


def _remove(fleet: Fleet, *devices: str) -> None:
    """As an operator does on the tailnet's machines page."""
    with fleet.tailnet() as api:
        for device in devices:
            api.delete(f"/device/{device}").raise_for_status()


def _register_again(fleet: Fleet) -> str:
    """Lose the identity, and remove the old device as an operator does; give the new one's id."""
    (old,) = _devices(fleet)
    fleet.patch(f"{NAMESPACE_PATH}/secrets/{_EXIT_NODE}-state", {"data": None})
    with fleet.api() as api:
        api.delete(f"{NAMESPACE_PATH}/pods/{_EXIT_NODE}-0").raise_for_status()
    until(lambda: len(_devices(fleet)) > 1, "the exit node has registered again")
    _remove(fleet, old)
    with fleet.tailnet() as tailnet:
        # Nobody but the API approves in these tests, so that an approval is the stack's own.
        (new,) = _devices(fleet)
        tailnet.post(f"/device/{new}/routes", json={"routes": []}).raise_for_status()
    return new


def test_the_next_up_approves_the_new_device_and_tells_the_gateways(renewed: Fleet) -> None:
    before = renewed.outputs()["exitNodes"]["tethys"]
    new = _register_again(renewed)
    passed(renewed.update())
    after = renewed.outputs()["exitNodes"]["tethys"]
    assert after["deviceId"] == new
    assert after["tailnetAddress"] != before["tailnetAddress"]
    assert sorted(_devices(renewed)[new]["enabledRoutes"]) == _DEFAULT_ROUTES
    passed(renewed.update("--expect-no-changes"))


def test_a_refresh_sees_that_the_approval_is_gone_and_the_next_up_gives_it(renewed: Fleet) -> None:
    new = _register_again(renewed)
    passed(renewed.oceanid("refresh"))
    passed(renewed.update())
    assert sorted(_devices(renewed)[new]["enabledRoutes"]) == _DEFAULT_ROUTES


def test_a_state_secret_that_was_deleted_comes_back_by_refresh_and_up(renewed: Fleet) -> None:
    (old,) = _devices(renewed)
    with renewed.api() as api:
        api.delete(f"{NAMESPACE_PATH}/secrets/{_EXIT_NODE}-state").raise_for_status()
        api.delete(f"{NAMESPACE_PATH}/pods/{_EXIT_NODE}-0").raise_for_status()
    _remove(renewed, old)
    passed(renewed.oceanid("refresh"))
    passed(renewed.update())
    (new,) = _devices(renewed)
    assert new != old
    assert sorted(_devices(renewed)[new]["enabledRoutes"]) == _DEFAULT_ROUTES


def test_a_destroy_passes_whether_or_not_the_device_is_the_one_it_approved(renewed: Fleet) -> None:
    _register_again(renewed)
    passed(renewed.oceanid("destroy"))


def test_the_stack_comes_back_under_the_same_hostname(renewed: Fleet) -> None:
    # Its pod is gone, and the device stays until somebody removes it.
    _remove(renewed, *_devices(renewed))
    passed(renewed.update())
    (device,) = _devices(renewed).values()
    assert sorted(device["enabledRoutes"]) == _DEFAULT_ROUTES
