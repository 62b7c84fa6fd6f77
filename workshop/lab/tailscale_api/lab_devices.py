"""Devices log in and out under `/lab`: the control server's part, which the API has not."""

from flask import Blueprint, Response

from workshop.lab.json_http import answer
from workshop.lab.refusal import Refusal
from workshop.lab.stand_in_app import lab_body
from workshop.lab.tailscale_api.registration import register
from workshop.lab.tailscale_api.tailnet import Tailnet, find_device


def device_routes(tailnet: Tailnet) -> Blueprint:
    """The endpoints. They ask for no credential: the server is on loopback only."""
    lab = Blueprint("devices", __name__, url_prefix="/lab")

    @lab.post("/devices")
    def log_in() -> Response:
        status, device = register(tailnet, lab_body())
        return answer(device, status)

    @lab.get("/devices")
    def list_devices() -> Response:
        with tailnet.view() as state:
            return answer(
                {
                    "devices": [
                        device.answer(all_fields=True) | {"note": device.note}
                        for device in state.devices.values()
                    ]
                }
            )

    @lab.post("/devices/<device_id>/online")
    def go_online(device_id: str) -> Response:
        online = lab_body().get("online")
        if not isinstance(online, bool):
            raise Refusal(400, "online: must be true or false")
        with tailnet.change() as state:
            device = find_device(state, device_id)
            device.online = online
            if not online:
                device.last_seen = tailnet.now()
        return answer({})

    @lab.delete("/devices/<device_id>")
    def log_out(device_id: str) -> Response:
        with tailnet.change() as state:
            del state.devices[find_device(state, device_id).node_id]
        return answer({})

    return lab
