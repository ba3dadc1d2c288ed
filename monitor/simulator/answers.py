"""
Answers that are not what the client hoped for.

The envelopes are those reported of the live API or stated in its documentation: 401 with an `INVALID_TOKEN` object,
400 for a body that is not JSON, 405 as HTML, 422 in the form of django-ninja. What the API answers for an object that
does not exist is not known: django-ninja's 404 is imitated, and the server's options know other ways.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from pydantic import ValidationError
from starlette.responses import HTMLResponse, Response

from monitor.simulator.options import Missing

__all__ = [
    "Refusal",
    "idle",
    "json_response",
    "method_not_allowed",
    "missing",
    "not_found",
    "not_json",
    "unauthorized",
    "unprocessable",
    "wrapped",
]


_MISSING: dict[Missing, Any] = {
    Missing.NOT_FOUND: {"detail": "Not Found"},
    Missing.BAD_REQUEST: {"error": {"value": 1002, "name": "INVALID_REQUEST"}, "message": "INVALID_REQUEST"},
    Missing.FORBIDDEN: {"detail": "Forbidden"},
    Missing.ERRORS: {"result": None, "errors": "Object does not exist."},
}


class Refusal(Exception):
    """A request cannot be carried out; `response` is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def json_response(body: Any, status: int = 200) -> Response:
    """Return `body` as JSON in UTF-8."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def unauthorized() -> Response:
    """Return a 401: the key is missing or wrong."""
    body = {"error": {"value": 1013, "name": "INVALID_TOKEN"}, "message": "INVALID_TOKEN"}
    return json_response(body, 401)


def not_json() -> Response:
    """Return a 400: the body of the request is not JSON."""
    return json_response({"result": [], "errors": "content must be JSON deserializable!"}, 400)


def not_found() -> Response:
    """Return a 404: there is no such path."""
    return json_response(_MISSING[Missing.NOT_FOUND], 404)


def missing(way: Missing) -> Response:
    """Return the answer to a request for an object that does not exist."""
    return json_response(_MISSING[way], way.status)


def idle() -> Response:
    """Return a 409: there is nothing to stop."""
    return json_response({"detail": "Conversation is not running"}, 409)


def method_not_allowed() -> Response:
    """Return a 405: the path exists, but not with this method."""
    return HTMLResponse("Method not allowed", 405)


def unprocessable(place: str, error: ValidationError) -> Response:
    """Return a 422: what the client sent in `place`, query or body, is not valid."""
    problems = [
        {"type": problem["type"], "loc": [place, *problem["loc"]], "msg": problem["msg"]} for problem in error.errors()
    ]
    return json_response({"detail": problems}, 422)


def wrapped(response: Response) -> Response:
    """Return an answer with its JSON object under the key `result`: what is an error or has that key stays as it is."""
    if response.status_code != HTTPStatus.OK or response.media_type != "application/json":
        return response
    content = msgspec.json.decode(bytes(response.body))
    return response if "result" in content else json_response({"result": content, "errors": None})
