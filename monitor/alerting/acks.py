"""Whether acknowledgements still hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.model.ack import Ack, AckEnd
from monitor.model.alert import Alert, AlertState

__all__ = ["BySubject", "ended", "ends", "worse"]

_SEVERITIES = ("none", "info", "warning", "error", "critical")
"""From harmless to grave. Other words are neither more nor less than these."""

_SUBJECTS = frozenset({"run_id", "conversation_id", "app_id", "app.id"})
"""The ids that make alerts be about the same; windows name theirs as rules do."""


class BySubject:
    """Alerts by what they are about, so that few have to be compared with each other."""

    def __init__(self, alerts: Iterable[Alert]) -> None:
        self._alerts: dict[tuple[str, str], list[Alert]] = {}
        for alert in alerts:
            for subject in _subject(alert):
                self._alerts.setdefault(subject, []).append(alert)

    def about(self, alert: Alert) -> list[Alert]:
        """Return those about the same run, conversation or app, of whatever project; one may stand there twice."""
        return [other for subject in _subject(alert) for other in self._alerts.get(subject, ())]


def ends(acks: Mapping[str, Ack], firing: Mapping[str, Alert], now: float) -> dict[str, AckEnd]:
    """Return which of `acks` hold no more at `now`, own time, and why; `firing` are all alerts that fire."""
    by_subject = BySubject(firing.values() if acks else ())
    found = {}
    for fingerprint, ack in acks.items():
        alert = firing.get(fingerprint)
        end = ended(ack, alert, by_subject.about(alert) if alert is not None else (), now)
        if end is not None:
            found[fingerprint] = end
    return found


def ended(ack: Ack, alert: Alert | None, others: Iterable[Alert], now: float) -> AckEnd | None:
    """
    Return why `ack` holds no more at `now`, own time, or None while it holds.

    `alert` is the one it is about as it is now, None when that is forgotten; `others` are any alerts.
    """
    if alert is None or alert.state is not AlertState.FIRING or alert.fired_at != ack.fired_at:
        return AckEnd.RESOLVED
    if ack.until <= now:
        return AckEnd.TIMED_OUT
    if any(ack.known.get(other.fingerprint) != other.announced_at for other in worse(alert, others)):
        return AckEnd.WORSE
    return None


def worse(alert: Alert, others: Iterable[Alert]) -> list[Alert]:
    """Return those of `others` that fire, announced, about the same run, conversation or app and are more severe."""
    rank = _rank(alert)
    subject = _subject(alert)
    if rank is None or not subject:
        return []
    return [
        other
        for other in others
        if other.state is AlertState.FIRING
        and other.announced_at is not None
        and (_rank(other) or 0) > rank
        and other.identity.project == alert.identity.project
        and not subject.isdisjoint(_subject(other))
    ]


def _rank(alert: Alert) -> int | None:
    severity = alert.labels.get("severity", "none")
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else None


def _subject(alert: Alert) -> set[tuple[str, str]]:
    return {(name.replace(".", "_"), value) for name, value in alert.identity.subject if name in _SUBJECTS}
