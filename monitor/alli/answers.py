"""
What an answer of Alli means.

An answer is taken for a fact only when it says so clearly. What is known of its errors comes from its documentation
and from public client code: ``{"error": {"value", "name"}, "message"}``, ``{"result", "errors"}``, ``{"error": text}``,
``{"code", "message"}`` and ``{"detail"}``, and bodies that are not JSON at all. Messages of the errors raised here
quote nothing from the body.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import urlsplit

import msgspec

from monitor.alli.server_time import parse_http_date
from monitor.errors import ApiAuthError, ApiNotFound, ApiRefused, ApiUnavailable, ApiUnclear

__all__ = ["UNREADABLE", "Reply", "content", "is_sound", "raise_for_errors", "raise_for_status", "signature", "unclear"]

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for JSON that it cannot read or that has another shape than asked for."""

_ABOUT_CREDENTIAL = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_ERRORS = ("error", "errors")  # these tell of an error even in a success
_REFUSALS = (*_ERRORS, "message", "detail")
_LONGEST_SIGNATURE = 80  # characters
_LONGEST_WAIT = 3600.0  # seconds; a longer Retry-After is cut to this
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,3})?", re.ASCII)
_INVALID_TOKEN = re.compile(r"\bINVALID_TOKEN\b")
_NOT_FOUND = re.compile(r"(?<![a-z])not[ _]?found\b|\bdoes(n't| not) exist\b", re.IGNORECASE)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CHANGING = re.compile(r"\S*\d\S*")  # an id, time or count: it has a digit
_NONSENSE = "\ufffd"  # in place of NaN and the like: no id, number or truth, so that what needs one is set aside


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """
    One answer as it came: `body` is decompressed.

    `operation` is the name of what was asked for, and `by_id` whether that named one object, a conversation or chat
    for example, which then may not exist. `may_be_barred` is whether a 403 is about this operation alone, and says
    nothing about the credential.
    """

    operation: str
    by_id: bool
    may_be_barred: bool = False
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Envelope(msgspec.Struct):
    """The keys that wrap a result or tell an error, on any answer."""

    result: msgspec.Raw = msgspec.Raw(b"null")
    errors: Any = None
    error: Any = None


def raise_for_status(reply: Reply, now: float) -> None:
    """
    Raise what the status of `reply` says; return when it is 2xx. Raises all kinds of API errors but ApiUnclear.

    `now` is the server time, for an answer that asks us to wait until a date and has no `Date` itself.
    """
    status = reply.status
    if _is_good(status):
        return
    texts = _error_texts(reply.body)
    barred = reply.may_be_barred and status == HTTPStatus.FORBIDDEN
    if (status in _ABOUT_CREDENTIAL and not barred) or _any(_INVALID_TOKEN, texts):
        _raise_auth_error(reply)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise ApiUnavailable(
            f"{reply.operation}: Alli answered {status}; trying again later may help",
            retry_after=_retry_after(reply.headers, now),
        )
    if reply.by_id and (status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE} or _any(_NOT_FOUND, texts)):
        _raise_not_found(reply)
    if status < HTTPStatus.BAD_REQUEST:
        raise ApiRefused(
            f"{reply.operation}: Alli answered {status} and sends us to {_target(reply.headers)}, where the credential "
            "does not go; set base_url to the right address",
            code=status,
        )
    raise ApiRefused(
        f"{reply.operation}: Alli refused the request with {status}; check base_url and headers of the project",
        code=status,
        signature=_signature(reply),
    )


def content(reply: Reply) -> bytes:
    """
    Return the JSON text of what was asked for, out of a 2xx answer and without its `result` wrapper.

    Raises ApiUnclear when the body is no JSON object or tells of errors, ApiAuthError or ApiNotFound when these say so.
    """
    body = reply.body
    try:
        envelope = _decoded(body)
    except UNREADABLE:
        body = _repaired(reply)
        try:
            envelope = _decoded(body)
        except UNREADABLE:
            raise unclear(reply, "which is not the JSON object that it should be") from None
    _raise_for_errors(reply, envelope)
    result = bytes(envelope.result)
    if not result.startswith(b"{"):
        return body
    if not is_sound(body) and is_sound(result):
        raise unclear(reply, "which is damaged around its result")
    return result


def is_sound(text: bytes | msgspec.Raw) -> bool:
    """
    Whether a JSON text is what its server wrote: all of it is UTF-8, and no object gives a key twice.

    msgspec looks at neither: it skips what it is not asked for, and takes the last of two values.
    """
    try:
        json.loads(str(text, "utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return False
    return True


def raise_for_errors(reply: Reply) -> None:
    """
    Raise what a 2xx answer that has no content to show says nevertheless; return when it is empty, null or an object.

    Raises ApiUnclear when it tells of errors or is anything else, ApiAuthError or ApiNotFound when its errors say so.
    """
    if reply.body.strip() in {b"", b"null"}:  # what servers send for nothing
        return
    content(reply)


def signature(reply: Reply) -> str | None:
    """
    Write down in at most 80 characters how a server answers about an object that does not exist.

    It is the status and the texts that tell of an error, with ``#`` for every word that has a digit, as ids have:
    ``400 Chat # is gone``. An answer that holds nothing but keys is its own text: ``200 {"result": null}``. None for an
    answer that tells no such thing: one about the credential, one that is not JSON and may come from anybody between
    us and Alli, and one that holds anything else.
    """
    try:
        value = json.loads(reply.body)
        texts = _told(value, _ERRORS if _is_good(reply.status) else _REFUSALS)
        if reply.status == HTTPStatus.UNAUTHORIZED or _any(_INVALID_TOKEN, texts):
            return None
        if not texts and _is_empty(value):
            texts = [json.dumps(value)]
    except (ValueError, RecursionError):
        return None
    words = " ".join(_CHANGING.sub("#", " ".join(texts)).split())
    printable = "".join(character if character.isprintable() else "#" for character in words)
    return f"{reply.status} {printable}"[:_LONGEST_SIGNATURE] if words else None


def unclear(reply: Reply, why: str) -> ApiUnclear:
    """Return the error that `reply`, a success, says nothing; `why` ends the sentence "Alli answered 200, ..."."""
    return ApiUnclear(
        f"{reply.operation}: Alli answered {reply.status}, {why}; nothing was learnt from it. If it stays like this, "
        "check base_url and what stands between us and Alli",
        signature=_signature(reply),
    )


def _signature(reply: Reply) -> str | None:
    return signature(reply) if reply.by_id else None


def _is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_empty(each) for each in value.values())
    return value in (None, "", [])


def _is_good(status: int) -> bool:
    return HTTPStatus(200) <= status < HTTPStatus.MULTIPLE_CHOICES


def _decoded(body: bytes) -> _Envelope:
    return msgspec.json.decode(body, type=_Envelope)


def _raise_for_errors(reply: Reply, envelope: _Envelope) -> None:
    told = [told for told in (envelope.errors, envelope.error) if told]  # null, "" and [] tell of none
    if not told:
        return
    texts = list(_texts(told))
    if _any(_INVALID_TOKEN, texts):
        _raise_auth_error(reply)
    if reply.by_id and _any(_NOT_FOUND, texts):
        _raise_not_found(reply)
    raise unclear(reply, "which tells of an error")


def _repaired(reply: Reply) -> bytes:
    """Return the body as strict JSON: msgspec refuses a whole page for one unpaired surrogate or NaN, json does not."""
    try:
        value = json.loads(
            reply.body, parse_constant=lambda _: _NONSENSE, parse_float=_finite, object_pairs_hook=_unique
        )
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        kind = "HTML" if "html" in reply.headers.get("content-type", "") else f"{len(reply.body)} bytes"
        raise unclear(reply, f"with {kind} that cannot be read as JSON") from None
    return _LONE_SURROGATE.sub("\ufffd", text).encode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _finite(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else _NONSENSE


def _raise_auth_error(reply: Reply) -> NoReturn:
    raise ApiAuthError(
        f"{reply.operation}: Alli refused the credential with {reply.status}; check the API key of the project",
        code=reply.status,
        signature=_signature(reply),
    )


def _raise_not_found(reply: Reply) -> NoReturn:
    raise ApiNotFound(
        f"{reply.operation}: Alli answered {reply.status}: this does not exist (any more)",
        code=reply.status,
        signature=_signature(reply),
    )


def _error_texts(body: bytes) -> list[str]:
    """Return the texts under the keys that tell of a refusal, whatever the shape of the body."""
    try:
        return _told(json.loads(body), _REFUSALS)
    except (ValueError, RecursionError):
        return []


def _told(value: Any, keys: tuple[str, ...]) -> list[str]:
    return list(_texts([value.get(key) for key in keys])) if isinstance(value, dict) else []


def _texts(value: Any, depth: int = 4) -> list[str]:
    if isinstance(value, str):
        return [value]
    if depth == 0 or not isinstance(value, dict | list):
        return []
    children = value.values() if isinstance(value, dict) else value
    return [text for child in children for text in _texts(child, depth - 1)]


def _any(pattern: re.Pattern[str], texts: list[str]) -> bool:
    return any(pattern.search(text) for text in texts)


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return how many seconds the server asks us to wait (RFC 9110, section 10.2.3), at most an hour."""
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), _LONGEST_WAIT)
    until = parse_http_date(text)
    if until is None:
        return None
    return min(max(until - (parse_http_date(headers.get("date")) or now), 0.0), _LONGEST_WAIT)


def _target(headers: Mapping[str, str]) -> str:
    try:
        return urlsplit(headers.get("location", "")).hostname or "another path"
    except ValueError:
        return "an invalid address"
