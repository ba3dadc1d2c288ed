"""What the command line shows of answers that hold text of others."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType

from monitor.cli import tables
from monitor.cli.answers import (
    Ack,
    Action,
    Alert,
    App,
    Brake,
    Capabilities,
    Coverage,
    Line,
    Poll,
    Project,
    Question,
    Rating,
    Receiver,
    Run,
    Silence,
    Status,
)
from monitor.cli.text import plain

ID = "Q29udmVyc2F0aW9uOjYwNDZiNTM3MmRhZDAwMjZlOTFjMjlkMQ=="
AT = "2027-01-15T08:00:00.000Z"
FINGERPRINT = "0123456789abcdef"
HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold red]x[/bold red]\r\n\u202egnp.exe\u2028\x9b31m\udc80[link=http://evil]"
KOREAN = "주간 보고서 작성 및 검토를 도와주는 매우 긴 이름의 앱입니다 정말로 아주 긴 이름"

PROJECT = Project(
    name="support",
    state="auth_failing",
    auth_error="401 INVALID_TOKEN",
    coverage=Coverage(last_complete_pass=None, last_24h=0.987),
    capabilities=Capabilities(report=(Question(question="running filter", verdict="fails"),)),
    polls=(
        Poll(poll="runs", wanted_seconds=10, kept_seconds=10),
        Poll(poll="ratings_7200s", wanted_seconds=300, kept_seconds=600.4),
        Poll(poll="ratings_86400s", wanted_seconds=1800, kept_seconds=None),
    ),
    runs=3,
    stop_mode="enforce",
    stops={"already_finished": 2, "stopped": 1},
)


def rendered(table: RenderableType, width: int = 80) -> str:
    """Return what a terminal of this width would get, with all its escape sequences."""
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=True, color_system="truecolor").print(table)
    return file.getvalue()


def shown(table: RenderableType, width: int = 80) -> str:
    """Return what one sees on a terminal of this width, or in a file."""
    file = io.StringIO()
    Console(file=file, width=width).print(table)
    return file.getvalue()


def run(**fields: Any) -> Run:
    """Return a run that goes on."""
    values: dict[str, Any] = {
        "project": "support",
        "conversation_id": ID,
        "app": App(id="app-1", name="Report writer"),
        "began_at": AT,
        "outcome": None,
        "age_estimate_seconds": 750.0,
        "idle_seconds": 31.0,
        "limit_seconds": 3600.0,
    }
    return Run(**{**values, **fields})


def alert(**fields: Any) -> Alert:
    """Return an alert that fires."""
    values: dict[str, Any] = {
        "fingerprint": FINGERPRINT,
        "project": "support",
        "alertname": "RunOverLimit",
        "state": "firing",
        "subject": {"conversation_id": ID, "run_id": "r"},
        "labels": {"severity": "critical", "app": "Report writer"},
        "annotations": {"summary": "a run is too old"},
        "pending_since": AT,
        "fired_at": AT,
        "resolved_at": None,
        "resolution": None,
        "muted_by": (),
        "acked_by": None,
        "acked_until": None,
    }
    return Alert(**{**values, **fields})


def silence(**fields: Any) -> Silence:
    """Return a silence that holds."""
    values: dict[str, Any] = {
        "id": "1f0e9a3c",
        "state": "active",
        "matchers": ('alertname="RunOverLimit"', 'app=~"Report.*"'),
        "author": "alice",
        "comment": "we know",
        "starts_at": AT,
        "ends_at": AT,
        "ended_by": None,
    }
    return Silence(**{**values, **fields})


def ack(**fields: Any) -> Ack:
    """Return an acknowledgement that holds."""
    values: dict[str, Any] = {
        "fingerprint": FINGERPRINT,
        "project": "support",
        "alertname": "RunOverLimit",
        "subject": {"conversation_id": ID},
        "by": "alice",
        "comment": "looking",
        "until": AT,
        "end": None,
    }
    return Ack(**{**values, **fields})


def action(**fields: Any) -> Action:
    """Return a stop that is done."""
    values: dict[str, Any] = {
        "id": 1,
        "project": "support",
        "conversation_id": ID,
        "app": App(id="app-1", name="Report writer"),
        "mode": "manual",
        "asked_by": "alice",
        "state": "done",
        "result": "already_finished",
        "reason": "it ended by itself before it was stopped",
        "requests": 0,
        "decided_at": AT,
    }
    return Action(**{**values, **fields})


def rating(**fields: Any) -> Rating:
    """Return a rating that was withdrawn."""
    values: dict[str, Any] = {
        "project": "support",
        "conversation_id": ID,
        "app": None,
        "by": "user",
        "value": "none",
        "previous": "negative",
        "seen_at": AT,
    }
    return Rating(**{**values, **fields})


def line(**fields: Any) -> Line:
    """Return a line of the audit."""
    values: dict[str, Any] = {"at": AT, "project": "support", "conversation_id": ID, "what": "intended", "detail": ""}
    return Line(**{**values, **fields})


def receiver(**fields: Any) -> Receiver:
    """Return an integration that has not been used yet."""
    values: dict[str, Any] = {
        "name": "oncall/webhook[0]",
        "pending": 4,
        "failing_since": None,
        "error": "",
        "permanent": False,
        "resting_until": None,
        "delivered_at": None,
        "set_aside_at": None,
    }
    return Receiver(**{**values, **fields})


def status(**fields: Any) -> Status:
    """Return how a daemon fares that watches one project."""
    values: dict[str, Any] = {
        "version": "0.1.0",
        "state": "auth_failing",
        "started_at": AT,
        "unhealthy": None,
        "not_ready": "not attempted yet: support: runs",
        "alerts": {"pending": 0, "firing": 2},
        "projects": (PROJECT,),
        "receivers": (receiver(failing_since=AT, error="answered 502"),),
        "brakes": (Brake(kind="pause", project="", target="", until=None, set_at=AT, set_by="alice"),),
    }
    return Status(**{**values, **fields})


def test_a_run_as_a_row() -> None:
    """A run shows its state, ages, limit, app, project and whole id."""
    text = " ".join(shown(tables.runs([run()])).split())
    assert text == f"state age app, conversation running 12m 30s Report writer (support) idle 31s of 1h {ID}"


def test_a_run_that_ended_is_not_idle() -> None:
    """A run that ended shows its outcome; what is not known of it is left out or named so."""
    text = " ".join(shown(tables.runs([run(outcome="stopped", app=None, limit_seconds=None)])).split())
    assert text == f"state age app, conversation stopped 12m 30s no app (support) {ID}"


@pytest.mark.parametrize(("seconds", "age"), [(0.674, "0s"), (-3.0, "0s"), (1e300, "11574d 1h")])
def test_ages_are_whole_seconds_and_possible_ones(seconds: float, age: str) -> None:
    """Whatever number an answer holds, an age is shown."""
    assert age in shown(tables.runs([run(age_estimate_seconds=seconds)]))


def test_an_alert_as_a_row() -> None:
    """An alert shows state, severity, when, what it says and what it is about."""
    text = " ".join(shown(tables.alerts([alert()])).split())
    head = "state since (UTC) alert firing 2027-01-15 RunOverLimit support Report writer critical 08:00:00"
    assert text == f"{head} a run is too old {ID} alert {FINGERPRINT}"


def test_an_alert_says_what_holds_it_back() -> None:
    """A muted alert names what mutes it, an acknowledged one who takes care of it and until when."""
    held = alert(muted_by=("silence 1f0e9a3c", "time_interval nights"), acked_by="bob", acked_until=AT)
    text = " ".join(shown(tables.alerts([held])).split())
    assert "muted by silence 1f0e9a3c muted by time interval nights" in text
    assert "acked by bob until 2027-01-15 08:00:00 UTC" in text


def test_a_receiver_shows_what_is_wrong_with_it() -> None:
    """One that fails says when it is asked again, one that refuses everything that, and what was given up is dated."""
    resting = receiver(failing_since=AT, error="answered 503", resting_until="2027-01-15T08:05:00.000Z")
    text = " ".join(shown(tables.status(status(receivers=(resting,)))).split())
    assert "oncall/webhook[0] failing 4 never answered 503 tried again at 2027-01-15 08:05:00 UTC" in text
    refusing = receiver(failing_since=AT, permanent=True, error="answered 404")
    assert "refuses" in shown(tables.status(status(receivers=(refusing,))))
    paced = receiver(delivered_at=AT, resting_until=AT, set_aside_at=AT)
    text = " ".join(shown(tables.status(status(receivers=(paced,)))).split())
    assert "an alert was set aside at" in text
    assert "tried again" not in text


def test_a_silence_as_a_row() -> None:
    """A silence shows its id, state, end, matchers, and by whom it is and why."""
    head = "silence ends (UTC) matchers, comment"
    row = '1f0e9a3c 2027-01-15 alertname="RunOverLimit" app=~"Report.*" active 08:00:00 alice: we know'
    assert " ".join(shown(tables.silences([silence()])).split()) == f"{head} {row}"


def test_a_silence_says_when_it_begins_and_who_ended_it() -> None:
    """One that waits for resolves says so, one that has not begun says when, one that was ended by whom."""
    text = " ".join(shown(tables.silences([silence(ends_at=None, state="pending", ended_by="bob")])).split())
    assert "when all" in text
    assert "from 2027-01-15 08:00:00 UTC ended by bob" in text


def test_an_acknowledgement_as_a_row() -> None:
    """An acknowledgement shows why it ended or that it holds, until when, of what, and by whom."""
    text = " ".join(shown(tables.acks([ack()])).split())
    row = f"active 2027-01-15 RunOverLimit support 08:00:00 alice: looking {ID} alert {FINGERPRINT}"
    assert text == f"ack until (UTC) alert {row}"
    assert "timed out" in shown(tables.acks([ack(end="timed_out", comment="")]))


def test_a_resolved_alert_shows_why() -> None:
    """An alert that is over shows the reason and when that was."""
    over = alert(state="resolved", resolution="ended", resolved_at="2027-01-15T09:30:00.000Z")
    text = shown(tables.alerts([over]))
    assert "ended" in text
    assert "09:30:00" in text


def test_a_stop_by_hand_as_a_row() -> None:
    """A stop shows its result, mode, whoever asked, and why it came to that."""
    text = shown(tables.actions([action()]))
    for expected in ("already", "finished", "manual", "by alice", "it ended by itself before it was stopped", ID):
        assert expected in text


def test_a_rating_as_a_row() -> None:
    """A rating shows what it was before, if it was anything."""
    assert "was negative" in shown(tables.ratings([rating()]))
    assert "was" not in shown(tables.ratings([rating(previous="none", value="negative")]))


def test_status_says_what_is_wrong() -> None:
    """Trouble of the daemon, of projects and of receivers is shown with its reason, and the brake with its setter."""
    text = " ".join(shown(tables.status(status()), width=120).split())
    for expected in (
        "alli-monitor 0.1.0: auth failing",
        "0 pending, 2 firing",
        "not attempted yet: support: runs",
        "401 INVALID_TOKEN",
        "98.7%",
        "never",
        "2 already finished",
        "fails: running filter",
        "requests are short: ratings_7200s each 10m",
        "requests are short: ratings_86400s put off",
        "answered 502",
        "Automatic stops are paused for every app until resumed, by alice at 2027-01-15 08:00:00 UTC",
    ):
        assert expected in text


def test_a_daemon_that_tells_nobody_says_so() -> None:
    """Where no receiver is configured, the status says that nobody is told."""
    assert "nobody is told" in shown(tables.status(status(receivers=())))


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (
            Brake(kind="protect", project="support", target="c1", until=AT, set_at=AT, set_by="bob"),
            "Conversation c1 of project support is protected from automatic stops until 2027-01-15 08:00:00 UTC",
        ),
        (
            Brake(kind="pause", project="support", target="Report*", until=None, set_at=AT, set_by="bob"),
            "Automatic stops are paused for apps Report* of project support until resumed",
        ),
    ],
)
def test_a_brake_as_a_sentence(of: Brake, expected: str) -> None:
    """A brake names what is held back, where, until when, and who set it."""
    assert tables.brake(of) == f"{expected}, by bob at 2027-01-15 08:00:00 UTC"


ALL: dict[str, Callable[[str], RenderableType]] = {
    "status": lambda text: tables.status(
        status(
            version=text,
            state=text,
            unhealthy=text,
            alerts={text: 1},
            projects=(msgspec.structs.replace(PROJECT, name=text, state=text, stop_mode=text, stops={text: 1}),),
            brakes=(Brake(kind=text, project=text, target=text, until=text, set_at=text, set_by=text),),
            receivers=(receiver(name=text, failing_since=text, error=text, resting_until=text, set_aside_at=text),),
        )
    ),
    "alerts": lambda text: tables.alerts(
        [
            alert(
                alertname=text,
                state=text,
                labels={"severity": text, "app": text},
                annotations={"summary": text},
                muted_by=(text,),
                acked_by=text,
                acked_until=text,
            )
        ]
    ),
    "silences": lambda text: tables.silences(
        [silence(id=text, state="pending", matchers=(text,), author=text, comment=text, starts_at=text, ended_by=text)]
    ),
    "acks": lambda text: tables.acks([ack(fingerprint=text, project=text, alertname=text, by=text, comment=text)]),
    "runs": lambda text: tables.runs([run(app=App(id=text, name=text), outcome=text, project=text)]),
    "ratings": lambda text: tables.ratings([rating(by=text, value=text, previous=text, app=App(id=text, name=text))]),
    "actions": lambda text: tables.actions([action(asked_by=text, mode=text, result=text, reason=text)]),
    "audit": lambda text: tables.audit([line(what=text, detail=text, conversation_id=text)]),
}


@pytest.mark.parametrize("kind", ALL)
def test_hostile_text_neither_steers_the_terminal_nor_is_markup(kind: str) -> None:
    """Escape sequences, other control characters, changes of direction and rich's markup are shown, never obeyed."""
    text = rendered(ALL[kind](HOSTILE), width=2000)
    for code in ("\x1b[2J", "\x1b]", "\x07", "\r", "\u202e", "\u2028", "\x9b", "\udc80"):
        assert code not in text
    assert "[bold red]x[/bold red]" in text


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("width", [40, 80])
def test_wide_characters_stay_inside_the_terminal(kind: str, width: int) -> None:
    """With names in Korean, which take two columns a character, no line is wider than the terminal."""
    lines = shown(ALL[kind](KOREAN), width=width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert any("주간" in each for each in lines)


@pytest.mark.parametrize("kind", ["runs", "ratings", "actions", "alerts", "acks"])
def test_an_id_can_be_copied_at_80_columns(kind: str) -> None:
    """An id of a conversation is never broken over two lines on a terminal of 80 columns."""
    assert ID in shown(ALL[kind]("already_finished"))


@given(st.text())
def test_plain_text_is_one_printable_line(text: str) -> None:
    """Whatever goes in, what comes out is one line of printable characters, and printable words stay as they are."""
    shown_text = plain(text)
    assert shown_text.isprintable()
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in shown_text)
    assert plain(shown_text) == shown_text
    if text.isprintable() and text == " ".join(text.split()):
        assert shown_text == text
