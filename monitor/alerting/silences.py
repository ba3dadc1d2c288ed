"""Which silence holds an alert, and which silences are over because what they were about is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from monitor.alerting.matchers import Matcher, Operator, all_match, parse_matcher
from monitor.model.silence import Silence, SilenceState

__all__ = ["Silencer", "parse_narrow", "with_nothing_left"]


def parse_narrow(texts: Sequence[str]) -> tuple[Matcher, ...]:
    """
    Return the matchers that `texts` stand for.

    ValueError is raised for one that is none, and, as Alertmanager does, for those that an alert without any label
    would satisfy: by mistake they hold everything.
    """
    matchers = tuple(parse_matcher(text) for text in texts)
    if all_match(matchers, {}):
        raise ValueError("at least one matcher has to say what a label is: these match everything")
    return matchers


class Silencer:
    """
    The silences that hold at `now`, own time.

    They are found by the labels that they want to be equal to something, and what any other matcher says of a value is
    remembered, so many alerts can be compared with many silences.
    """

    def __init__(self, silences: Iterable[Silence], now: float) -> None:
        self._by_names: dict[tuple[str, ...], dict[tuple[str, ...], list[_Candidate]]] = {}
        for silence in silences:
            if silence.state(now) is SilenceState.ACTIVE:
                candidate = _Candidate(silence)
                by_values = self._by_names.setdefault(tuple(candidate.equal), {})
                by_values.setdefault(tuple(candidate.equal.values()), []).append(candidate)

    def muted_by(self, labels: Mapping[str, str]) -> Silence | None:
        """Return the silence that holds an alert with these labels, of several the one that ends last."""
        found = [
            candidate.silence
            for names, by_values in self._by_names.items()
            for candidate in by_values.get(tuple(labels.get(name, "") for name in names), ())
            if candidate.accepts(labels)
        ]
        return max(found, key=_end, default=None)


class _Candidate:
    """A silence: `equal` are the values that it wants labels to have, in the order of their names."""

    def __init__(self, silence: Silence) -> None:
        matchers = _parsed(silence.matchers)
        equal = {each.name: each.value for each in reversed(matchers) if each.operator is Operator.EQUAL}
        others = [each for each in matchers if each.operator is not Operator.EQUAL or each.value != equal[each.name]]
        self.silence = silence
        self.equal = dict(sorted(equal.items()))
        self._others: list[tuple[Matcher, dict[str, bool]]] = [(matcher, {}) for matcher in others]

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels that have the values of `equal` satisfy the other matchers too."""
        for matcher, known in self._others:
            value = labels.get(matcher.name, "")
            verdict = known.get(value)
            if verdict is None:
                verdict = known[value] = matcher.matches(labels)
            if not verdict:
                return False
        return True


def with_nothing_left(silences: Iterable[Silence], firing: Sequence[Mapping[str, str]], now: float) -> list[Silence]:
    """Return those that hold at `now` without a known end and match none of `firing`, labels of alerts."""
    return [
        silence
        for silence in silences
        if silence.ends_at is None and silence.state(now) is SilenceState.ACTIVE and not _matches_any(silence, firing)
    ]


def _matches_any(silence: Silence, firing: Sequence[Mapping[str, str]]) -> bool:
    matchers = _parsed(silence.matchers)
    return any(all_match(matchers, labels) for labels in firing)


@lru_cache(maxsize=1024)
def _parsed(matchers: tuple[str, ...]) -> tuple[Matcher, ...]:
    return tuple(parse_matcher(text) for text in matchers)


def _end(silence: Silence) -> float:
    return math.inf if silence.ends_at is None else silence.ends_at
