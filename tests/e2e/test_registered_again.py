"""An exit node that registered again: its old device is gone, and no command fails for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.delivery.checkout import said
from tests.e2e.fleet import Fleet, gateways_only
from tests.waiting import until

pytestmark = pytest.mark.e2e

_EXIT_NODE = "oceanid-dev-exit-tethys"
_NAMESPACE = "/api/v1/namespaces/oceanid-egress"
_DEFAULT_ROUTES = ["0.0.0.0/0", "::/0"]


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A lab of its own, with the stack deployed: these tests lose its exit node's identity."""
    with gateways_only(tmp_path_factory.mktemp("renewed")) as one:
        up = one.update()
        assert up.returncode == 0, said(up)
        yield one


def _tailnet(fleet: Fleet) -> httpx.Client:
    lines = fleet.home.environment.read_text().splitlines()
    own = {key: value for key, _, value in (line.partition("=") for line in lines)}
    return httpx.Client(
        base_url=f"{own['TAILSCALE_BASE_URL']}/api/v2", auth=(own["TAILSCALE_API_KEY"], "")
    )


def _devices(fleet: Fleet) -> dict[str, dict[str, Any]]:
    """The devices with the exit node's hostname, by id."""
    with _tailnet(fleet) as api:
        query = {"hostname": _EXIT_NODE, "fields": "all"}
        devices = api.get("/tailnet/-/devices", params=query).raise_for_status().json()["devices"]
    return {device["nodeId"]: device for device in devices}


def _register_again(fleet: Fleet) -> str:
    """Lose the identity, and remove the old device as an operator does; give the new one's id."""
    (old,) = _devices(fleet)
    with fleet.api() as api:
        secret = f"{_NAMESPACE}/secrets/{_EXIT_NODE}-state"
        patch = {"Content-Type": "application/merge-patch+json"}
        lost = api.patch(secret, content=json.dumps({"data": None}), headers=patch)
        lost.raise_for_status()
        api.delete(f"{_NAMESPACE}/pods/{_EXIT_NODE}-0").raise_for_status()
    until(lambda: len(_devices(fleet)) > 1, "the exit node has registered again")
    with _tailnet(fleet) as tailnet:
        # Nobody but the API approves in these tests, so that an approval is the stack's own.
        tailnet.delete(f"/device/{old}").raise_for_status()
        (new,) = _devices(fleet)
        tailnet.post(f"/device/{new}/routes", json={"routes": []}).raise_for_status()
    return new


def test_the_next_up_approves_the_new_device_and_tells_the_gateways(renewed: Fleet) -> None:
    before = renewed.outputs()["exitNodes"]["tethys"]
    new = _register_again(renewed)
    up = renewed.update()
    assert up.returncode == 0, said(up)
    after = renewed.outputs()["exitNodes"]["tethys"]
    assert after["deviceId"] == new
    assert after["tailnetAddress"] != before["tailnetAddress"]
    assert sorted(_devices(renewed)[new]["enabledRoutes"]) == _DEFAULT_ROUTES
    again = renewed.update("--expect-no-changes")
    assert again.returncode == 0, said(again)


def test_a_refresh_sees_that_the_approval_is_gone_and_the_next_up_gives_it(renewed: Fleet) -> None:
    new = _register_again(renewed)
    refresh = renewed.delivery("refresh")
    assert refresh.returncode == 0, said(refresh)
    up = renewed.update()
    assert up.returncode == 0, said(up)
    assert sorted(_devices(renewed)[new]["enabledRoutes"]) == _DEFAULT_ROUTES


def test_a_state_secret_that_was_deleted_comes_back_by_refresh_and_up(renewed: Fleet) -> None:
    (old,) = _devices(renewed)
    with renewed.api() as api:
        api.delete(f"{_NAMESPACE}/secrets/{_EXIT_NODE}-state").raise_for_status()
        api.delete(f"{_NAMESPACE}/pods/{_EXIT_NODE}-0").raise_for_status()
    until(lambda: not _devices(renewed), "the device has gone with its state")
    refresh = renewed.delivery("refresh")
    assert refresh.returncode == 0, said(refresh)
    up = renewed.update()
    assert up.returncode == 0, said(up)
    (new,) = _devices(renewed)
    assert new != old
    assert sorted(_devices(renewed)[new]["enabledRoutes"]) == _DEFAULT_ROUTES


def test_a_destroy_passes_whether_or_not_the_device_is_the_one_it_approved(renewed: Fleet) -> None:
    _register_again(renewed)
    destroy = renewed.delivery("destroy")
    assert destroy.returncode == 0, said(destroy)


def test_the_stack_comes_back_under_the_same_hostname(renewed: Fleet) -> None:
    until(lambda: not _devices(renewed), "the device has gone with its state")
    up = renewed.update()
    assert up.returncode == 0, said(up)
    (device,) = _devices(renewed).values()
    assert sorted(device["enabledRoutes"]) == _DEFAULT_ROUTES
