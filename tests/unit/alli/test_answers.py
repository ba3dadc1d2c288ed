"""What an answer means."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alli.answers import Reply, content, raise_for_status
from monitor.errors import ApiAuthError, ApiNotFound, ApiRefused, ApiUnavailable, ApiUnclear, MonitorError
from tests.unit.alli.kit import START

PRIVATE = "the text of a conversation"
INVALID_TOKEN = {"error": {"value": 1013, "name": "INVALID_TOKEN"}, "message": "INVALID_TOKEN"}


def reply(status: int = 200, body: Any = b"", headers: dict[str, str] | None = None, *, by_id: bool = True) -> Reply:
    """Return an answer; a body that is not bytes is sent as JSON."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(operation="get_thing", by_id=by_id, status=status, headers=httpx.Headers(headers), body=text)


def read(answer: Reply) -> bytes:
    """Do what the client does with an answer."""
    raise_for_status(answer, START)
    return content(answer)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, INVALID_TOKEN, ApiAuthError),
        (401, b"", ApiAuthError),
        (403, {"code": 7001, "message": "invalid key"}, ApiAuthError),
        (400, INVALID_TOKEN, ApiAuthError),
        (404, {"detail": "Not Found"}, ApiNotFound),
        (404, b"<html>", ApiNotFound),
        (410, b"", ApiNotFound),
        (400, {"errors": "Conversation not found"}, ApiNotFound),
        (400, {"error": {"name": "CHAT_NOT_FOUND"}}, ApiNotFound),
        (422, {"detail": [{"msg": "object does not exist"}]}, ApiNotFound),
        (400, {"result": [], "errors": "content must be JSON deserializable!"}, ApiRefused),
        (405, b"Method not allowed", ApiRefused),
        (400, ["not found"], ApiRefused),
        (422, {"detail": [{"type": "int", "loc": ["query"], "msg": "bad"}]}, ApiRefused),
        (429, b"", ApiUnavailable),
        (500, {"code": 7000, "message": "API error"}, ApiUnavailable),
        (502, b"<html>", ApiUnavailable),
        (503, b"", ApiUnavailable),
        (302, b"", ApiRefused),
        (304, b"", ApiRefused),
    ],
)
def test_a_status_that_is_no_success_becomes_its_error(status: int, body: Any, error: type[MonitorError]) -> None:
    """Each refusal and outage is the error that tells what to do, with its operation and code."""
    with pytest.raises(error) as caught:
        raise_for_status(reply(status, body), START)
    assert type(caught.value) is error
    assert "get_thing" in str(caught.value)
    assert str(status) in str(caught.value)
    assert getattr(caught.value, "code", status) == status


@pytest.mark.parametrize("status", [404, 410])
def test_without_an_object_in_the_path_not_found_is_a_refusal(status: int) -> None:
    """A list that is not there means a wrong address, not a deleted conversation."""
    with pytest.raises(ApiRefused) as caught:
        raise_for_status(reply(status, by_id=False), START)
    assert not isinstance(caught.value, ApiNotFound)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_success_raises_nothing(status: int) -> None:
    """Any 2xx is a success."""
    raise_for_status(reply(status), START)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refused_request_was_not_carried_out(status: int) -> None:
    """429 and 5xx count as not sent: they spend no stop."""
    with pytest.raises(ApiUnavailable) as caught:
        raise_for_status(reply(status), START)
    assert caught.value.sent is False


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"Retry-After": "86400"}, 3600.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After": formatdate(START + 40, usegmt=True)}, 40.0),
        ({"Retry-After": formatdate(START + 40, usegmt=True), "Date": formatdate(START + 10, usegmt=True)}, 30.0),
        ({"Retry-After": formatdate(START - 40, usegmt=True)}, 0.0),
        ({"Retry-After": formatdate(START + 90_000, usegmt=True)}, 3600.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    """Both forms are understood, dates in the server's own time, and no server makes us wait more than an hour."""
    with pytest.raises(ApiUnavailable) as caught:
        raise_for_status(reply(503, headers=headers), START)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://elsewhere.test/login?key=1", "elsewhere.test"),
        ("/login", "another path"),
        ("", "another path"),
        ("http://[", "an invalid address"),
    ],
)
def test_a_redirect_is_refused_and_names_only_the_host(location: str, named: str) -> None:
    """The credential never goes where an answer points; what else stands in the address may be private."""
    with pytest.raises(ApiRefused, match=named) as caught:
        raise_for_status(reply(302, headers={"Location": location}), START)
    assert "key=1" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"a": 1}', b'{"a": 1}'),
        (b'{"result": {"a": 1}}', b'{"a": 1}'),
        (b' {"errors": null, "result" : {"a": 1} } ', b'{"a": 1}'),
        (b'{"a": 1, "errors": [], "error": ""}', b'{"a": 1, "errors": [], "error": ""}'),
        (b'{"a": 1, "result": null}', b'{"a": 1, "result": null}'),
    ],
)
def test_the_content_of_an_answer_is_found_in_its_wrapper(body: bytes, text: bytes) -> None:
    """With or without a `result` wrapper, the object itself is returned."""
    assert bytes(content(reply(body=body))) == text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<!doctype html><title>Please wait</title>",
        b'{"conversations": [{"id": "x',
        b"[]",
        b"null",
        b"17",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"x}",
        {"errors": "internal error. Expecting value"},
        {"result": {"a": 1}, "errors": ["x"]},
        {"error": {"name": "SOMETHING"}},
        {"error": {"a": [[[[[[PRIVATE]]]]]]}},
    ],
)
def test_a_success_that_says_nothing_clear_is_unclear(body: Any) -> None:
    """Web pages, empty and broken bodies, and errors inside a 200 are no facts."""
    with pytest.raises(ApiUnclear, match="get_thing"):
        content(reply(body=body))


def test_a_success_that_tells_of_the_credential_or_of_a_missing_object_is_that() -> None:
    """The errors in a 200 mean what they mean elsewhere."""
    with pytest.raises(ApiAuthError):
        content(reply(body=INVALID_TOKEN))
    with pytest.raises(ApiNotFound):
        content(reply(body={"errors": "conversation not found"}))
    with pytest.raises(ApiUnclear):
        content(reply(body={"errors": "conversation not found"}, by_id=False))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'{"a": "x\ud800y"}', {"a": "x\ufffdy"}),
        (rb'{"a": "\ud83d\ude00", "b": "\udc00"}', {"a": "\U0001f600", "b": "\ufffd"}),
        (b'{"a": NaN, "b": -Infinity}', {"a": "\ufffd", "b": "\ufffd"}),
        (rb'{"a": 1e999, "b": "\ud800"}', {"a": "\ufffd", "b": "\ufffd"}),
        (rb'{"result": {"a": "\ud800"}}', {"a": "\ufffd"}),
    ],
)
def test_what_strict_json_refuses_does_not_lose_the_answer(body: bytes, value: Any) -> None:
    """One unpaired surrogate or NaN in one message would otherwise blind us for the whole page."""
    assert msgspec.json.decode(content(reply(body=body))) == value


@settings(max_examples=200)
@given(st.binary() | st.text().map(str.encode))
def test_any_body_has_a_content_or_is_an_error_of_ours(body: bytes) -> None:
    """No bytes make reading an answer raise a foreign exception."""
    for status in (200, 400, 500):
        try:
            read(reply(status, body))
        except MonitorError:
            continue


@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 500])
def test_messages_quote_nothing_from_the_answer(status: int) -> None:
    """What Alli sends, a conversation's text perhaps, stays out of errors and so out of logs."""
    answer = reply(status, {"errors": PRIVATE, "message": PRIVATE}, {"X": PRIVATE, "Retry-After": PRIVATE})
    with pytest.raises(MonitorError) as caught:
        read(answer)
    assert PRIVATE not in str(caught.value)
