from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.inhibition import Inhibitor, InhibitRule
from monitor.alerting.matchers import all_match, parse_matchers


def rule(sources: str, targets: str, *equal: str) -> InhibitRule:
    """Return a rule of these matchers."""
    return InhibitRule(sources=parse_matchers(sources), targets=parse_matchers(targets), equal=equal)


BLIND = rule("alertname=MonitorBlind", "severity!=critical", "project")


@pytest.mark.parametrize(
    ("labels", "source"),
    [
        ({"alertname": "Slow", "project": "p"}, "blind"),
        ({"alertname": "Slow", "project": "q"}, None),
        ({"alertname": "Slow", "project": "p", "severity": "critical"}, None),
        ({"alertname": "Slow"}, None),
    ],
)
def test_a_source_inhibits_what_shares_its_labels(labels: dict[str, str], source: str | None) -> None:
    """While the source fires, those targets are inhibited that have the same values of the labels `equal`."""
    inhibitor = Inhibitor([BLIND], {"blind": {"alertname": "MonitorBlind", "project": "p"}})
    found = inhibitor.muted_by(labels, "slow")
    assert (found.source if found else None) == source
    assert found is None or found.rule is BLIND


def test_nothing_inhibits_while_no_source_fires() -> None:
    """Without a firing source, and without rules, everything is told."""
    labels = {"alertname": "Slow", "project": "p"}
    assert Inhibitor([BLIND], {"slow": labels}).muted_by(labels, "slow") is None
    assert Inhibitor([], {"slow": labels}).muted_by(labels, "slow") is None


def test_absent_and_empty_labels_are_equal() -> None:
    """A label that one side does not have equals one that is empty on the other."""
    inhibitor = Inhibitor([rule("a=source", "a=target", "x")], {"s": {"a": "source", "x": ""}})
    assert inhibitor.muted_by({"a": "target"}, "t")
    assert not inhibitor.muted_by({"a": "target", "x": "1"}, "t")


def test_alerts_on_both_sides_do_not_inhibit_each_other() -> None:
    """What matches both sides is inhibited only by what matches the source's side alone."""
    both = rule("a=~x|y", "a=~y|z")
    firing = {"y1": {"a": "y"}, "y2": {"a": "y"}}
    assert not Inhibitor([both], firing).muted_by({"a": "y"}, "y1")
    found = Inhibitor([both], firing).muted_by({"a": "z"}, "z1")
    assert found is not None
    assert found.source in firing
    found = Inhibitor([both], {**firing, "x1": {"a": "x"}}).muted_by({"a": "y"}, "y1")
    assert found is not None
    assert found.source == "x1"


def test_an_alert_does_not_inhibit_itself_when_its_labels_change() -> None:
    """An alert whose labels were those of a target and are now those of a source is not inhibited by itself."""
    worse = rule("severity=critical", "severity=warning", "alertname")
    firing = {"f": {"alertname": "X", "severity": "critical"}}
    before = {"alertname": "X", "severity": "warning"}
    assert not Inhibitor([worse], firing).muted_by(before, "f")
    assert Inhibitor([worse], firing).muted_by(before, "other")


def test_the_first_rule_that_inhibits_is_named() -> None:
    """Rules are tried in order."""
    rules = [rule("a=1", "b=1"), rule("a=2", "b=1"), rule("a=2", "")]
    found = Inhibitor(rules, {"s": {"a": "2"}}).muted_by({"b": "1"}, "t")
    assert found is not None
    assert found.rule is rules[1]


def slow_answer(rules: list[InhibitRule], firing: Mapping[str, Mapping[str, str]], fingerprint: str) -> bool:
    """Return by looking at all pairs whether anything inhibits an alert, word for word as the rules are described."""
    labels = firing[fingerprint]
    return any(
        all_match(each.targets, labels)
        and all_match(each.sources, other)
        and all(labels.get(name, "") == other.get(name, "") for name in each.equal)
        and not (all_match(each.sources, labels) and all_match(each.targets, other))
        and source != fingerprint
        for each in rules
        for source, other in firing.items()
    )


MATCHERS = st.sampled_from(["", "a=1", "a!=1", "a=~1|2", "b=1", "b!=2,a=1"])
RULES = st.builds(rule, MATCHERS, MATCHERS, st.sampled_from("abc"))
LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "1", "2"]))


@given(rules=st.lists(RULES, max_size=4), alerts=st.lists(LABELS, min_size=1, max_size=8))
def test_the_index_finds_what_looking_at_all_pairs_finds(
    rules: list[InhibitRule], alerts: list[dict[str, str]]
) -> None:
    """Sorting the sources by labels changes how fast an answer is found, and not the answer."""
    firing = {f"f{number}": labels for number, labels in enumerate(alerts)}
    inhibitor = Inhibitor(rules, firing)
    for fingerprint, labels in firing.items():
        assert (inhibitor.muted_by(labels, fingerprint) is not None) is slow_answer(rules, firing, fingerprint)


class Counted(dict[str, str]):
    """Labels that count how often they are looked at."""

    looks = 0

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        """Return a label's value, as a dict does."""
        self.looks += 1
        return super().get(key, default)


def test_asking_costs_the_same_however_many_fire() -> None:
    """Of 10,000 firing alerts none is looked at again when one alert is asked about."""
    firing = {f"f{number}": Counted(alertname="MonitorBlind", project="p") for number in range(10_000)}
    inhibitor = Inhibitor([BLIND], firing)
    before = [labels.looks for labels in firing.values()]
    assert inhibitor.muted_by({"alertname": "Slow", "project": "p"}, "slow")
    assert [labels.looks for labels in firing.values()] == before
