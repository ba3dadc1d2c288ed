"""One alert in words: what, where, since when, what is known, what the monitor did, and where to look."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlsplit

from monitor.messages.cutting import cut
from monitor.messages.escaping import many_lines, one_line
from monitor.messages.message import AlertText, Line, Link
from monitor.messages.times import ago, clock_time, duration, duration_between, zone_of
from monitor.messages.words import BuiltinWords, Words
from monitor.model.alert import Resolution, Transition
from monitor.model.facts import Facts
from monitor.model.notification import Entry
from monitor.model.stop import StopResult

__all__ = ["describe", "name", "severity_of"]

_LONGEST_NAME = 80
_LONGEST_TEXT = 1000
_LONGEST_URL = 2000
_URL_CHARACTERS = "/:?#[]@!$&+,;=%"  # besides letters, digits and `_.-~`; all others are written as %XX
_HOST = re.compile(r"[A-Za-z0-9.\-]+(?::\d+)?|\[[0-9A-Fa-f:.]+\](?::\d+)?")  # no credentials, no look-alikes
_LANGUAGE_OF_CODE = "en"  # in which built-in alerts are summarised where they arise

_TOLD_LABELS = frozenset(
    {"alertname", "project", "app", "app_id", "severity", "action", "conversation_id", "chat_id", "run_id"}
)
"""Labels that stand elsewhere in a message, or are ids that its links lead to."""

_TOLD_BUILTIN_LABELS = frozenset({"rule", "integration", "receiver", "cause", "reason"})
_TOLD_ANNOTATIONS = frozenset({"summary", "description", "action", "coverage", "excerpt"})
_OVER = frozenset({Resolution.ENDED, Resolution.GONE})
_EXPLAINED = frozenset({StopResult.REFUSED, StopResult.CHANGED, StopResult.ERROR})
_URL_SUFFIX = "_url"
_RUNBOOK = "runbook_url"


def describe(entry: Entry, words: Words, *, now: float, excerpt_chars: int, console_url: str) -> AlertText:
    """Return one alert in words; see `monitor.messages.compose.compose`."""
    builtin = words.builtins.get(entry.labels.get("alertname", ""))
    resolved = entry.status is Transition.RESOLVED
    lines = _end(entry, words, now) if resolved else _beginning(entry, builtin, words, now)
    summary, details = _summary(entry, builtin, words)
    shown = [*lines, *_background(entry, builtin, details, words)]
    return AlertText(
        fingerprint=entry.fingerprint,
        status=entry.status,
        severity=severity_of(entry),
        starts_at=entry.starts_at,
        title=_title(entry, builtin),
        summary=_text(summary),
        lines=tuple(Line(label=name(label), text=text) for label, value in shown if (text := _text(value))),
        links=tuple(_links(entry, words, console_url)),
        excerpt=cut(many_lines(entry.facts.excerpt), excerpt_chars),
    )


def name(text: str) -> str:
    """Return the name of something, safe to show and not too long to stand among others."""
    return cut(one_line(text), _LONGEST_NAME)


def severity_of(entry: Entry) -> str:
    """Return how bad an alert is, in the words of its label."""
    return name(entry.labels.get("severity", ""))


def _text(text: str) -> str:
    return cut(one_line(text), _LONGEST_TEXT)


def _title(entry: Entry, builtin: BuiltinWords | None) -> str:
    what = ["alertname", "app", "project"]
    if builtin is not None:
        what += ["rule", "integration"]
    return " · ".join(shown for label in what if (shown := name(entry.labels.get(label, ""))))


def _summary(entry: Entry, builtin: BuiltinWords | None, words: Words) -> tuple[str, str]:
    """Return what the alert says, and in which words it said so itself where that is another language."""
    own = entry.annotations.get("summary", "")
    if builtin is None or (own and words.language == _LANGUAGE_OF_CODE):
        return own, entry.annotations.get("description", "")
    return builtin.summary, own


Lines = Iterator[tuple[str, str]]


def _beginning(entry: Entry, builtin: BuiltinWords | None, words: Words, now: float) -> Lines:
    """Yield what is to be known of an alert that fires, the weightiest first."""
    facts = entry.facts
    at = clock_time(entry.starts_at, now=now, zone=zone_of(facts.timezone))
    yield words.since, words.since_then.format(time=at, ago=ago(now - entry.starts_at, words))
    yield from _values(facts, words, running=words.running)
    if builtin is None:
        yield words.stop, _stop(entry, words)
    else:
        yield words.to_do, builtin.to_do
    yield words.acknowledged_by, entry.acked_by
    if facts.blind_before > 0:
        yield words.not_observed, words.blind_before.format(duration=duration(facts.blind_before, words))
    yield from _progress(facts, words)


def _end(entry: Entry, words: Words, now: float) -> Lines:
    """Yield what is to be known of an alert that is over: the facts hold the values at its end."""
    zone = zone_of(entry.facts.timezone)
    ended_at = entry.ends_at if entry.ends_at is not None else now
    begin, end = (clock_time(at, now=now, zone=zone) for at in (entry.starts_at, ended_at))
    yield words.lasted, words.between.format(duration=duration(ended_at - entry.starts_at, words), begin=begin, end=end)
    if entry.resolution is not None:
        yield words.ended, words.resolutions[entry.resolution]
    yield from _values(entry.facts, words, running=words.ran if entry.resolution in _OVER else words.running)
    yield words.stop, _stop(entry, words)


def _values(facts: Facts, words: Words, *, running: str) -> Lines:
    """Yield what was measured, with the limit it is held against."""
    if facts.age is not None:
        yield running, _limited(_age(facts.age, facts.age_at_most, words), facts.limit, words)
    if facts.rating:
        rating = words.ratings.get(facts.rating, facts.rating)
        by = words.raters.get(facts.rated_by, facts.rated_by)
        yield words.rating, words.rated.format(rating=rating, by=by) if by else rating
    if facts.count is not None:
        count = str(facts.count)
        if facts.within is not None:
            count = words.counted_within.format(count=count, within=duration(facts.within, words))
        yield words.count, count


def _age(age: float, at_most: float | None, words: Words) -> str:
    if at_most is None:
        return words.at_least.format(duration=duration(age, words))
    return duration_between(age, at_most, words)


def _limited(value: str, limit: float | None, words: Words) -> str:
    return value if limit is None else words.limited.format(value=value, limit=duration(limit, words))


def _stop(entry: Entry, words: Words) -> str:
    """Return what the monitor did; where no fact says so, in the words of the rule's annotation."""
    facts = entry.facts
    what = words.stops.get(facts.stop)
    if what is None:
        return entry.annotations.get("action", "")
    if not facts.stop_reason or facts.stop not in _EXPLAINED:
        return what
    return words.because.format(what=what, why=words.why_refused.get(facts.stop_reason, facts.stop_reason))


def _progress(facts: Facts, words: Words) -> Lines:
    if facts.last_step:
        since = None if facts.last_step_ago is None else ago(facts.last_step_ago, words)
        yield words.last_step, facts.last_step if since is None else words.step.format(step=facts.last_step, ago=since)
    if facts.idle is not None and (facts.last_step_ago is None or facts.last_step_ago - facts.idle >= 1):
        yield words.progress, ago(facts.idle, words)


def _background(entry: Entry, builtin: BuiltinWords | None, details: str, words: Words) -> Lines:
    """Yield what else the rule's author and the configuration say."""
    yield from (
        (key, text)
        for key, text in entry.annotations.items()
        if key not in _TOLD_ANNOTATIONS and not key.endswith(_URL_SUFFIX)
    )
    if entry.status is not Transition.RESOLVED:
        yield words.details, details
    told = _TOLD_LABELS if builtin is None else _TOLD_LABELS | _TOLD_BUILTIN_LABELS
    if entry.facts.rated_by:
        told |= {"by"}
    yield words.labels, _pairs({label: value for label, value in entry.labels.items() if label not in told})
    yield words.conversation, entry.labels.get("conversation_id", "")


def _pairs(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name(label)}={name(value)}" for label, value in sorted(labels.items()))


def _links(entry: Entry, words: Words, console_url: str) -> Iterator[Link]:
    """Yield where to look: what is not an address that a browser may be sent to is left out."""
    named = [(words.open_conversation, entry.url if entry.labels.get("conversation_id") else "")]
    named.append((words.open_runbook, entry.annotations.get(_RUNBOOK, "")))
    named += [
        (name(key.removesuffix(_URL_SUFFIX)), url)
        for key, url in entry.annotations.items()
        if key.endswith(_URL_SUFFIX) and key != _RUNBOOK
    ]
    named.append((words.open_console, console_url))
    yield from (Link(text=text, url=url) for text, given in named if text and (url := _address(given)))


def _address(url: str) -> str:
    """Return a web address with nothing in it that a markup could take for its own; empty when it is none."""
    if not url.startswith(("https://", "http://")) or len(url) > _LONGEST_URL:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if _HOST.fullmatch(parts.netloc) is None:
        return ""
    return quote(url, safe=_URL_CHARACTERS, errors="replace")
