"""
Answers that are not what the client hoped for.

The envelopes are those reported of the live API or stated in its documentation: 401 with an `INVALID_TOKEN` object,
400 for a body that is not JSON, 405 as HTML, 422 in the form of django-ninja. What the API answers for an object that
does not exist is not known; django-ninja's 404 is imitated.
"""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import ValidationError
from starlette.responses import HTMLResponse, Response

__all__ = ["Refusal", "json_response", "method_not_allowed", "not_found", "not_json", "unauthorized", "unprocessable"]


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
    """Return a 404: there is no such object."""
    return json_response({"detail": "Not Found"}, 404)


def method_not_allowed() -> Response:
    """Return a 405: the path exists, but not with this method."""
    return HTMLResponse("Method not allowed", 405)


def unprocessable(place: str, error: ValidationError) -> Response:
    """Return a 422: what the client sent in `place`, query or body, is not valid."""
    problems = [
        {"type": problem["type"], "loc": [place, *problem["loc"]], "msg": problem["msg"]} for problem in error.errors()
    ]
    return json_response({"detail": problems}, 422)
