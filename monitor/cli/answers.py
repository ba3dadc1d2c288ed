"""What the command line reads of the JSON API's answers; see `monitor.web.shapes` for what the fields mean."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

__all__ = [
    "Ack",
    "Acks",
    "Action",
    "Actions",
    "Alert",
    "Alerts",
    "App",
    "Brake",
    "Capabilities",
    "Coverage",
    "Drill",
    "Drilled",
    "Leg",
    "Line",
    "NewSilence",
    "Ordered",
    "Project",
    "Question",
    "Rating",
    "Ratings",
    "Receiver",
    "Run",
    "Runs",
    "Silence",
    "Silences",
    "Status",
    "Telling",
]


class App(msgspec.Struct, frozen=True):
    """An LLM app."""

    id: str
    name: str


class Coverage(msgspec.Struct, frozen=True):
    """Whether a project is observed."""

    last_complete_pass: str | None
    last_24h: float | None


class Question(msgspec.Struct, frozen=True):
    """A line of the capability report."""

    question: str
    verdict: str


class Capabilities(msgspec.Struct, frozen=True):
    """What a project's server was seen to do."""

    report: tuple[Question, ...]


class Poll(msgspec.Struct, frozen=True):
    """One poll of a project: the interval that is wanted and the one that is kept, None while it is put off."""

    poll: str
    wanted_seconds: float
    kept_seconds: float | None


class Project(msgspec.Struct, frozen=True):
    """A watched project."""

    name: str
    state: str
    auth_error: str | None
    coverage: Coverage
    capabilities: Capabilities
    polls: tuple[Poll, ...]
    runs: int
    stop_mode: str
    stops: Mapping[str, int]


class Receiver(msgspec.Struct, frozen=True):
    """One integration of a receiver."""

    name: str
    pending: int
    failing_since: str | None
    error: str
    permanent: bool
    resting_until: str | None
    delivered_at: str | None
    set_aside_at: str | None


class Brake(msgspec.Struct, frozen=True):
    """What holds automatic stops back."""

    kind: str
    project: str
    target: str
    until: str | None
    set_at: str
    set_by: str


class Status(msgspec.Struct, frozen=True):
    """How the daemon fares."""

    version: str
    state: str
    started_at: str
    unhealthy: str | None
    not_ready: str | None
    alerts: Mapping[str, int]
    projects: tuple[Project, ...]
    receivers: tuple[Receiver, ...]
    brakes: tuple[Brake, ...]


class Alert(msgspec.Struct, frozen=True):
    """An alert."""

    fingerprint: str
    project: str
    alertname: str
    state: str
    subject: Mapping[str, str]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    pending_since: str
    fired_at: str | None
    resolved_at: str | None
    resolution: str | None
    muted_by: tuple[str, ...]
    acked_by: str | None
    acked_until: str | None


class Run(msgspec.Struct, frozen=True):
    """A run; ages in seconds."""

    project: str
    conversation_id: str
    app: App | None
    began_at: str
    outcome: str | None
    age_estimate_seconds: float
    idle_seconds: float
    limit_seconds: float | None


class Rating(msgspec.Struct, frozen=True):
    """A change of a rating."""

    project: str
    conversation_id: str
    app: App | None
    by: str
    value: str
    previous: str
    seen_at: str


class Action(msgspec.Struct, frozen=True):
    """A stop."""

    id: int
    project: str
    conversation_id: str
    app: App | None
    mode: str
    asked_by: str | None
    state: str
    result: str | None
    reason: str
    requests: int
    decided_at: str


class Line(msgspec.Struct, frozen=True):
    """A line of the audit."""

    at: str
    project: str
    conversation_id: str
    what: str
    detail: str


class Silence(msgspec.Struct, frozen=True):
    """A silence."""

    id: str
    state: str
    matchers: tuple[str, ...]
    author: str
    comment: str
    starts_at: str
    ends_at: str | None
    ended_by: str | None


class Ack(msgspec.Struct, frozen=True):
    """An acknowledgement."""

    fingerprint: str
    project: str
    alertname: str
    subject: Mapping[str, str]
    by: str
    comment: str
    until: str
    end: str | None


class Telling(msgspec.Struct, frozen=True):
    """How far the telling of a drill has come, in seconds since it fired or resolved."""

    queued_after_seconds: float | None
    accepted_after_seconds: float | None
    error: str
    set_aside: bool


class Leg(msgspec.Struct, frozen=True):
    """The way of a drill to one integration."""

    integration: str
    receiver: str
    route: str
    group_wait_seconds: float
    group_interval_seconds: float
    sends_resolved: bool
    muted_by: str | None
    firing: Telling | None
    resolved: Telling | None


class Drill(msgspec.Struct, frozen=True):
    """A drill."""

    id: str
    labels: Mapping[str, str]
    state: str
    legs: tuple[Leg, ...]


class Drilled(msgspec.Struct, frozen=True):
    """The answer about a drill."""

    drill: Drill


class Alerts(msgspec.Struct, frozen=True):
    """The answer about alerts."""

    alerts: tuple[Alert, ...]


class Runs(msgspec.Struct, frozen=True):
    """The answer about runs."""

    runs: tuple[Run, ...]


class Ratings(msgspec.Struct, frozen=True):
    """The answer about ratings."""

    ratings: tuple[Rating, ...]


class Actions(msgspec.Struct, frozen=True):
    """The answer about actions."""

    actions: tuple[Action, ...]
    audit: tuple[Line, ...]


class Ordered(msgspec.Struct, frozen=True):
    """The answer to an order."""

    action: Action
    brakes: tuple[Brake, ...]


class Silences(msgspec.Struct, frozen=True):
    """The answer about silences."""

    silences: tuple[Silence, ...]


class NewSilence(msgspec.Struct, frozen=True):
    """The answer to a silence that was made or ended."""

    silence: Silence


class Acks(msgspec.Struct, frozen=True):
    """The answer about acknowledgements, and to those that were made or withdrawn."""

    acks: tuple[Ack, ...]
