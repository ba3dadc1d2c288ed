"""Values of the model with the fields that a test cares about; everything else has a plain default."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from monitor.model.alert import Alert, AlertState, Identity, fingerprint
from monitor.model.conversation import App, Chat, Conversation, Sender, Step, Vote
from monitor.model.rating import Rater, Rating, RatingChange
from monitor.model.run import Run
from monitor.model.stop import Stop, StopMode, StopState
from monitor.tracking.runs import Sighting, begin

__all__ = [
    "APP",
    "PROJECT",
    "START",
    "alert",
    "bot",
    "change",
    "conversation",
    "identity",
    "rating",
    "run",
    "sighting",
    "steps",
    "stop",
    "user",
]

START = 1_800_000_000.0
"""Server time at which the stories of these tests begin."""

PROJECT = "support"
APP = App(id="app-1", name="Report writer")


def user(id_: str, at: float) -> Chat:
    """Return a message that a user wrote."""
    return Chat(id=id_, sender=Sender.USER, at=at, completed=True, length=5)


def bot(id_: str, at: float, *, completed: bool = False, **fields: Any) -> Chat:
    """Return a message that the app is writing, or wrote."""
    return Chat(id=id_, sender=Sender.BOT, at=at, completed=completed, **fields)


def steps(count: int, *, done: int = 0, at: float = START) -> tuple[Step, ...]:
    """Return the intermediate steps of a chat, the first `done` of them completed, one a second from `at` on."""
    return tuple(Step(key=f"step-{n}", created_at=at + n, completed=n < done) for n in range(count))


def conversation(*chats: Chat, id_: str = "c1", **fields: Any) -> Conversation:
    """Return a conversation that embeds these chats."""
    values: dict[str, Any] = {
        "app": APP,
        "user_id": "user-1",
        "created_at": START - 60,
        "last_chat_at": chats[-1].at if chats else None,
        "is_end": False,
        "chat_count": len(chats),
    }
    return Conversation(id=id_, chats=chats, **{**values, **fields})


def sighting(at: float, *chats: Chat, detail: Chat | None = None, **fields: Any) -> Sighting:
    """Return a conversation that stood in a list of running ones which was answered at `at`."""
    return Sighting(conversation=conversation(*chats, **fields), at=at, detail=detail)


def run(at: float = START, *chats: Chat, not_running_at: float | None = None, **fields: Any) -> Run:
    """Return the run that a first sighting at `at` begins, with any field changed."""
    return replace(begin(PROJECT, sighting(at, *chats), not_running_at=not_running_at), **fields)


def identity(rule: str = "RunOverLimit", project: str = PROJECT, **subject: str) -> Identity:
    """Return the identity of an alert."""
    return Identity(project=project, rule=rule, subject=tuple(sorted(subject.items())))


def alert(of: Identity | None = None, **fields: Any) -> Alert:
    """Return a firing alert that was announced."""
    of = of or identity(run_id="run-1", conversation_id="c1")
    values: dict[str, Any] = {
        "state": AlertState.FIRING,
        "labels": {"alertname": of.rule},
        "annotations": {"summary": "too old"},
        "pending_since": START,
        "true_at": START,
        "fired_at": START,
        "announced_at": START,
    }
    return Alert(fingerprint=fingerprint(of), identity=of, **{**values, **fields})


def stop(**fields: Any) -> Stop:
    """Return a stop that was just decided."""
    values: dict[str, Any] = {
        "id": 0,
        "project": PROJECT,
        "run_id": "run-1",
        "conversation_id": "c1",
        "app": APP,
        "fingerprint": "0123456789abcdef",
        "mode": StopMode.ENFORCE,
        "state": StopState.INTENDED,
        "decided_at": START,
        "age_since": START - 3600,
        "limit": 3600.0,
    }
    return Stop(**{**values, **fields})


def rating(chat_id: str = "chat-1", vote: Vote = Vote.NEGATIVE, **fields: Any) -> Rating:
    """Return the state of a rating by a user."""
    values: dict[str, Any] = {
        "project": PROJECT,
        "conversation_id": "c1",
        "by": Rater.USER,
        "not_before": START,
        "seen_at": START + 60,
    }
    return Rating(chat_id=chat_id, vote=vote, **{**values, **fields})


def change(of: Rating | None = None, **fields: Any) -> RatingChange:
    """Return a change of a rating that nobody had given before."""
    values: dict[str, Any] = {"previous": Vote.NONE, "app": APP, "user_id": "user-1", "chat_at": START - 30}
    return RatingChange(rating=of or rating(), **{**values, **fields})
