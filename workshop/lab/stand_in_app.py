"""What every API stand-in has around its own routes: admission, faults, errors, `/lab`."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from workshop.lab.faults import ConnectionCutError, Fault, Faults, cut, suffer
from workshop.lab.journal import Journal
from workshop.lab.json_http import answer
from workshop.lab.refusal import Refusal

_STAND_IN_HEADER = "X-Oceanid-Stand-In"
_LAB = "/lab/"


def stand_in_app(
    name: str,
    *,
    admit: Callable[[], None],
    problem: Callable[[int, str], dict[str, Any]],
    largest_body_bytes: int,
    faults: Faults,
    journal: Journal,
) -> Flask:
    """An application without routes of its own; every answer says that it comes from a stand-in.

    `admit` raises Refusal for a request whose credential is not good enough; it is asked for all
    but `/lab`. `problem` is the API's own form of an error, of an HTTP status and a message.
    """
    app = Flask(name)
    app.config["MAX_CONTENT_LENGTH"] = largest_body_bytes
    # Or a cut connection, where there is no socket, would be answered as an internal error.
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.before_request
    def begin() -> Response | None:
        if request.path.startswith(_LAB):
            return None
        journal.record(request)
        fault: Fault | None = faults.take(request.method, request.path)
        g.fault = fault
        early = suffer(fault) if fault is not None and not fault.after else None
        if early is None:
            admit()
        return early

    @app.after_request
    def finish(response: Response) -> Response:
        fault = g.pop("fault", None)
        if fault is not None and fault.after:
            try:
                response = suffer(fault) or response
            except ConnectionCutError as error:
                response = cut(error)
        response.headers[_STAND_IN_HEADER] = name
        return response

    @app.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> Response:
        return answer(problem(refusal.status, refusal.message), refusal.status)

    @app.errorhandler(HTTPException)
    def answer_http(error: HTTPException) -> Response:
        status = error.code or 500
        return answer(problem(status, error.description or error.name), status)

    @app.errorhandler(ConnectionCutError)
    def cut_early(error: ConnectionCutError) -> Response:
        return cut(error)

    app.register_blueprint(_lab_routes(name, faults, journal))
    return app


def lab_body() -> dict[str, Any]:
    """The body of a request to `/lab`; raises Refusal 400."""
    # A JSON content type is demanded: a web page cannot send one here without being asked first.
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Refusal(400, "the body must be a JSON object with content type application/json")
    return body


def _lab_routes(name: str, faults: Faults, journal: Journal) -> Blueprint:
    """They ask for no credential: the server is on loopback only."""
    lab = Blueprint("lab", __name__, url_prefix=_LAB.rstrip("/"))

    @lab.get("/health")
    def health() -> Response:
        return answer({"stand-in": name})

    @lab.post("/faults")
    def order_fault() -> Response:
        try:
            faults.order(Fault(**lab_body()))
        except (TypeError, ValueError):
            raise Refusal(400, "fault: a JSON object with the fields of a fault") from None
        return answer({})

    @lab.delete("/faults")
    def clear_faults() -> Response:
        faults.clear()
        return answer({})

    @lab.get("/requests")
    def list_requests() -> Response:
        return answer({"requests": journal.entries()})

    @lab.delete("/requests")
    def forget_requests() -> Response:
        journal.clear()
        return answer({})

    return lab
