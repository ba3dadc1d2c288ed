"""
The life of an alert: inactive → pending → firing → resolved.

States fire while their expression is true; events fire once and end as withdrawn or expired. What is unknown changes
nothing. Times are server time of the alert's project, so a jump of our own clock neither fires nor resolves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitor.model.alert import Alert, AlertState, Identity, Resolution, Transition, fingerprint
from monitor.model.facts import Facts

__all__ = ["Step", "Terms", "advance", "announce", "due_at", "end", "fire_event"]

_EPSILON = 1e-3  # seconds; what is due at a moment must not miss it by the rounding of floats and timers


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """
    What an alert's rule says about its timing, in seconds.

    `announce_within` is how long its first notification may wait for the outcome of a stop, or an event for others that
    are found with it; `gap` is the longest time between two evaluations that still counts as observed.
    """

    for_: float = 0.0
    keep_firing_for: float = 0.0
    resolve_after: float | None = None
    announce_within: float | None = None
    gap: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    What one evaluation made of an alert: its new value, None when it is no more, and what is to be told.

    An alert that waits for the outcome of a stop fires without being told: see `announce`.
    """

    alert: Alert | None
    transition: Transition | None = None


def advance(
    alert: Alert | None,
    identity: Identity,
    *,
    true: bool,
    now: float,
    terms: Terms,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    facts: Facts = Facts(),
) -> Step:
    """Return what a *known* truth of a state's expression makes of its alert; `facts` are what messages say of it."""
    if not true:
        return _false(alert, now=now, terms=terms, facts=facts)
    if alert is None or alert.state is AlertState.RESOLVED:
        alert = _new(identity, now=now, labels=labels, annotations=annotations, facts=facts)
    elif alert.state is AlertState.PENDING:
        alert = _wait(alert, now=now, terms=terms)
    alert = _refresh(alert, now=now, labels=labels, annotations=annotations, facts=facts)
    if alert.state is AlertState.PENDING and alert.observed >= terms.for_ - _EPSILON:
        return _fire(alert, now=now, terms=terms)
    return Step(alert=alert)


def fire_event(
    identity: Identity,
    *,
    now: float,
    terms: Terms,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    facts: Facts = Facts(),
) -> Step:
    """Return the alert of an event that just happened: it fires at once and knows when it will expire."""
    alert = _new(identity, now=now, labels=labels, annotations=annotations, facts=facts)
    expires_at = now + terms.resolve_after if terms.resolve_after is not None else None
    return _fire(replace(alert, is_event=True, expires_at=expires_at), now=now, terms=terms)


def end(alert: Alert, resolution: Resolution, *, now: float, facts: Facts | None = None) -> Step:
    """
    Return the alert as resolved for a reason that is not its expression; a pending one is just forgotten.

    `facts` are those at the end, None where they stay as they were. One that fired but was never announced is to be
    announced first: its firing is told before its resolve.
    """
    if alert.state is AlertState.PENDING:
        return Step(alert=None)
    if alert.state is AlertState.RESOLVED:
        return Step(alert=alert)
    facts = _with_outcome(facts, alert) if facts is not None else alert.facts
    resolved = replace(alert, state=AlertState.RESOLVED, resolved_at=now, resolution=resolution, facts=facts)
    return Step(alert=resolved, transition=Transition.RESOLVED)


def announce(
    alert: Alert, *, now: float, action: str | None = None, note: str = "", facts: Facts | None = None
) -> Step:
    """
    Return the firing alert with the outcome of its action as label `action`, and tell it.

    Once announced it keeps its labels and is not told again; what it says about the outcome, in the annotation and in
    `facts`, is still brought up to date.
    """
    if alert.fired_at is None:
        return Step(alert=alert)
    annotations = {**alert.annotations, "action": note} if note else alert.annotations
    alert = replace(alert, annotations=annotations, facts=facts or alert.facts)
    if alert.announced_at is not None:
        return Step(alert=alert)
    labels = {**alert.labels, "action": action} if action else alert.labels
    return Step(alert=replace(alert, labels=labels, announced_at=now), transition=Transition.FIRING)


def due_at(alert: Alert, terms: Terms) -> float | None:
    """
    Return when the passing of time alone may change this alert, None when it will not.

    One that is kept firing is due as if its expression had been false since it was last seen true.
    """
    if alert.state is AlertState.PENDING:
        return alert.true_at + max(terms.for_ - alert.observed, 0.0)
    if alert.state is AlertState.FIRING:
        announce_by = alert.announce_by if alert.announced_at is None else None
        kept_until = alert.true_at + terms.keep_firing_for if terms.keep_firing_for else None
        return min((at for at in (alert.expires_at, announce_by, kept_until) if at is not None), default=None)
    return None


def _false(alert: Alert | None, *, now: float, terms: Terms, facts: Facts) -> Step:
    if alert is None or alert.state is AlertState.PENDING:
        return Step(alert=None)
    if alert.state is AlertState.FIRING and now - alert.true_at >= terms.keep_firing_for - _EPSILON:
        return end(alert, Resolution.RECOVERED, now=now, facts=facts)
    return Step(alert=alert)


def _new(
    identity: Identity, *, now: float, labels: Mapping[str, str], annotations: Mapping[str, str], facts: Facts
) -> Alert:
    return Alert(
        fingerprint=fingerprint(identity),
        identity=identity,
        state=AlertState.PENDING,
        labels=labels,
        annotations=annotations,
        pending_since=now,
        true_at=now,
        facts=facts,
    )


def _wait(alert: Alert, *, now: float, terms: Terms) -> Alert:
    """Count observed time only: blind time freezes `for`, and blind time longer than `for` restarts it."""
    elapsed = now - alert.true_at
    if elapsed <= terms.gap:
        return replace(alert, observed=alert.observed + max(elapsed, 0.0))
    if elapsed > terms.for_:
        return replace(alert, pending_since=now, observed=0.0)
    return alert


def _refresh(
    alert: Alert, *, now: float, labels: Mapping[str, str], annotations: Mapping[str, str], facts: Facts
) -> Alert:
    """Keep labels as announced: a receiver whose identity is the label set must be able to resolve them."""
    if alert.announced_at is not None:
        labels = alert.labels
        annotations = {
            **annotations,
            **({"action": alert.annotations["action"]} if "action" in alert.annotations else {}),
        }
    facts = _with_outcome(facts, alert)
    return replace(alert, labels=labels, annotations=annotations, true_at=now, facts=facts)


def _with_outcome(facts: Facts, alert: Alert) -> Facts:
    """Return newer facts with what an evaluation does not know: the outcome of the stop, and text seen earlier."""
    told = alert.facts
    return replace(facts, stop=told.stop, stop_reason=told.stop_reason, excerpt=facts.excerpt or told.excerpt)


def _fire(alert: Alert, *, now: float, terms: Terms) -> Step:
    fired = replace(alert, state=AlertState.FIRING, fired_at=now)
    if terms.announce_within is not None:
        return Step(alert=replace(fired, announce_by=now + terms.announce_within))
    return announce(fired, now=now)
