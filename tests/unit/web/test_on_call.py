"""Silences and acknowledgements over the API: shapes, who may make them, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from monitor.model.alert import AlertState
from monitor.notify.alertmanager import Alertmanager
from monitor.store import Transaction
from monitor.store.groups import NotificationGroup
from tests.support.build import START, alert, identity
from tests.support.receivers import fired
from tests.unit.web.conftest import NOW, TOKEN, Browser, FakeDaemon

AUTH = {"Authorization": f"Bearer {TOKEN}"}
AT_NOW = "2027-01-15T08:10:00.000Z"
SILENCE = {"matchers": ["alertname=RunOverLimit"], "author": "alice", "comment": "점검 중", "until": "2h"}
LABELS = {"alertname": "RunOverLimit", "severity": "critical"}
FIRING = alert(identity(run_id="run-1", conversation_id="c1"), labels=LABELS)


@pytest.fixture
def trusted(browse: Browser) -> httpx.AsyncClient:
    """Return a client that sends the right token."""
    client = browse(token=TOKEN)
    client.headers.update(AUTH)
    return client


@pytest.fixture
async def firing(daemon: FakeDaemon) -> None:
    """Let one alert fire."""
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([FIRING])


async def post(web: httpx.AsyncClient, path: str, body: Any, status: int = 201) -> Any:
    """Send a body, and return the JSON or the text of an answer with this status."""
    answer = await web.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.is_success else answer.text


async def get(web: httpx.AsyncClient, path: str) -> Any:
    """Return the JSON of a good answer."""
    answer = await web.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


# Silences


async def test_a_silence_is_made_listed_and_ended(trusted: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """It is answered and listed in its shape while it holds, and after its end only with all of them."""
    made = (await post(trusted, "silences", SILENCE))["silence"]
    assert made == {
        "id": made["id"],
        "state": "active",
        "matchers": ['alertname="RunOverLimit"'],
        "author": "alice",
        "comment": "점검 중",
        "created_at": AT_NOW,
        "starts_at": AT_NOW,
        "ends_at": "2027-01-15T10:10:00.000Z",
        "until_resolved": False,
        "ended_by": None,
    }
    assert await get(trusted, "silences") == {"silences": [made]}
    daemon.clock.advance(60)
    answer = await trusted.delete(f"/api/v1/silences/{made['id']}", params={"by": "bob"})
    over = answer.json()["silence"]
    assert (over["state"], over["ends_at"], over["ended_by"]) == ("expired", "2027-01-15T08:11:00.000Z", "bob")
    assert await get(trusted, "silences") == {"silences": []}
    assert await get(trusted, "silences?state=all") == {"silences": [over]}
    assert daemon.wakes == 2


async def test_a_silence_begins_and_ends_when_it_is_told_to(trusted: httpx.AsyncClient) -> None:
    """Start and end are durations from now or times, whatever zone they name."""
    body = {**SILENCE, "starts_at": "30m", "until": "2027-01-15T20:00+09:00"}
    made = (await post(trusted, "silences", body))["silence"]
    assert (made["state"], made["starts_at"], made["ends_at"]) == (
        "pending",
        "2027-01-15T08:40:00.000Z",
        "2027-01-15T11:00:00.000Z",
    )


@pytest.mark.usefixtures("firing")
async def test_a_silence_lasts_until_alerts_resolve(trusted: httpx.AsyncClient) -> None:
    """Without an end it waits for what fires now; where nothing does, that is a conflict."""
    body = {"matchers": ["severity=~crit.*"], "author": "alice", "comment": "x", "until_resolved": True}
    made = (await post(trusted, "silences", body))["silence"]
    assert (made["state"], made["ends_at"], made["until_resolved"]) == ("active", None, True)
    text = await post(trusted, "silences", {**body, "matchers": ["severity=info"]}, 409)
    assert text == "nothing that this matches fires now: give the silence a time to end\n"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"matchers": []}, "matchers"),
        ({"matchers": ["app!=Billing"]}, "match everything"),
        ({"matchers": ["RunOverLimit"]}, "RunOverLimit"),
        ({"matchers": ["app=~("]}, "regular expression"),
        ({"matchers": ["a=b"] * 65}, "matchers"),
        ({"matchers": ["a=" + "b" * 2048]}, "matchers"),
        ({"author": ""}, "author"),
        ({"author": "a\nb"}, "author"),
        ({"comment": ""}, "comment"),
        ({"comment": "c" * 1001}, "comment"),
        ({"until": None}, "either until or until_resolved"),
        ({"until_resolved": True}, "either until or until_resolved"),
        ({"until": "2 hours"}, "until: '2 hours' is neither a duration"),
        ({"until": "2027-01-15T08:00Z"}, "until: '2027-01-15T08:00Z' is not in the future"),
        ({"until": "2y"}, "more than a year"),
        ({"until": "999999y"}, "more than a year"),
        ({"starts_at": "2h", "until": "1h"}, "until should be after starts_at"),
        ({"starts_at": "1h", "until": None, "until_resolved": True}, "leave out starts_at"),
        ({"till": "2h"}, "till"),
    ],
)
async def test_what_is_no_silence_is_refused(trusted: httpx.AsyncClient, change: dict[str, Any], says: str) -> None:
    """Each mistake is 400 and one line that names it, and nothing is written."""
    text = await post(trusted, "silences", {**SILENCE, **change}, 400)
    assert says in text
    assert text.count("\n") == 1
    assert await get(trusted, "silences?state=all") == {"silences": []}


@pytest.mark.parametrize(("by", "status"), [("", 400), ("a\nb", 400), ("a" * 101, 400), ("bob", 404)])
async def test_who_ends_a_silence_is_said(trusted: httpx.AsyncClient, by: str, status: int) -> None:
    """Without a proper name nothing is looked for; with one, what does not exist is 404."""
    answer = await trusted.delete("/api/v1/silences/00000000", params={"by": by})
    assert answer.status_code == status


# Acknowledgements


@pytest.mark.usefixtures("firing")
async def test_an_alert_is_acknowledged_and_shown(trusted: httpx.AsyncClient) -> None:
    """The acknowledgement has its shape, lasts eight hours by default, and stands at its alert until withdrawn."""
    body = {"fingerprint": FIRING.fingerprint, "by": "alice", "comment": "looking"}
    [made] = (await post(trusted, "acks", body))["acks"]
    assert made == {
        "fingerprint": FIRING.fingerprint,
        "project": "support",
        "alertname": "RunOverLimit",
        "subject": {"conversation_id": "c1", "run_id": "run-1"},
        "by": "alice",
        "comment": "looking",
        "acked_at": AT_NOW,
        "until": "2027-01-15T16:10:00.000Z",
        "ended_at": None,
        "end": None,
        "ended_by": None,
    }
    assert await get(trusted, "acks") == {"acks": [made]}
    [shown] = (await get(trusted, "alerts"))["alerts"]
    assert (shown["acked_by"], shown["acked_until"]) == ("alice", "2027-01-15T16:10:00.000Z")
    answer = await trusted.delete(f"/api/v1/acks/{FIRING.fingerprint}", params={"by": "bob"})
    over = {**made, "ended_at": AT_NOW, "end": "withdrawn", "ended_by": "bob"}
    assert answer.json() == {"acks": [over]}
    assert await get(trusted, "acks") == {"acks": []}
    assert await get(trusted, "acks?state=all") == {"acks": [over]}
    [shown] = (await get(trusted, "alerts"))["alerts"]
    assert shown["acked_by"] is None


@pytest.mark.usefixtures("firing")
async def test_alerts_are_acknowledged_by_matchers(trusted: httpx.AsyncClient) -> None:
    """Matchers mean all that fires now; where nothing matches, that is a conflict."""
    made = await post(trusted, "acks", {"matchers": ["severity=critical"], "by": "alice", "until": "10m"})
    assert [ack["until"] for ack in made["acks"]] == ["2027-01-15T08:20:00.000Z"]
    await post(trusted, "acks", {"matchers": ["severity=info"], "by": "alice"}, 409)


async def test_an_acknowledgement_of_an_earlier_firing_is_not_shown(
    trusted: httpx.AsyncClient, daemon: FakeDaemon
) -> None:
    """An alert that fires anew before anybody looked is not shown as taken care of."""
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([FIRING])
    await post(trusted, "acks", {"fingerprint": FIRING.fingerprint, "by": "alice"})
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([replace(FIRING, fired_at=START + 500)])
    [shown] = (await get(trusted, "alerts"))["alerts"]
    assert shown["acked_by"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"by": "alice"}, 400),
        ({"by": "alice", "fingerprint": "0" * 16, "matchers": ["a=b"]}, 400),
        ({"by": "", "fingerprint": "0" * 16}, 400),
        ({"by": "a\x1b[2J", "fingerprint": "0" * 16}, 400),
        ({"by": "alice", "fingerprint": "0" * 16, "until": "soon"}, 400),
        ({"by": "alice", "fingerprint": "0" * 16, "until": None}, 400),
        ({"by": "alice", "matchers": ["a!=b"]}, 400),
        ({"by": "alice", "fingerprint": "0" * 16}, 404),
    ],
)
async def test_what_is_no_acknowledgement_is_refused(
    trusted: httpx.AsyncClient, body: dict[str, Any], status: int
) -> None:
    """Each mistake is one line, and an alert that nobody knows is 404."""
    assert (await post(trusted, "acks", body, status)).count("\n") == 1
    assert (await trusted.delete(f"/api/v1/acks/{'0' * 16}", params={"by": "alice"})).status_code == 404


# What holds alerts back


async def test_alerts_say_what_mutes_them(trusted: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """An open alert names its silence, and what its groups found on the way to a receiver; a resolved one nothing."""
    over = alert(identity("SlowRun"), labels=LABELS, state=AlertState.RESOLVED, resolved_at=START + 9)
    group = NotificationGroup(integration="oncall/webhook[0]", key="{}:{}", route="{}", labels={})
    muted = {FIRING.fingerprint: "inhibition 0123", over.fingerprint: "inhibition 0123", "x": "silence y"}
    made = (await post(trusted, "silences", SILENCE))["silence"]
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([FIRING, over])
        await _remember(tx, group, muted)
    shown = {each["alertname"]: each["muted_by"] for each in (await get(trusted, "alerts?state=all"))["alerts"]}
    assert shown == {"RunOverLimit": [f"silence {made['id']}", "inhibition 0123"], "SlowRun": []}


async def _remember(tx: Transaction, group: NotificationGroup, muted: dict[str, str]) -> None:
    """Let a group have found that these alerts are muted."""
    await tx.groups.tell(group, fired(), at=NOW, due_at=NOW)
    await tx.groups.settle(replace(group, muted=muted), flush_at=None)


# Who may


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "silences"), ("DELETE", "silences/x"), ("POST", "acks"), ("DELETE", "acks/x")],
)
@pytest.mark.parametrize(("token", "status"), [(None, 403), (TOKEN, 401)])
async def test_what_changes_something_wants_the_token(
    browse: Browser, method: str, path: str, token: str | None, status: int
) -> None:
    """On loopback too nothing is silenced or acknowledged without the token."""
    answer = await browse(token=token).request(method, f"/api/v1/{path}", json={})
    assert answer.status_code == status


async def test_a_form_of_a_page_silences_nothing(trusted: httpx.AsyncClient) -> None:
    """A body that a browser sends for any page is refused, and so is one that is too long."""
    answer = await trusted.post("/api/v1/silences", content=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
    await post(trusted, "silences", {**SILENCE, "comment": "x" * 70_000}, 413)


@pytest.mark.usefixtures("firing")
async def test_who_did_what_is_logged(trusted: httpx.AsyncClient) -> None:
    """Each change is a line of the log with who and what; a comment may hold anything, and stays out of it."""
    with capture_logs() as logs:
        made = (await post(trusted, "silences", SILENCE))["silence"]
        await trusted.delete(f"/api/v1/silences/{made['id']}", params={"by": "bob"})
        await post(trusted, "acks", {"fingerprint": FIRING.fingerprint, "by": "carol", "comment": "점검 중"})
        await trusted.delete(f"/api/v1/acks/{FIRING.fingerprint}", params={"by": "dave"})
    assert [(line["event"], line["what"], line["who"]) for line in logs] == [
        ("silence", "created", "alice"),
        ("silence", "expired", "bob"),
        ("ack", "acknowledged", "carol"),
        ("ack", "withdrawn", "dave"),
    ]
    assert {line["log_level"] for line in logs} == {"info"}
    assert "점검" not in str(logs)


async def test_where_alertmanager_is_told_alone_it_is_named(trusted: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Reading and changing are 409 and lead to Alertmanager, without what its address hides."""
    endpoint: Any = SimpleNamespace(url=SecretStr("http://user:secret@am.example:9093/token/api/v2/alerts"))
    alertmanager = Alertmanager(name="am/0", receiver="am", endpoint=endpoint, clock=daemon.clock)
    daemon.announcer.integrations["am/0"] = alertmanager
    answers = [
        await trusted.get("/api/v1/silences"),
        await trusted.get("/api/v1/acks"),
        await trusted.post("/api/v1/silences", json=SILENCE),
        await trusted.post("/api/v1/acks", json={"fingerprint": "0" * 16, "by": "alice"}),
        await trusted.delete("/api/v1/silences/x?by=alice"),
        await trusted.delete("/api/v1/acks/x?by=alice"),
    ]
    for answer in answers:
        assert answer.status_code == 409
        assert "amtool --alertmanager.url=http://am.example:9093 silence add" in answer.text
        assert "secret" not in answer.text
        assert "token" not in answer.text


@pytest.mark.parametrize("path", ["silences?state=open", "acks?state=x"])
async def test_an_unknown_state_is_refused(web: httpx.AsyncClient, path: str) -> None:
    """A state that cannot be asked for is an error that names those that can."""
    answer = await web.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.text) == (400, "state should be active or all\n")
