"""Which firing alert makes it needless to tell another: the inhibition rules, with Alertmanager's meaning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.alerting.matchers import Matcher, all_match

__all__ = ["InhibitRule", "Inhibited", "Inhibitor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InhibitRule:
    """
    While an alert fires that satisfies all `sources`, those that satisfy all `targets` are not told.

    Both have to have the same values of the labels `equal`; a label that is absent has the value "". An alert that
    satisfies both sides is not inhibited by another that does, nor by itself.
    """

    sources: tuple[Matcher, ...] = ()
    targets: tuple[Matcher, ...] = ()
    equal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibited:
    """By which rule an alert is inhibited, and by the alert with which fingerprint."""

    rule: InhibitRule
    source: str


class Inhibitor:
    """
    The rules and what fires: `firing` are the labels of all firing alerts by fingerprint.

    What could inhibit is sorted by the values of the labels that have to be equal, so asking about an alert costs the
    same however many fire.
    """

    def __init__(self, rules: Sequence[InhibitRule], firing: Mapping[str, Mapping[str, str]]) -> None:
        self._indexes = [_Index(rule, firing) for rule in rules]

    def muted_by(self, labels: Mapping[str, str], fingerprint: str) -> Inhibited | None:
        """Return what inhibits the alert with this fingerprint and these labels: of several rules the first."""
        for index in self._indexes:
            if source := index.source(labels, fingerprint):
                return Inhibited(rule=index.rule, source=source)
        return None


class _Index:
    """The fingerprints of what could inhibit by one rule, by the values that have to be equal."""

    def __init__(self, rule: InhibitRule, firing: Mapping[str, Mapping[str, str]]) -> None:
        self.rule = rule
        self._sources: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self._one_sided: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for fingerprint, labels in firing.items():
            if all_match(rule.sources, labels):
                self._sources[self._values(labels)].append(fingerprint)
                if not all_match(rule.targets, labels):
                    self._one_sided[self._values(labels)].append(fingerprint)

    def source(self, labels: Mapping[str, str], fingerprint: str) -> str | None:
        rule = self.rule
        if not all_match(rule.targets, labels):
            return None
        sources = self._one_sided if all_match(rule.sources, labels) else self._sources
        found = sources.get(self._values(labels), ())
        # its own labels may have changed since: with others it would be its own source
        return next((source for source in found if source != fingerprint), None)

    def _values(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(labels.get(name, "") for name in self.rule.equal)
