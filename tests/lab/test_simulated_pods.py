"""What the services of a lab with simulated nodes show in the place of programs in pods."""

from typing import Any

from settings.names import EXIT_TAG, GATEWAY_TAG
from workshop.lab.simulated_devices import devices
from workshop.lab.simulated_secrets import simulated
from workshop.lab.tailscale_api.policy import EXIT_ROUTES
from workshop.testing.recording import record_stack


def _devices(kind: str) -> list[dict[str, Any]]:
    """Of one pod of each workload of that kind in `dev`, on the node styx.example."""
    return [
        device
        for each in record_stack("dev").manifests
        if each["kind"] == kind
        for device in devices(
            {
                "metadata": {"namespace": each["metadata"]["namespace"], "uid": "u-1"},
                "spec": {**each["spec"]["template"]["spec"], "nodeName": "styx.example"},
            }
        )
    ]


def test_an_exit_node_stays_the_same_device_and_offers_the_default_routes() -> None:
    (device,) = _devices("StatefulSet")
    assert device["hostname"] == "oceanid-dev-exit-tethys"
    assert device["tags"] == [EXIT_TAG]
    assert device["routes"] == EXIT_ROUTES
    assert not device["ephemeral"]
    assert device["identity"] == _devices("StatefulSet")[0]["identity"]


def test_a_gateway_is_a_device_of_its_node_that_goes_with_its_pod() -> None:
    canary, fleet = _devices("DaemonSet")
    assert canary["hostname"] == fleet["hostname"] == "styx-example-egress-tethys"
    assert canary["tags"] == [GATEWAY_TAG]
    assert canary["routes"] == ()
    assert canary["ephemeral"]


def test_a_pod_without_tailscale_is_no_device() -> None:
    assert _devices("Deployment") == []


def test_an_external_secret_that_is_asked_again_says_again_that_it_is_simulated() -> None:
    first = simulated({"metadata": {"generation": 1}})
    again = simulated({"metadata": {"generation": 1, "annotations": {"force-sync": "2"}}})
    assert first["conditions"][0]["message"].startswith("simulated: ")
    assert first["syncedResourceVersion"] != again["syncedResourceVersion"]
