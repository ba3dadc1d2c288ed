"""
What a rule may name: one table of variables per subject, and the values they take for one fact.

The table is used to compile rules, to say "did you mean", and by the documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cache, lru_cache
from typing import NamedTuple

from monitor.model.blind import Blind
from monitor.model.conversation import App
from monitor.model.rating import RatingChange
from monitor.model.run import Run
from monitor.rules.cel import Environment, Kind, Value
from monitor.rules.lexer import MAX_DURATION

__all__ = [
    "AGES",
    "EVENT_SUBJECTS",
    "VARIABLES",
    "WINDOW_VARIABLES",
    "Subject",
    "Variable",
    "age_since",
    "environment",
    "rating_variables",
    "run_variables",
    "window_environment",
    "window_variables",
]


class Subject(StrEnum):
    """What a rule is about: the `on` of a rule file."""

    RUN = "run"
    RATING = "rating"


class Variable(NamedTuple):
    """One name that expressions may use."""

    name: str
    kind: Kind
    meaning: str


_APP = (
    Variable("app.id", Kind.STRING, "id of the conversation's LLM app; empty where it has none"),
    Variable("app.name", Kind.STRING, "name of that app; empty where there is none"),
)
_PROJECT = Variable("project.name", Kind.STRING, "name of the project in the configuration")
_CONVERSATION = Variable("conversation.id", Kind.STRING, "id of the conversation")
_USER = Variable("user.id", Kind.STRING, "id of the conversation's user; empty where the API names none")

VARIABLES: Mapping[Subject, tuple[Variable, ...]] = {
    Subject.RUN: (
        Variable("run.id", Kind.STRING, "the monitor's id of the run"),
        Variable("run.age", Kind.DURATION, "how long it was observed running without a break; what a stop must name"),
        Variable("run.age_estimate", Kind.DURATION, "age by the evidence of chats and steps, never less than run.age"),
        Variable("run.age_at_most", Kind.DURATION, "time since it was last observed not running; may be unknown"),
        Variable("run.busy", Kind.DURATION, "continuous running, whatever new steps or chats it makes"),
        Variable("run.idle", Kind.DURATION, "time since the last sign of progress"),
        Variable("run.limit", Kind.DURATION, "the run_limit of its app"),
        Variable("run.chats", Kind.INT, "number of chats in the conversation"),
        Variable(
            "run.blind_before", Kind.DURATION, "how long nothing was observed before it was seen (again); else zero"
        ),
        _CONVERSATION,
        *_APP,
        _USER,
        _PROJECT,
    ),
    Subject.RATING: (
        Variable("rating.value", Kind.STRING, "the rating now: positive, negative or none"),
        Variable("rating.previous", Kind.STRING, "the rating before: positive, negative or none"),
        Variable("rating.by", Kind.STRING, "whose rating it is: user or agent (a human member)"),
        Variable("rating.interval", Kind.DURATION, "time between the last look without it and the first with it"),
        Variable("rating.blind_before", Kind.DURATION, "how long nothing was observed within that interval; else zero"),
        Variable("chat.id", Kind.STRING, "id of the rated chat"),
        Variable("chat.age", Kind.DURATION, "time since that chat was written"),
        _CONVERSATION,
        *_APP,
        _USER,
        _PROJECT,
    ),
}
"""The variables of each subject that this version knows. A new subject is an entry here and a function below."""

EVENT_SUBJECTS = frozenset({Subject.RATING})
"""Subjects that happen rather than last: windows count them, and single ones are told at once."""

WINDOW_VARIABLES = (
    Variable("count", Kind.INT, "changes within the window"),
    Variable("distinct.user", Kind.INT, "different users among them"),
    _PROJECT,
)
"""What the `expr` and the texts of a rule with `within` may name, besides the variables of its `by`."""

_AGES: Mapping[str, Callable[[Run], float | None]] = {
    "run.age": lambda run: run.age_since,
    "run.age_estimate": lambda run: run.estimate_since,
    "run.age_at_most": lambda run: run.not_running_at,
    "run.busy": lambda run: run.busy_since,
    "run.idle": lambda run: run.idle_since,
}

AGES = tuple(_AGES)
"""The variables of a run that grow as time passes."""


@cache
def environment(subject: Subject) -> Environment:
    """Return where expressions about one fact of `subject` are compiled and evaluated."""
    return Environment({variable.name: variable.kind for variable in VARIABLES[subject]})


@lru_cache(maxsize=64)
def window_environment(subject: Subject, by: tuple[str, ...]) -> Environment:
    """
    Return where the `expr` and the texts of a window over `subject` are compiled and evaluated.

    `app.name` comes with `app.id`: one app has one name.
    """
    names = {*by, "app.name"} if "app.id" in by else set(by)
    grouped = [variable for variable in VARIABLES[subject] if variable.name in names]
    return Environment({variable.name: variable.kind for variable in (*WINDOW_VARIABLES, *grouped)})


def age_since(run: Run, age: str) -> float | None:
    """Return the server time that the variable `age` (one of AGES) of `run` counts from, None when unknown."""
    return _AGES[age](run)


def run_variables(run: Run, *, limit: float, now: float) -> dict[str, Value]:
    """Return what rules may ask about `run` at `now`, server time; `limit` is its app's run_limit in seconds."""
    ages = {name: since(run) for name, since in _AGES.items()}
    return {
        "run.id": run.id,
        "run.limit": _duration(limit),
        "run.chats": run.chat_count,
        "run.blind_before": _duration(run.blind.seconds if run.blind else 0.0),
        **{name: _duration(now - since) for name, since in ages.items() if since is not None},
        **_shared(run.conversation_id, run.app, run.user_id, run.project),
    }


def rating_variables(change: RatingChange, *, now: float, blind: Blind | None = None) -> dict[str, Value]:
    """Return what rules may ask about `change` at `now`, server time; `blind` is the blind time in its interval."""
    rating = change.rating
    return {
        "rating.value": rating.vote.value,
        "rating.previous": change.previous.value,
        "rating.by": rating.by.value,
        "rating.interval": _duration(rating.seen_at - rating.not_before),
        "rating.blind_before": _duration(blind.seconds if blind else 0.0),
        "chat.id": _text(rating.chat_id),
        "chat.age": _duration(now - change.chat_at),
        **_shared(rating.conversation_id, change.app, change.user_id, rating.project),
    }


def window_variables(by: Mapping[str, str], *, project: str, count: int, users: int) -> dict[str, Value]:
    """
    Return what rules may ask about one window.

    `by` holds the values of the rule's `by` variables, and `app.name` where `app.id` is one of them.
    """
    values = {name: _text(value) for name, value in by.items()}
    return {**values, "count": count, "distinct.user": users, "project.name": project}


def _shared(conversation_id: str, app: App | None, user_id: str | None, project: str) -> dict[str, str]:
    return {
        "conversation.id": _text(conversation_id),
        "app.id": _text(app.id) if app else "",
        "app.name": _text(app.name) if app else "",
        "user.id": _text(user_id or ""),
        "project.name": project,
    }


def _duration(seconds: float) -> timedelta:
    """Return a duration that CEL can hold; one that a clock or an answer got wrong is never negative."""
    return timedelta(seconds=min(max(0.0, seconds), MAX_DURATION))


def _text(value: str) -> str:
    """Return `value` without the lone surrogates that an answer may hold and no engine or database takes."""
    return value.encode("utf-8", "replace").decode()
