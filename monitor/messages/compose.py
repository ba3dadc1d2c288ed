"""From a notification to a message: who is told what, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import overload

from monitor.messages.alert_text import describe, name, severity_of
from monitor.messages.catalogue import CATALOGUE
from monitor.messages.message import AlertText, Message
from monitor.messages.words import Words
from monitor.model.alert import Transition
from monitor.model.notification import Entry, Notification

__all__ = ["Composer", "more"]

_SEVERITIES = {"critical": 0, "error": 1, "warning": 2, "info": 4, "none": 5}
_OTHER_SEVERITY = 3
_ORDER = {Transition.FIRING: 0, Transition.ACKNOWLEDGED: 1, Transition.RESOLVED: 2}
_MOST_NAMES = 2
_REPEAT = "repeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """
    Puts notifications into words, as one receiver is to have them.

    `language` is one of the catalogue's. `excerpt_chars` is how many characters of a conversation this receiver may
    have. `console_url` is where the monitor's own console is, empty when there is none to show.
    """

    language: str
    excerpt_chars: int
    console_url: str

    def compose(self, notification: Notification, *, now: float) -> Message:
        """Return `notification` in words; `now` is own time, as its times are."""
        words = CATALOGUE[self.language]
        entries = sorted({entry.fingerprint: entry for entry in notification.entries}.values(), key=_weight)
        in_words = partial(
            describe, words=words, now=now, excerpt_chars=self.excerpt_chars, console_url=self.console_url
        )
        is_firing = any(entry.status is not Transition.RESOLVED for entry in entries)
        return Message(
            title=_title(entries, words, repeated=notification.reason == _REPEAT),
            status=Transition.FIRING if is_firing else Transition.RESOLVED,
            alerts=_Described(entries, in_words),
            language=self.language,
        )


class _Described(Sequence[AlertText]):
    """Alerts in words, each put into them when it is asked for: of ten thousand, a receiver shows a few."""

    def __init__(self, entries: Sequence[Entry], in_words: Callable[[Entry], AlertText]) -> None:
        self._entries = entries
        self._in_words = in_words

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> AlertText: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[AlertText]: ...

    def __getitem__(self, index: int | slice) -> AlertText | Sequence[AlertText]:
        if isinstance(index, slice):
            return _Described(self._entries[index], self._in_words)
        return self._in_words(self._entries[index])


def more(count: int, language: str) -> str:
    """Return that there are `count` more than what is shown: ``+3 more``."""
    return CATALOGUE[language].more.format(count=count)


def _weight(entry: Entry) -> tuple[int, int, float, str]:
    severity = _SEVERITIES.get(severity_of(entry), _OTHER_SEVERITY)
    return _ORDER[entry.status], severity, entry.starts_at, entry.fingerprint


def _title(entries: Sequence[Entry], words: Words, *, repeated: bool) -> str:
    states = ", ".join(_states(entries, words, repeated=repeated))
    names = [
        _names((entry.labels.get(label, "") for entry in entries), words) for label in ("alertname", "app", "project")
    ]
    return " · ".join(part for part in (states, *names) if part)


def _states(entries: Sequence[Entry], words: Words, *, repeated: bool) -> Iterable[str]:
    """Yield each state that alerts are in, with how many, if not one alone, and how bad the worst is."""
    for status, state in words.states.items():
        counted = [entry for entry in entries if entry.status is status]
        if not counted:
            continue
        text = words.still_firing if repeated and status is Transition.FIRING else state
        if len(entries) > 1:
            text = words.counted.format(state=text, count=len(counted))
        severity = severity_of(counted[0])
        yield f"{text} ({severity})" if status is not Transition.RESOLVED and severity not in {"", "none"} else text


def _names(values: Iterable[str], words: Words) -> str:
    distinct = list(dict.fromkeys(value for value in values if value))
    shown = [name(value) for value in distinct[:_MOST_NAMES]]
    if len(distinct) > _MOST_NAMES:
        shown.append(words.more.format(count=len(distinct) - _MOST_NAMES))
    return ", ".join(shown)
