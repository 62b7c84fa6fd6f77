"""JSON in and out of the stand-ins' HTTP faces."""

import json
from typing import Any

from flask import Response, request

from workshop.lab.refusal import Refusal


def answer(body: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


def json_object() -> dict[str, Any]:
    """The request's body, whatever content type it claims; raises Refusal 400."""
    try:
        body = json.loads(request.get_data() or b"null")
    except ValueError:
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "the body must be a JSON object")
    return body
