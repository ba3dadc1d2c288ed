"""Drills over the API: shapes, who may begin them, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from monitor.alerting.muting import MutePolicy
from tests.support.rig_inbox import Inbox
from tests.unit.web.conftest import TOKEN, Browser, FakeDaemon

PATH = "/api/v1/drills"
DRILL = {"asked_by": "alice"}
AUTH = {"Authorization": f"Bearer {TOKEN}"}
AT_NOW, TEN_MINUTES_LATER = "2027-01-15T08:10:00.000Z", "2027-01-15T08:20:00.000Z"


@pytest.fixture
def trusted(browse: Browser, daemon: FakeDaemon) -> httpx.AsyncClient:
    """Return a client that sends the right token, of a daemon that tells one receiver."""
    inbox = Inbox(clock=daemon.clock)
    daemon.announcer.adopt(daemon.announcer.tree, {"oncall": [inbox]}, lambda _: "", MutePolicy())
    client = browse(token=TOKEN)
    client.headers.update(AUTH)
    return client


async def test_a_drill_is_begun_shown_and_ended(trusted: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """It is answered in its shape, wakes the outbox, is found under its id, and ends as often as it is asked to."""
    answer = await trusted.post(PATH, json={**DRILL, "labels": {"team": "bi"}, "receiver": "oncall"})
    assert answer.status_code == 201
    assert daemon.wakes == 1
    drill = answer.json()["drill"]
    waiting = {
        "queued_after_seconds": None,
        "accepted_after_seconds": None,
        "attempts": 0,
        "error": "",
        "set_aside": False,
    }
    assert drill == {
        "id": drill["id"],
        "fingerprint": drill["fingerprint"],
        "labels": {"alertname": "Drill", "severity": "info", "team": "bi", "drill": drill["id"]},
        "state": "firing",
        "began_at": AT_NOW,
        "ends_at": TEN_MINUTES_LATER,
        "legs": [
            {
                "integration": "oncall/webhook[0]",
                "receiver": "oncall",
                "route": "{}",
                "group_wait_seconds": 0.0,
                "group_interval_seconds": 60.0,
                "sends_resolved": True,
                "muted_by": None,
                "firing": waiting,
                "resolved": None,
            }
        ],
    }
    path = f"{PATH}/{drill['id']}"
    assert (await trusted.get(path)).json() == {"drill": drill}
    daemon.clock.advance(5)
    for _ in range(2):
        ended = await trusted.delete(path, params={"by": "bob"})
        assert ended.status_code == 200
        daemon.clock.advance(5)
    over = (await trusted.get(path)).json()["drill"]
    assert (over["state"], over["ends_at"]) == ("resolved", "2027-01-15T08:10:05.000Z")
    assert over["legs"][0]["resolved"] == waiting


async def test_what_cannot_be_is_refused(trusted: httpx.AsyncClient) -> None:
    """A second drill and a receiver that is not reached are 409, an unknown drill is 404, each with a reason."""
    refused = await trusted.post(PATH, json={**DRILL, "receiver": "other"})
    assert (refused.status_code, "not to other" in refused.text) == (409, True)
    first = (await trusted.post(PATH, json=DRILL)).json()["drill"]["id"]
    second = await trusted.post(PATH, json=DRILL)
    assert (second.status_code, first in second.text) == (409, True)
    for answer in (await trusted.get(f"{PATH}/x"), await trusted.delete(f"{PATH}/x", params={"by": "bob"})):
        assert (answer.status_code, answer.text) == (404, "there is no drill 'x'\n")


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {**DRILL, "more": 1},
        {"asked_by": ""},
        {"asked_by": "a\nb"},
        {"asked_by": "a" * 101},
        {**DRILL, "labels": {"drill": "mine"}},
        {**DRILL, "labels": {"__name__": "x"}},
        {**DRILL, "labels": {"a b": "x"}},
        {**DRILL, "labels": {"a": ""}},
        {**DRILL, "labels": {"a": 1}},
        {**DRILL, "labels": {f"l{number}": "x" for number in range(65)}},
    ],
)
async def test_a_body_that_is_no_drill_is_refused(trusted: httpx.AsyncClient, body: Any) -> None:
    """What has another shape, or labels that cannot be, begins nothing."""
    assert (await trusted.post(PATH, json=body)).status_code == 400
    assert (await trusted.post(PATH, json=DRILL)).status_code == 201


async def test_to_drill_needs_the_token(browse: Browser, trusted: httpx.AsyncClient) -> None:
    """On loopback everybody may look at a drill, and only who has the token begins or ends one."""
    stranger = browse(token=TOKEN)
    assert (await stranger.post(PATH, json=DRILL)).status_code == 401
    drill = (await trusted.post(PATH, json=DRILL)).json()["drill"]["id"]
    assert (await stranger.get(f"{PATH}/{drill}")).status_code == 200
    assert (await stranger.delete(f"{PATH}/{drill}", params={"by": "bob"})).status_code == 401
    assert (await trusted.delete(f"{PATH}/{drill}")).status_code == 400
