"""
Ratings that were given while nothing was observed: when many are found at once, one summary tells of them.

Every one of them is recorded and has its alert, which the console shows; only its notification is saved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from monitor.alerting import lifecycle
from monitor.commit import Commit, Moment
from monitor.cycle.project import Project
from monitor.model.alert import Alert, Identity, fingerprint
from monitor.model.blind import Blind
from monitor.model.builtin import Builtin
from monitor.rules.humanize import humanize
from monitor.rules.rule import Rule

__all__ = ["CaughtUp", "is_held"]

_LONG_BLIND = 3600.0  # seconds from which on what happened in a blind time is history rather than news
_GATHERED_FOR = 600.0  # seconds: the incremental poll and the first sweeps find most of it
_MOST_TOLD = 5  # alerts of one rule that are still told one by one
_MOST_APPS = 5  # that a summary names


class CaughtUp:
    """
    Decides how the events of one project that a long blind time hid are told.

    They are held for ten minutes from the first of them on. Then up to five of one rule are told as always; of more, a
    summary with the labels of the rule says how many, by app. What later sweeps find of that blind time is held in the
    same way, and the summary is told again with the new number.
    """

    def __init__(self, project: Project) -> None:
        self._project = project

    def held_for(self, blind: Blind | None) -> float | None:
        """Return for how many seconds an alert is held about what may have happened in `blind`; None for not at all."""
        return _GATHERED_FOR if blind is not None and blind.seconds >= _LONG_BLIND else None

    async def tell(self, commit: Commit, rules: Iterable[Rule], alerts: Sequence[Alert], moment: Moment) -> None:
        """Tell of what was held long enough; `alerts` are the open ones of the project."""
        for rule in rules:
            of_rule = [alert for alert in alerts if alert.identity.rule == rule.name]
            held = [alert for alert in of_rule if is_held(alert)]
            if min((alert.announce_by or 0.0 for alert in held), default=moment.server + 1) > moment.server:
                continue
            if len(held) > _MOST_TOLD:
                await self._sum_up(commit, rule, held, of_rule, moment)
            else:
                for alert in held:
                    await commit.settle(alert, lifecycle.announce(alert, now=moment.server), moment)

    async def _sum_up(
        self, commit: Commit, rule: Rule, held: Sequence[Alert], of_rule: Sequence[Alert], moment: Moment
    ) -> None:
        name = self._project.name
        subject = {"rule": rule.name}
        summary = Identity(project=name, rule=Builtin.RATINGS_CAUGHT_UP.value, subject=tuple(subject.items()))
        told_by = fingerprint(summary)
        await commit.tx.alerts.put(replace(alert, announced_at=moment.server, told_by=told_by) for alert in held)
        counted = [*held, *(alert for alert in of_rule if alert.told_by == told_by)]
        blind = max(alert.facts.blind_before for alert in held)
        await commit.fire_builtin(
            Builtin.RATINGS_CAUGHT_UP,
            project=name,
            subject=subject,
            labels=rule.labels,
            summary=(
                f"Project {name} was not observed for {humanize(timedelta(seconds=blind))}. {len(counted)} alerts of "
                f"rule {rule.name} about what may have happened then are not told one by one: {_by_app(counted)}."
            ),
            moment=moment,
            facts=replace(self._project.facts(), count=len(counted), blind_before=blind),
        )


def is_held(alert: Alert) -> bool:
    """Return whether an event waits for others like it before it is told."""
    return alert.is_event and alert.announced_at is None


def _by_app(alerts: Iterable[Alert]) -> str:
    found = Counter(alert.labels.get("app") or "no app" for alert in alerts).most_common()
    named = ", ".join(f"{app} {count}" for app, count in found[:_MOST_APPS])
    rest = sum(count for _, count in found[_MOST_APPS:])
    return f"{named}, others {rest}" if rest else named
