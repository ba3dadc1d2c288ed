"""What may be ordered over the API, by whom, and in which form."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from monitor.cycle.manual_stops import AskedFor, CannotStop
from monitor.store.stops import Brake
from tests.support.build import START, stop
from tests.unit.web.conftest import NOW, TOKEN, Browser, FakeDaemon

PATH = "/api/v1/actions"
ORDER = {"action": "stop", "conversation_id": "Q29+/udg==", "asked_by": "alice"}
AUTH = {"Authorization": f"Bearer {TOKEN}"}
JSON = {**AUTH, "Content-Type": "application/json"}


async def send(web: httpx.AsyncClient, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    """Order something, with the right token unless `headers` say otherwise."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await web.post(PATH, content=content, headers=JSON if headers is None else headers)


@pytest.fixture
def trusted(browse: Browser, daemon: FakeDaemon) -> httpx.AsyncClient:
    """Return a client of a daemon with a token, which would stop anything."""
    daemon.stop_answer = AskedFor(stop=stop(asked_by="alice", fingerprint=""), brakes=[])
    return browse(token=TOKEN)


async def test_a_stop_is_begun_and_shown(trusted: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """The order reaches the daemon with id, project and person; the answer is what was begun and what it ignores."""
    brake = Brake(kind="protect", project="", target="c1", until=NOW, set_at=START, set_by="bob")
    daemon.stop_answer = AskedFor(stop=stop(asked_by="alice", fingerprint=""), brakes=[brake])
    answer = await send(trusted, {**ORDER, "project": "support"})
    assert answer.status_code == 202
    assert daemon.stops_asked == [("Q29+/udg==", "support", "alice")]
    action = answer.json()["action"]
    assert (action["state"], action["mode"], action["asked_by"]) == ("intended", "manual", "alice")
    assert [(each["kind"], each["set_by"]) for each in answer.json()["brakes"]] == [("protect", "bob")]


async def test_the_project_may_be_left_out(trusted: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Without a project the daemon looks for the run itself, and a charset does no harm."""
    answer = await send(trusted, ORDER, {**AUTH, "Content-Type": "Application/JSON; charset=utf-8"})
    assert answer.status_code == 202
    assert daemon.stops_asked == [("Q29+/udg==", None, "alice")]


@pytest.mark.parametrize(
    ("error", "status"),
    [(CannotStop("no run of this conversation is known", unknown=True), 404), (CannotStop("it is over"), 409)],
)
async def test_what_cannot_be_stopped_is_told(
    trusted: httpx.AsyncClient, daemon: FakeDaemon, error: CannotStop, status: int
) -> None:
    """What is unknown is 404 and what is over 409, each with the daemon's own words."""
    daemon.stop_answer = error
    answer = await send(trusted, ORDER)
    assert (answer.status_code, answer.text) == (status, f"{error}\n")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"action": "stop", "conversation_id": "\xff", "asked_by": "alice"}',
        b'{"action": "stop", "conversation_id": "\\ud800", "asked_by": "alice"}',
        b"[" * 4000,
        {},
        {**ORDER, "action": "delete"},
        {**ORDER, "conversation_id": ""},
        {**ORDER, "conversation_id": 1},
        {**ORDER, "conversation_id": None},
        {**ORDER, "conversation_id": "c" * 513},
        {**ORDER, "asked_by": ""},
        {**ORDER, "asked_by": "a" * 101},
        {**ORDER, "asked_by": "alice\nbob stopped it"},
        {**ORDER, "asked_by": "\x1b[2J"},
        {**ORDER, "projekt": "support"},
        {"action": "stop", "conversation_id": "c1"},
    ],
)
async def test_a_body_that_is_no_order_is_refused(trusted: httpx.AsyncClient, daemon: FakeDaemon, body: Any) -> None:
    """Whatever is not exactly an order is answered by 400 and one line, and nothing is asked of the daemon."""
    answer = await send(trusted, body)
    assert answer.status_code == 400
    assert answer.text.count("\n") == 1
    assert daemon.stops_asked == []


async def test_a_long_body_is_not_read_to_its_end(trusted: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """More than an order needs is refused as soon as it is seen, whatever length was announced."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1000:
            sent += 1
            yield b" " * 1024

    answer = await trusted.post(PATH, content=endless(), headers=JSON)
    assert (answer.status_code, daemon.stops_asked) == (413, [])
    assert sent < 1000


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_what_a_form_of_a_page_can_send_is_refused(
    trusted: httpx.AsyncClient, daemon: FakeDaemon, kind: str
) -> None:
    """A browser sends these kinds of bodies without asking us first: they order nothing."""
    answer = await send(trusted, ORDER, {**AUTH, "Content-Type": kind})
    assert (answer.status_code, daemon.stops_asked) == (415, [])


@pytest.mark.parametrize(("token", "status"), [(None, 403), (TOKEN, 401)])
async def test_an_order_wants_the_token_on_loopback_too(
    browse: Browser, daemon: FakeDaemon, token: str | None, status: int
) -> None:
    """Without a configured token nothing can be ordered and the answer says what to set; with one it must be sent."""
    headers = {"Content-Type": "application/json", "Authorization": "Bearer wrong"}
    answer = await send(browse(token=token), ORDER, headers)
    assert (answer.status_code, daemon.stops_asked) == (status, [])
    assert "web.token_file" in answer.text


async def test_a_page_of_another_origin_orders_nothing(trusted: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """A browser that was led here by a foreign page is refused even with the token."""
    answer = await send(trusted, ORDER, {**JSON, "Origin": "https://evil.example"})
    assert (answer.status_code, daemon.stops_asked) == (403, [])
