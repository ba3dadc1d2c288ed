"""What an answer means."""

from __future__ import annotations

import json
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alli.answers import Reply, content, raise_for_errors, raise_for_status, signature, unclear
from monitor.errors import ApiAuthError, ApiNotFound, ApiRefused, ApiUnavailable, ApiUnclear, MonitorError
from tests.unit.alli.kit import START, make_id

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


# Operations of their own kind


def test_a_403_of_an_operation_that_may_be_barred_is_no_word_about_the_credential() -> None:
    """It is a refusal of this operation, unless its text names the token; a 401 always is about the credential."""
    barred = Reply(operation="count", by_id=False, may_be_barred=True, status=403, headers={}, body=b"<html>")
    with pytest.raises(ApiRefused) as caught:
        raise_for_status(barred, START)
    assert type(caught.value) is ApiRefused
    for answer in (replace(barred, status=401), replace(barred, body=json.dumps(INVALID_TOKEN).encode())):
        with pytest.raises(ApiAuthError):
            raise_for_status(answer, START)


@pytest.mark.parametrize("body", [b"", b" \n", b"null", b" null ", b"{}", b'{"errors": null}', {"id": "x"}])
def test_a_success_without_content_may_say_nothing(body: Any) -> None:
    """An operation whose answer is not described may answer with nothing, or with an object that tells of no error."""
    raise_for_errors(reply(body=body))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"<title>Please log in</title>", ApiUnclear),
        (b"ok", ApiUnclear),
        (b"[]", ApiUnclear),
        ({"errors": "no"}, ApiUnclear),
        ({"errors": "chat not found"}, ApiNotFound),
        (INVALID_TOKEN, ApiAuthError),
    ],
)
def test_a_success_without_content_may_tell_of_an_error(body: Any, error: type[MonitorError]) -> None:
    """A web page or an error inside a 200 is no success."""
    with pytest.raises(error):
        raise_for_errors(reply(body=body))


# Signatures

ID = make_id("Conversation", START, 1)


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (404, {"detail": "Not Found"}, "404 Not Found"),
        (403, {"detail": "Forbidden"}, "403 Forbidden"),
        (400, {"error": {"value": 1002, "name": "INVALID"}, "message": "INVALID"}, "400 INVALID INVALID"),
        (400, {"errors": f"Conversation '{ID}' is gone."}, "400 Conversation # is gone."),
        (400, {"errors": ["no object", "6046b5372dad0026e91c29d1"]}, "400 no object #"),
        (422, {"detail": [{"loc": ["path", "id"], "msg": "bad"}]}, "422 path id bad"),
        (200, {"result": None, "errors": "does not exist"}, "200 does not exist"),
        (200, {"result": None, "errors": None}, '200 {"result": null, "errors": null}'),
        (200, {"result": {"conversation": None}, "errors": []}, '200 {"result": {"conversation": null}, "errors": []}'),
        (200, b"null", "200 null"),
        (400, b"{}", "400 {}"),
        (400, {"errors": "a\u0000b\n\n  c\u202e"}, "400 a#b c#"),
        (400, {"errors": "x" * 200}, "400 " + "x" * 76),
    ],
)
def test_a_signature_is_the_status_and_what_is_told(status: int, body: Any, text: str) -> None:
    """Ids, numbers and what cannot be printed are replaced, and it is short: it is stored and shown."""
    assert signature(reply(status, body)) == text


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"detail": "Unauthorized"}),
        (403, INVALID_TOKEN),
        (200, {"isRunning": False}),
        (200, {"message": PRIVATE}),
        (200, {"chatCount": 0}),
        (403, {"reason": "a body of a gateway"}),
        (403, b"<html>The request could not be satisfied."),
        (403, b""),
        (200, b"[" * 100_000),
        (200, b"\xff"),
    ],
)
def test_what_may_mean_anything_has_no_signature(status: int, body: Any) -> None:
    """A refused credential, a page of somebody in between, or a value is never a word about what does not exist."""
    assert signature(reply(status, body)) is None


def test_two_ids_leave_the_same_signature() -> None:
    """The answer about one missing object is known again for another."""
    texts = {
        signature(reply(400, {"errors": f"Chat {make_id('Chat', START, number)} of {number} is gone"}))
        for number in range(50)
    }
    assert texts == {"400 Chat # of # is gone"}


def test_errors_carry_the_signature_of_a_request_by_id() -> None:
    """Refusals and unclear answers do, where one object was named, and outages never do."""
    for status, told in ((400, "no"), (403, "no"), (404, "no")):
        for by_id, text in ((True, f"{status} no"), (False, None)):
            with pytest.raises(ApiRefused) as refused:
                raise_for_status(reply(status, {"detail": told}, by_id=by_id), START)
            assert refused.value.signature == text
    with pytest.raises(ApiUnclear) as caught:
        content(reply(200, {"errors": "no"}))
    assert caught.value.signature == "200 no"
    with pytest.raises(ApiNotFound) as gone:
        content(reply(200, {"errors": "not found"}))
    assert gone.value.signature == "200 not found"
    assert unclear(reply(200, b"null", by_id=False), "which is null").signature is None


@settings(max_examples=200)
@given(st.integers(200, 599), st.binary() | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(json.dumps))
def test_any_answer_has_a_signature_or_none(status: int, body: bytes | str) -> None:
    """No answer makes this raise; what comes out is short and printable."""
    text = signature(reply(status, body if isinstance(body, bytes) else body.encode(errors="surrogatepass")))
    assert text is None or (len(text) <= 80 and text.isprintable())


@pytest.mark.parametrize(
    "body",
    [
        b'{"result": {"isRunning": true}, "result": {"isRunning": false}}',
        b'{"res\xf9lt": 1, "result": {"isRunning": false}}',
        b'{"isRunning": true, "isRunning": false, "temperature": NaN}',
    ],
)
def test_what_is_damaged_around_a_result_is_no_content(body: bytes) -> None:
    """A key that is given twice, or bytes that are no UTF-8, make an answer unclear and not the one or the other."""
    with pytest.raises(ApiUnclear):
        read(reply(200, body))
