"""How values look as JSON. The shapes are promised: fields are added, never renamed or taken away."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from monitor.drills import LONGEST, Drill, Leg
from monitor.model.ack import Ack
from monitor.model.alert import Alert
from monitor.model.capabilities import Capabilities
from monitor.model.conversation import App
from monitor.model.rating import RatingChange
from monitor.model.run import Run
from monitor.model.silence import Silence
from monitor.model.stop import Stop
from monitor.notify.http import rfc3339
from monitor.rules.rule import Rule
from monitor.store.outbox import Backlog, Health
from monitor.store.stops import Brake, LogLine
from monitor.store.tellings import Telling
from monitor.tracking.capability_report import report
from monitor.web.daemon import PollView
from monitor.web.holds import Holds

__all__ = [
    "ack_shape",
    "action_shape",
    "alert_shape",
    "audit_shape",
    "brake_shape",
    "capabilities_shape",
    "drill_shape",
    "moment",
    "poll_shape",
    "rating_shape",
    "receiver_shape",
    "rule_shape",
    "run_shape",
    "silence_shape",
]

_Shape = Mapping[str, Any]

_ELSEWHERE = {"probed_at", "clock_offset", "remarks"}
"""Fields of the capabilities that the status shows in its own way."""


def moment(at: float | None) -> str | None:
    """Return a time as ``2026-01-31T09:00:00.000Z``, None as None."""
    return rfc3339(at) if at is not None else None


def alert_shape(alert: Alert, holds: Holds) -> _Shape:
    """
    Return an alert and what holds it back.

    `{"fingerprint", "project", "alertname", "subject": {id: value}, "state": "pending|firing|resolved", "labels",
    "annotations", "pending_since", "fired_at", "announced_at", "expires_at", "resolved_at", "resolution",
    "muted_by": ["silence ID", "inhibition FINGERPRINT", "time_interval NAME"], "acked_by", "acked_until"}`.
    """
    ack = holds.ack_of(alert)
    return {
        "fingerprint": alert.fingerprint,
        "project": alert.identity.project,
        "alertname": alert.identity.rule,
        "subject": dict(alert.identity.subject),
        "state": alert.state.value,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "pending_since": moment(alert.pending_since),
        "fired_at": moment(alert.fired_at),
        "announced_at": moment(alert.announced_at),
        "expires_at": moment(alert.expires_at),
        "resolved_at": moment(alert.resolved_at),
        "resolution": alert.resolution.value if alert.resolution else None,
        "muted_by": holds.muted_by(alert),
        "acked_by": ack.by if ack else None,
        "acked_until": moment(ack.until) if ack else None,
    }


def silence_shape(silence: Silence, *, now: float) -> _Shape:
    """
    Return a silence as it is at `now`; all its times are the daemon's.

    `{"id", "state": "pending|active|expired", "matchers", "author", "comment", "created_at", "starts_at", "ends_at",
    "until_resolved", "ended_by"}`. `ends_at` is null while it waits for alerts to resolve; `ended_by` is who ended it
    before its time.
    """
    return {
        "id": silence.id,
        "state": silence.state(now).value,
        "matchers": list(silence.matchers),
        "author": silence.author,
        "comment": silence.comment,
        "created_at": moment(silence.created_at),
        "starts_at": moment(silence.starts_at),
        "ends_at": moment(silence.ends_at),
        "until_resolved": silence.until is None,
        "ended_by": silence.ended_by or None,
    }


def ack_shape(ack: Ack) -> _Shape:
    """
    Return an acknowledgement; all its times are the daemon's.

    `{"fingerprint", "project", "alertname", "subject", "by", "comment", "acked_at", "until", "ended_at",
    "end": "resolved|worse|timed_out|withdrawn", "ended_by"}`, the last three null while it holds.
    """
    return {
        "fingerprint": ack.fingerprint,
        "project": ack.identity.project,
        "alertname": ack.identity.rule,
        "subject": dict(ack.identity.subject),
        "by": ack.by,
        "comment": ack.comment,
        "acked_at": moment(ack.at),
        "until": moment(ack.until),
        "ended_at": moment(ack.ended_at),
        "end": ack.end.value if ack.end else None,
        "ended_by": ack.ended_by or None,
    }


def run_shape(run: Run, *, now: float, limit: float | None) -> _Shape:
    """
    Return a run; `now` is the server time of its project, and the ages of a run that ended are those at its end.

    `{"run_id", "project", "conversation_id", "app", "user_id", "began_at", "seen_at", "ended_at", "outcome",
    "age_seconds", "age_estimate_seconds", "age_at_most_seconds", "busy_seconds", "idle_seconds", "limit_seconds"}`.
    """
    until = run.ended_at if run.ended_at is not None else now
    return {
        "run_id": run.id,
        "project": run.project,
        "conversation_id": run.conversation_id,
        "app": _app(run.app),
        "user_id": run.user_id,
        "began_at": moment(run.began_at),
        "seen_at": moment(run.seen_at),
        "ended_at": moment(run.ended_at),
        "outcome": run.outcome.value if run.outcome else None,
        "age_seconds": _since(run.age_since, until),
        "age_estimate_seconds": _since(run.estimate_since, until),
        "age_at_most_seconds": _since(run.not_running_at, until),
        "busy_seconds": _since(run.busy_since, until),
        "idle_seconds": _since(run.idle_since, until),
        "limit_seconds": limit,
    }


def rating_shape(change: RatingChange) -> _Shape:
    """
    Return what happened to a rating, somewhere between `not_before` and `seen_at`.

    `{"project", "conversation_id", "chat_id", "by": "user|agent", "value": "positive|negative|none", "previous",
    "app", "user_id", "chat_at", "not_before", "seen_at"}`.
    """
    return {
        "project": change.rating.project,
        "conversation_id": change.rating.conversation_id,
        "chat_id": change.rating.chat_id,
        "by": change.rating.by.value,
        "value": change.rating.vote.value,
        "previous": change.previous.value,
        "app": _app(change.app),
        "user_id": change.user_id,
        "chat_at": moment(change.chat_at),
        "not_before": moment(change.rating.not_before),
        "seen_at": moment(change.rating.seen_at),
    }


def action_shape(stop: Stop) -> _Shape:
    """
    Return what a rule or a person did to Alli, or what a rule would have done; a person's has no alert.

    `{"id", "action": "stop", "project", "conversation_id", "run_id", "app", "alert": fingerprint,
    "mode": "shadow|enforce|manual", "asked_by", "state", "result", "reason", "requests", "limit_seconds",
    "decided_at", "requested_at", "finished_at", "verdict"}`.
    """
    return {
        "id": stop.id,
        "action": "stop",
        "project": stop.project,
        "conversation_id": stop.conversation_id,
        "run_id": stop.run_id,
        "app": _app(stop.app),
        "alert": stop.fingerprint or None,
        "mode": stop.kind,
        "asked_by": stop.asked_by or None,
        "state": stop.state.value,
        "result": stop.result.value if stop.result else None,
        "reason": stop.reason,
        "requests": stop.requests,
        "limit_seconds": stop.limit,
        "decided_at": moment(stop.decided_at),
        "requested_at": moment(stop.requested_at),
        "finished_at": moment(stop.finished_at),
        "verdict": stop.verdict.value if stop.verdict else None,
    }


def audit_shape(line: LogLine) -> _Shape:
    """Return a line of the audit: `{"at", "project", "conversation_id", "action_id", "what", "detail"}`."""
    return {
        "at": moment(line.at),
        "project": line.project,
        "conversation_id": line.conversation_id,
        "action_id": line.stop_id,
        "what": line.what,
        "detail": line.detail,
    }


def brake_shape(brake: Brake) -> _Shape:
    """
    Return what holds automatic stops back.

    `{"kind": "pause|protect", "project", "target", "until", "set_at", "set_by"}`.
    The target is a glob on apps or a conversation; where it or the project is empty, every one is meant.
    """
    return {
        "kind": brake.kind,
        "project": brake.project,
        "target": brake.target,
        "until": moment(brake.until),
        "set_at": moment(brake.set_at),
        "set_by": brake.set_by,
    }


def poll_shape(poll: PollView) -> dict[str, Any]:
    """
    Return one poll.

    `{"poll", "wanted_seconds", "kept_seconds": seconds or null while it is put off, "last_complete_pass",
    "requests_per_hour": number or null, "detection_delay_seconds": number or null}`.
    """
    return {
        "poll": poll.name,
        "wanted_seconds": poll.wanted,
        "kept_seconds": None if math.isinf(poll.kept) else poll.kept,
        "last_complete_pass": moment(poll.completed_at),
        "requests_per_hour": poll.requests_per_hour,
        "detection_delay_seconds": poll.detection_delay,
    }


def capabilities_shape(found: Capabilities) -> _Shape:
    """
    Return what a project's server was seen to do; null is not known.

    `{"time_unit", "filter_unit", "unit_agrees", "time_filter", "running_filter", "embeds", "embeds_all", "chat_order",
    "page_total", "missing", "daily_count", "report": [{"question", "verdict": "works|fails|unproven", "seen",
    "does"}]}`.
    """
    fields = asdict(found)
    lines = [
        {"question": line.name, "verdict": line.verdict.value, "seen": line.seen, "does": line.does}
        for line in report(found)
    ]
    return {name: value for name, value in fields.items() if name not in _ELSEWHERE} | {"report": lines}


def receiver_shape(name: str, backlog: Backlog | None, health: Health | None, *, resting_until: float | None) -> _Shape:
    """
    Return how an integration of a receiver fares.

    `{"name", "pending", "oldest_at", "failing_since", "attempts", "error", "permanent", "resting_until",
    "delivered_at", "set_aside_at"}`: how many transitions it was not told yet and since when the oldest waits; since
    when, how often and why it has been failing, whether it refuses everything, and until when it is left alone; and
    when an alert was last given up that it did not take.
    """
    health = health or Health(destination=name)
    return {
        "name": name,
        "pending": backlog.pending if backlog else 0,
        "oldest_at": moment(backlog.oldest_at if backlog else None),
        "failing_since": moment(health.failing_since),
        "attempts": health.attempts,
        "error": health.error,
        "permanent": health.permanent,
        "resting_until": moment(resting_until),
        "delivered_at": moment(health.delivered_at),
        "set_aside_at": moment(health.set_aside_at),
    }


def drill_shape(drill: Drill) -> _Shape:
    """
    Return a drill; all its times are the daemon's.

    `{"id", "fingerprint", "labels", "state": "firing|resolved", "began_at", "ends_at", "legs": [...]}`; `ends_at` is
    when it ended, or will by itself. A leg is the way to one integration on one route: `{"integration", "receiver",
    "route", "group_wait_seconds", "group_interval_seconds", "sends_resolved", "muted_by", "firing", "resolved"}`. The
    last two are null while they are not to be told, and else `{"queued_after_seconds", "accepted_after_seconds",
    "attempts", "error", "set_aside"}`: how long after it fired, or resolved, a notification was made of it and
    accepted, null before; how often that was tried, why it failed the last time, and whether it was given up.
    """
    alert = drill.alert
    began_at = alert.fired_at if alert.fired_at is not None else alert.pending_since
    return {
        "id": drill.id,
        "fingerprint": alert.fingerprint,
        "labels": dict(alert.labels),
        "state": alert.state.value,
        "began_at": moment(began_at),
        "ends_at": moment(alert.resolved_at if alert.resolved_at is not None else began_at + LONGEST),
        "legs": [_leg(leg) for leg in drill.legs],
    }


def rule_shape(rule: Rule, *, failing_in: Sequence[str]) -> _Shape:
    """
    Return a loaded rule; `failing_in` names the projects in which its newest evaluation failed.

    `{"alert", "group", "on", "expr", "where", "within_seconds", "by", "for_seconds", "keep_firing_for_seconds",
    "resolve_after_seconds", "labels", "annotations", "stops", "file", "line", "failing_in"}`.
    """
    return {
        "alert": rule.name,
        "group": rule.group,
        "on": rule.subject.value,
        "expr": rule.expr.source,
        "where": rule.where.source if rule.where else None,
        "within_seconds": rule.within,
        "by": list(rule.by),
        "for_seconds": rule.for_,
        "keep_firing_for_seconds": rule.keep_firing_for,
        "resolve_after_seconds": rule.resolve_after,
        "labels": dict(rule.labels),
        "annotations": {name: template.source for name, template in rule.annotations.items()},
        "stops": rule.stops,
        "file": str(rule.file),
        "line": rule.line,
        "failing_in": list(failing_in),
    }


def _leg(leg: Leg) -> _Shape:
    return {
        "integration": leg.integration,
        "receiver": leg.receiver,
        "route": leg.route.key,
        "group_wait_seconds": leg.route.group_wait,
        "group_interval_seconds": leg.route.group_interval,
        "sends_resolved": leg.sends_resolved,
        "muted_by": leg.muted_by,
        "firing": _telling(leg.firing) if leg.firing else None,
        "resolved": _telling(leg.resolved) if leg.resolved else None,
    }


def _telling(telling: Telling) -> _Shape:
    return {
        "queued_after_seconds": _since(telling.at, telling.queued_at) if telling.queued_at is not None else None,
        "accepted_after_seconds": _since(telling.at, telling.told_at) if telling.told_at is not None else None,
        "attempts": telling.attempts,
        "error": telling.error,
        "set_aside": telling.set_aside,
    }


def _app(app: App | None) -> _Shape | None:
    return {"id": app.id, "name": app.name} if app else None


def _since(begin: float | None, until: float) -> float | None:
    return round(max(until - begin, 0.0), 3) if begin is not None else None
