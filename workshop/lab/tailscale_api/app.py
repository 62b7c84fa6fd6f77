"""The HTTP face: `/api/v2` as Tailscale's API has it, `/lab` for what only the lab can do.

Paths, bodies and statuses follow the public clients (tailscale/tailscale-client-go v2 and
tailscale/terraform-provider-tailscale 0.29.2).
"""

from flask import Flask, Request, Response, g, request

from workshop.lab.faults import Faults
from workshop.lab.journal import Journal
from workshop.lab.json_http import answer, json_object
from workshop.lab.refusal import Refusal
from workshop.lab.stand_in_app import stand_in_app
from workshop.lab.tailscale_api.device import check_routes
from workshop.lab.tailscale_api.key import Caller, string_list
from workshop.lab.tailscale_api.lab_devices import device_routes
from workshop.lab.tailscale_api.policy import Policy
from workshop.lab.tailscale_api.tailnet import Tailnet, find_device

_TOKEN = "/api/v2/oauth/token"  # noqa: S105  a path
_LARGEST_BODY_BYTES = 4 << 20


def make_app(tailnet: Tailnet) -> Flask:
    """The application; every answer says that it comes from a stand-in."""

    def admit() -> None:
        if request.path != _TOKEN:
            g.caller = tailnet.caller(_credential(request))

    app = stand_in_app(
        "tailscale-api",
        admit=admit,
        problem=lambda _status, message: {"message": message},
        largest_body_bytes=_LARGEST_BODY_BYTES,
        faults=Faults(),
        # The body of a request for a token is the client's secret.
        journal=Journal(unread=(_TOKEN,)),
    )
    _key_routes(app, tailnet)
    _policy_routes(app, tailnet)
    _device_routes(app, tailnet)
    app.register_blueprint(device_routes(tailnet))
    return app


def _key_routes(app: Flask, tailnet: Tailnet) -> None:
    @app.post(_TOKEN)
    def token() -> Response:
        authorization = request.authorization
        secret = request.form.get("client_secret") or (authorization and authorization.password)
        return answer(tailnet.grant_token(secret or ""))

    @app.post("/api/v2/tailnet/<name>/keys")
    def create_key(name: str) -> Response:
        return answer(tailnet.create_key(json_object(), _caller(tailnet, name)))

    @app.get("/api/v2/tailnet/<name>/keys/<key_id>")
    def get_key(name: str, key_id: str) -> Response:
        _caller(tailnet, name).require("auth_keys", write=False)
        return answer(tailnet.key(key_id))

    @app.put("/api/v2/tailnet/<name>/keys/<key_id>")
    def set_key(name: str, key_id: str) -> Response:
        return answer(tailnet.set_client(key_id, json_object(), _caller(tailnet, name)))

    @app.delete("/api/v2/tailnet/<name>/keys/<key_id>")
    def delete_key(name: str, key_id: str) -> Response:
        _caller(tailnet, name).require("auth_keys", write=True)
        tailnet.delete_key(key_id)
        return answer({})


def _policy_routes(app: Flask, tailnet: Tailnet) -> None:
    @app.get("/api/v2/tailnet/<name>/acl")
    def get_policy(name: str) -> Response:
        _caller(tailnet, name).require("policy_file", write=False)
        return _policy_answer(tailnet.policy())

    @app.post("/api/v2/tailnet/<name>/acl")
    def set_policy(name: str) -> Response:
        _caller(tailnet, name).require("policy_file", write=True)
        text = request.get_data(as_text=True)
        return _policy_answer(tailnet.set_policy(text, request.headers.get("If-Match")))


def _device_routes(app: Flask, tailnet: Tailnet) -> None:
    @app.get("/api/v2/tailnet/<name>/devices")
    def list_devices(name: str) -> Response:
        _caller(tailnet, name).require("devices:core", write=False)
        filters = {k: request.args.getlist(k) for k in request.args if k != "fields"}
        every = request.args.get("fields") == "all"
        with tailnet.view() as state:
            found = [
                device.answer(all_fields=every)
                for device in state.devices.values()
                if all(device.has(attribute, wanted) for attribute, wanted in filters.items())
            ]
        return answer({"devices": found})

    @app.get("/api/v2/device/<device_id>")
    def get_device(device_id: str) -> Response:
        _caller(tailnet).require("devices:core", write=False)
        with tailnet.view() as state:
            every = request.args.get("fields") == "all"
            return answer(find_device(state, device_id).answer(all_fields=every))

    @app.delete("/api/v2/device/<device_id>")
    def delete_device(device_id: str) -> Response:
        _caller(tailnet).require("devices:core", write=True)
        with tailnet.change() as state:
            del state.devices[find_device(state, device_id).node_id]
        return answer({})

    @app.get("/api/v2/device/<device_id>/routes")
    def get_routes(device_id: str) -> Response:
        _caller(tailnet).require("devices:routes", write=False)
        with tailnet.view() as state:
            return answer(find_device(state, device_id).routes())

    @app.post("/api/v2/device/<device_id>/routes")
    def set_routes(device_id: str) -> Response:
        _caller(tailnet).require("devices:routes", write=True)
        routes = check_routes(string_list(json_object(), "routes"))
        with tailnet.change() as state:
            device = find_device(state, device_id)
            device.enabled_routes = routes
            return answer(device.routes())


def _policy_answer(policy: Policy) -> Response:
    response = Response(policy.text, content_type="application/hujson")
    response.headers["ETag"] = policy.etag
    return response


def _caller(tailnet: Tailnet, name: str = "-") -> Caller:
    if name not in ("-", tailnet.suffix):
        raise Refusal(404, "tailnet not found")
    caller: Caller = g.caller
    return caller


def _credential(incoming: Request) -> str:
    authorization = incoming.authorization
    if authorization is None:
        raise Refusal(401, "API token required")
    if authorization.type == "basic":
        return authorization.username or ""
    return authorization.token or ""
