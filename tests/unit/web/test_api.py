"""The shapes of the JSON API."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import httpx
import pytest

from monitor import __version__
from monitor.model.alert import Alert, AlertState, Identity, Resolution, Transition
from monitor.model.blind import Blind
from monitor.model.builtin import Builtin
from monitor.model.capabilities import Capabilities, ChatOrder, Proof
from monitor.model.conversation import Vote
from monitor.model.notification import Entry
from monitor.model.run import Outcome
from monitor.model.stop import StopMode, StopResult, StopState, Verdict
from monitor.store.groups import NotificationGroup
from monitor.store.outbox import Health
from monitor.store.stops import Brake, LogLine
from monitor.web.daemon import PollView
from monitor.web.shapes import capabilities_shape
from tests.support.build import START, alert, change, identity, rating, run, stop
from tests.unit.web.conftest import NOW, OFFSET, FakeDaemon

AT_START = "2027-01-15T08:00:00.000Z"


async def _ask(web: httpx.AsyncClient, path: str) -> Any:
    answer = await web.get(f"/api/v1{path}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def _resolved() -> Alert:
    of = identity("SlowRun", conversation_id="c2")
    return alert(of, state=AlertState.RESOLVED, resolved_at=START + 90, resolution=Resolution.ENDED)


async def test_status_of_a_daemon_that_has_seen_nothing(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Before the first look, status is complete and honest: what is not known is null."""
    daemon.project = {"runs_completed_at": None}
    daemon.started_at = NOW - 5
    daemon.missing = "not attempted yet: support runs"
    assert await _ask(web, "/status") == {
        "version": __version__,
        "state": "starting",
        "now": "2027-01-15T08:10:00.000Z",
        "started_at": "2027-01-15T08:09:55.000Z",
        "unhealthy": None,
        "not_ready": "not attempted yet: support runs",
        "alerts": {"pending": 0, "firing": 0},
        "projects": [
            {
                "name": "support",
                "base_url": "https://backend.alli.ai",
                "state": "starting",
                "auth_error": None,
                "clock_offset_seconds": OFFSET,
                "coverage": {"last_complete_pass": None, "blind": False, "last_24h": None, "last_30d": None},
                "capabilities": capabilities_shape(Capabilities()),
                "probed_at": None,
                "polls": [],
                "baseline_at": None,
                "runs": 0,
                "stop_mode": "shadow",
                "stops": {},
                "regret": {"regretted": 0, "judged": 0, "rate": None},
            }
        ],
        "receivers": [
            {
                "name": "oncall/webhook/0",
                "pending": 0,
                "oldest_at": None,
                "failing_since": None,
                "attempts": 0,
                "error": "",
                "permanent": False,
                "resting_until": None,
                "delivered_at": None,
                "set_aside_at": None,
            }
        ],
        "brakes": [],
    }


async def test_status_shows_what_is_put_off(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Each poll is there with the interval that is wanted and the one that is kept, null while it is put off."""
    sweep = PollView(
        name="ratings_7200s", wanted=300, kept=math.inf, completed_at=NOW, requests_per_hour=12, detection_delay=600
    )
    daemon.project = {"polls": (PollView(name="runs", wanted=10, kept=10, completed_at=None), sweep)}
    runs, ratings = (await _ask(web, "/status"))["projects"][0]["polls"]
    assert (runs["wanted_seconds"], runs["kept_seconds"], runs["last_complete_pass"]) == (10, 10, None)
    assert ratings == {
        "poll": "ratings_7200s",
        "wanted_seconds": 300,
        "kept_seconds": None,
        "last_complete_pass": "2027-01-15T08:10:00.000Z",
        "requests_per_hour": 12,
        "detection_delay_seconds": 600,
    }


async def test_status_shows_what_a_server_can_do(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """The newest probe is there as values and as the lines of the report, with its moment in the daemon's time."""
    found = Capabilities(
        probed_at=NOW + OFFSET - 60,
        time_unit="ms",
        running_filter=Proof.FAILS,
        chat_order=ChatOrder.NEWEST_FIRST,
        remarks={"running filter": "50 rows are listed as running and as not running"},
    )
    daemon.project = {"capabilities": found}
    project = (await _ask(web, "/status"))["projects"][0]
    assert project["probed_at"] == "2027-01-15T08:09:00.000Z"
    shown = project["capabilities"]
    assert (shown["time_unit"], shown["filter_unit"], shown["chat_order"]) == ("ms", None, "newest_first")
    assert shown["running_filter"] == "fails"
    [line] = [line for line in shown["report"] if line["question"] == "running filter"]
    assert (line["verdict"], line["seen"]) == ("fails", "50 rows are listed as running and as not running")
    assert line["does"]


async def test_status_counts_what_is_in_the_database(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Runs, alerts, stops, verdicts and the baseline of a project are counted from the database."""
    daemon.project = {"runs_completed_at": NOW - 60}
    async with daemon.store.transaction() as tx:
        await tx.observations.record_baseline("support", START)
        blind = Blind(began_at=START, ended_at=START + (NOW + OFFSET - START) / 4)
        await tx.observations.put_blind("support", blind, forget_before=0)
        await tx.runs.put([run()])
        await tx.alerts.put([alert(), _resolved()])
        for number in range(10):
            verdict = Verdict.REGRETTED if number < 3 else Verdict.JUSTIFIED
            await tx.stops.add(
                stop(run_id=f"run-{number}", mode=StopMode.SHADOW, result=StopResult.SHADOW, verdict=verdict)
            )
    status = await _ask(web, "/status")
    project = status["projects"][0]
    assert status["state"] == "blind"
    assert status["alerts"] == {"pending": 0, "firing": 1}
    assert project["coverage"] == {
        "last_complete_pass": "2027-01-15T08:09:00.000Z",
        "blind": True,
        "last_24h": 0.75,  # of the time since the baseline
        "last_30d": 0.75,
    }
    assert (project["runs"], project["baseline_at"]) == (1, AT_START)
    assert project["stops"] == {"shadow": 10}
    assert project["regret"] == {"regretted": 3, "judged": 10, "rate": 0.3}


async def test_status_shows_how_receivers_fare(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """The backlog and the failures of every configured receiver are shown, and of no other."""
    entry = Entry(fingerprint="f", status=Transition.FIRING, labels={}, annotations={}, starts_at=START)
    async with daemon.store.transaction() as tx:
        group = NotificationGroup(integration="oncall/webhook/0", key="k", route="r", labels={})
        await tx.groups.tell(group, entry, at=START, due_at=START)
        failing = Health(
            destination="oncall/webhook/0", failing_since=START, attempts=3, error="answered 500", set_aside_at=START
        )
        await tx.outbox.record_health(failing)
        await tx.outbox.record_health(Health(destination="removed/webhook/0"))
    [receiver] = (await _ask(web, "/status"))["receivers"]
    assert (receiver["pending"], receiver["oldest_at"]) == (1, AT_START)
    assert (receiver["failing_since"], receiver["attempts"], receiver["error"]) == (AT_START, 3, "answered 500")
    assert (receiver["set_aside_at"], receiver["resting_until"]) == (AT_START, None)
    daemon.rests = {"oncall/webhook/0": START}
    [receiver] = (await _ask(web, "/status"))["receivers"]
    assert receiver["resting_until"] == AT_START


async def test_a_stuck_daemon_says_so_in_its_status(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Status still answers 200 while the daemon is stuck, so that the reason can be read."""
    daemon.stuck = "no cycle has ended"
    status = await _ask(web, "/status")
    assert (status["state"], status["unhealthy"]) == ("stuck", "no cycle has ended")


async def test_an_alert_as_json(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """An alert shows its identity, labels, texts and every moment of its life."""
    of = identity(run_id="run-1", conversation_id="Q29udg==")
    open_alert = alert(of, labels={"alertname": "RunOverLimit", "severity": "critical"}, expires_at=START + 60)
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([open_alert])
    assert await _ask(web, "/alerts") == {
        "alerts": [
            {
                "fingerprint": open_alert.fingerprint,
                "project": "support",
                "alertname": "RunOverLimit",
                "subject": {"conversation_id": "Q29udg==", "run_id": "run-1"},
                "state": "firing",
                "labels": {"alertname": "RunOverLimit", "severity": "critical"},
                "annotations": {"summary": "too old"},
                "pending_since": AT_START,
                "fired_at": AT_START,
                "announced_at": AT_START,
                "expires_at": "2027-01-15T08:01:00.000Z",
                "resolved_at": None,
                "resolution": None,
                "muted_by": [],
                "acked_by": None,
                "acked_until": None,
            }
        ]
    }


async def test_resolved_alerts_are_shown_on_request(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Open alerts are the default; state=all adds the resolved ones with the reason."""
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([alert(), _resolved()])
    assert [each["alertname"] for each in (await _ask(web, "/alerts"))["alerts"]] == ["RunOverLimit"]
    everything = (await _ask(web, "/alerts?state=all"))["alerts"]
    assert [(each["alertname"], each["resolution"]) for each in everything] == [
        ("SlowRun", "ended"),
        ("RunOverLimit", None),
    ]


async def test_alerts_of_the_daemon_itself_are_listed(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """The built-in alerts without a project are in the list, but in that of no project."""
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([alert(identity(Builtin.WATCHDOG, project=""))])
    assert [each["project"] for each in (await _ask(web, "/alerts"))["alerts"]] == [""]
    assert (await _ask(web, "/alerts?project=support"))["alerts"] == []


async def test_a_run_as_json(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """The ages of a run that goes on are counted to now in Alli's time, and its limit is that of its app."""
    going_on = run(not_running_at=START - 10, estimate_since=START - 60, idle_since=START + 600)
    async with daemon.store.transaction() as tx:
        await tx.runs.put([going_on])
    assert await _ask(web, "/runs") == {
        "runs": [
            {
                "run_id": going_on.id,
                "project": "support",
                "conversation_id": "c1",
                "app": {"id": "app-1", "name": "Report writer"},
                "user_id": "user-1",
                "began_at": AT_START,
                "seen_at": AT_START,
                "ended_at": None,
                "outcome": None,
                "age_seconds": 600 + OFFSET,
                "age_estimate_seconds": 660 + OFFSET,
                "age_at_most_seconds": 610 + OFFSET,
                "busy_seconds": 600 + OFFSET,
                "idle_seconds": OFFSET,
                "limit_seconds": 3600.0,
            }
        ]
    }


async def test_a_run_that_ended_grows_no_older(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """The ages of a run that ended are those at its end, and what is not known of it is null."""
    ended = run(app=None, not_running_at=None, ended_at=START + 30, outcome=Outcome.FINISHED)
    async with daemon.store.transaction() as tx:
        await tx.runs.put([ended])
    [shape] = (await _ask(web, "/runs"))["runs"]
    assert (shape["age_seconds"], shape["outcome"]) == (30.0, "finished")
    assert (shape["app"], shape["limit_seconds"], shape["age_at_most_seconds"]) == (None, None, None)


async def test_runs_going_on_come_first(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """A run that goes on stands before newer ones that ended, also when the list is cut."""
    ended = run(id="b", began_at=START + 50, ended_at=START + 60, outcome=Outcome.FINISHED)
    async with daemon.store.transaction() as tx:
        await tx.runs.put([run(id="a", conversation_id="c2"), ended])
    assert [each["run_id"] for each in (await _ask(web, "/runs"))["runs"]] == ["a", "b"]
    assert [each["run_id"] for each in (await _ask(web, "/runs?limit=1"))["runs"]] == ["a"]


async def test_a_rating_change_as_json(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """A change of a rating shows the interval in which it happened, and changes come newest first."""
    flipped = change(rating(vote=Vote.NONE, not_before=START + 60, seen_at=START + 120), previous=Vote.NEGATIVE)
    async with daemon.store.transaction() as tx:
        await tx.ratings.record_changes([change(), flipped])
    newest, oldest = (await _ask(web, "/ratings"))["ratings"]
    assert (oldest["value"], oldest["previous"]) == ("negative", "none")
    assert newest == {
        "project": "support",
        "conversation_id": "c1",
        "chat_id": "chat-1",
        "by": "user",
        "value": "none",
        "previous": "negative",
        "app": {"id": "app-1", "name": "Report writer"},
        "user_id": "user-1",
        "chat_at": "2027-01-15T07:59:30.000Z",
        "not_before": "2027-01-15T08:01:00.000Z",
        "seen_at": "2027-01-15T08:02:00.000Z",
    }


async def test_actions_and_their_audit_as_json(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """A stop shows what was decided, asked and came of it; the audit shows each step."""
    done = stop(state=StopState.DONE, result=StopResult.STOPPED, requests=1, requested_at=START + 1)
    async with daemon.store.transaction() as tx:
        stopped = await tx.stops.add(replace(done, finished_at=START + 9))
        line = LogLine(
            project="support", stop_id=stopped.id, conversation_id="c1", at=START, own_at=START, what="requested"
        )
        await tx.stops.log(line)
    assert await _ask(web, "/actions") == {
        "actions": [
            {
                "id": stopped.id,
                "action": "stop",
                "project": "support",
                "conversation_id": "c1",
                "run_id": "run-1",
                "app": {"id": "app-1", "name": "Report writer"},
                "alert": "0123456789abcdef",
                "mode": "enforce",
                "asked_by": None,
                "state": "done",
                "result": "stopped",
                "reason": "",
                "requests": 1,
                "limit_seconds": 3600.0,
                "decided_at": AT_START,
                "requested_at": "2027-01-15T08:00:01.000Z",
                "finished_at": "2027-01-15T08:00:09.000Z",
                "verdict": None,
            }
        ],
        "audit": [
            {
                "at": AT_START,
                "project": "support",
                "conversation_id": "c1",
                "action_id": stopped.id,
                "what": "requested",
                "detail": "",
            }
        ],
    }


async def test_what_a_person_asked_for_names_them_and_no_alert(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """A stop by hand is of mode manual, whatever the project's, with who asked for it."""
    async with daemon.store.transaction() as tx:
        await tx.stops.add(stop(fingerprint="", asked_by="alice"))
    [action] = (await _ask(web, "/actions"))["actions"]
    assert (action["mode"], action["asked_by"], action["alert"]) == ("manual", "alice", None)


async def test_status_shows_the_brakes_that_hold(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Pauses and protections are shown with who set them and until when; what is over is not."""
    pause = Brake(kind="pause", project="", target="Report*", until=None, set_at=START, set_by="alice")
    protect = Brake(kind="protect", project="support", target="c1", until=NOW + 60, set_at=START, set_by="bob")
    async with daemon.store.transaction() as tx:
        for each in (pause, protect, replace(protect, target="c2", until=NOW - 1)):
            await tx.stops.set_brake(each)
    assert (await _ask(web, "/status"))["brakes"] == [
        {
            "kind": "pause",
            "project": "",
            "target": "Report*",
            "until": None,
            "set_at": AT_START,
            "set_by": "alice",
        },
        {
            "kind": "protect",
            "project": "support",
            "target": "c1",
            "until": "2027-01-15T08:11:00.000Z",
            "set_at": AT_START,
            "set_by": "bob",
        },
    ]


async def test_rules_as_json(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """A loaded rule shows its sources, and where its newest evaluation failed."""
    failing = Identity(project="support", rule=Builtin.RULE_FAILING, subject=(("rule", "RunOverLimit"),))
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([alert(failing)])
    [rule] = (await _ask(web, "/rules"))["rules"]
    assert rule.pop("file").endswith("rules.yml")
    assert rule == {
        "alert": "RunOverLimit",
        "group": "background-runs",
        "on": "run",
        "expr": "run.age > run.limit",
        "where": None,
        "within_seconds": None,
        "by": [],
        "for_seconds": 0.0,
        "keep_firing_for_seconds": 0.0,
        "resolve_after_seconds": None,
        "labels": {"severity": "critical"},
        "annotations": {"summary": "{{ app.name }} runs too long"},
        "stops": True,
        "line": 5,
        "failing_in": ["support"],
    }


async def test_lists_can_be_narrowed_to_one_conversation(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Every list takes the id of a conversation, percent-encoded where it must be."""
    wanted, other = "Q29+/udg==", "other"
    async with daemon.store.transaction() as tx:
        for id_ in (wanted, other):
            await tx.runs.put([run(id=id_, conversation_id=id_)])
            await tx.alerts.put([alert(identity(conversation_id=id_))])
            await tx.ratings.record_changes([change(rating(conversation_id=id_))])
            await tx.stops.add(stop(conversation_id=id_, run_id=id_))
    for path in ("runs", "alerts", "ratings", "actions"):
        answer = await web.get(f"/api/v1/{path}", params={"conversation_id": wanted, "project": "support"})
        found = answer.json()[path]
        ids = [each.get("conversation_id") or each["subject"]["conversation_id"] for each in found]
        assert ids == [wanted], path


@pytest.mark.parametrize("path", ["/alerts", "/runs", "/ratings", "/actions"])
async def test_an_unknown_project_is_told(web: httpx.AsyncClient, path: str) -> None:
    """A misspelled project is an error that names the right ones, not an empty list."""
    answer = await web.get(f"/api/v1{path}?project=suport")
    assert (answer.status_code, answer.text) == (404, "there is no project 'suport'; there are: support\n")


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "ten", "٣", "1e3", "", "9" * 5000])
async def test_a_senseless_limit_is_refused(web: httpx.AsyncClient, limit: str) -> None:
    """A limit outside 1 to 1000 is an error that says so."""
    answer = await web.get("/api/v1/runs", params={"limit": limit})
    assert (answer.status_code, answer.text) == (400, "limit should be a number from 1 to 1000\n")


async def test_an_unknown_state_of_alerts_is_refused(web: httpx.AsyncClient) -> None:
    """A state that alerts cannot be asked for is an error that names those they can."""
    answer = await web.get("/api/v1/alerts?state=closed")
    assert (answer.status_code, answer.text) == (400, "state should be open or all\n")
