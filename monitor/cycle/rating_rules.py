"""What rules make of changes of ratings: events at once, windows over what happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from monitor.alerting import lifecycle
from monitor.commit import Commit, Moment
from monitor.cycle.caught_up import CaughtUp
from monitor.cycle.coverage import POLL, Coverage
from monitor.cycle.excerpts import excerpt_of_rating
from monitor.cycle.project import Project
from monitor.model.alert import Alert, Identity, Resolution, fingerprint
from monitor.model.blind import Blind
from monitor.model.conversation import App
from monitor.model.facts import Facts
from monitor.model.rating import RatingChange
from monitor.rules.cel import Truth
from monitor.rules.evaluate import Evaluation, evaluate, evaluate_where
from monitor.rules.rule import Rule, Subject
from monitor.rules.variables import rating_variables, window_variables
from monitor.tracking.coverage import newest_within

__all__ = ["RatingRules"]

_GAP = 3600.0
Values = tuple[tuple[str, str], ...]


class RatingRules:
    """Asks the rules of one project about ratings; `coverage` tells what was not observed."""

    def __init__(self, project: Project, coverage: Coverage) -> None:
        self._project = project
        self._coverage = coverage
        self._caught_up = CaughtUp(project)

    def event_names(self) -> list[str]:
        """Return the names of the rules about single changes."""
        return [rule.name for rule in self._events()]

    async def evaluate_events(self, commit: Commit, changes: Sequence[RatingChange], moment: Moment) -> None:
        """Fire events about these changes, and withdraw those that a change takes back."""
        blinds = await self._blinds(commit, changes, moment)
        for change in changes:
            blind = _blind(change, blinds)
            for evaluation in evaluate(self._events(), rating_variables(change, now=moment.server, blind=blind)):
                self._project.note(evaluation)
                await self._apply_event(commit, change, evaluation, blind, moment)

    async def evaluate_windows(self, commit: Commit, moment: Moment) -> None:
        """Ask every window rule about what happened within its window until now."""
        for rule in self._windows():
            await self._evaluate_window(commit, rule, moment)

    async def tell_held(self, commit: Commit, alerts: Sequence[Alert], moment: Moment) -> None:
        """Tell, one by one or by a summary, of events that a blind time hid; `alerts` are the open ones."""
        await self._caught_up.tell(commit, self._events(), alerts, moment)

    async def _blinds(self, commit: Commit, changes: Iterable[RatingChange], moment: Moment) -> list[Blind]:
        """Return the blind times in which any of these changes may have happened, one that goes on included."""
        since = min((change.rating.not_before for change in changes), default=None)
        if since is None:
            return []
        known = await commit.tx.observations.blind_times(self._project.name, since=since)
        newest = await commit.tx.observations.newest_pass(self._project.name, POLL)
        going_on = self._coverage.blind(newest, moment)
        return known if going_on is None else [*known, going_on]

    async def _apply_event(
        self, commit: Commit, change: RatingChange, evaluation: Evaluation, blind: Blind | None, moment: Moment
    ) -> None:
        rule, rating = evaluation.rule, change.rating
        ids = {"conversation_id": rating.conversation_id, "chat_id": rating.chat_id}
        subject = tuple(sorted({**ids, "by": rating.by.value}.items()))
        identity = Identity(project=self._project.name, rule=rule.name, subject=subject)
        before = await commit.tx.alerts.get(fingerprint(identity))
        before = before if before is not None and before.resolved_at is None else None
        if evaluation.truth is Truth.TRUE and before is None:
            step = lifecycle.fire_event(
                identity,
                now=moment.server,
                terms=replace(self._project.terms(rule, gap=_GAP), announce_within=self._caught_up.held_for(blind)),
                # whose rating it is must tell label sets apart: that is all Alertmanager knows an alert by
                labels=self._project.labels(rule, change.app, {**ids, "by": rating.by.value}),
                annotations=self._project.annotations(evaluation, change.app, blind),
                facts=self._facts(change, blind),
            )
            await commit.settle(None, step, moment)
        elif evaluation.truth is Truth.FALSE and before is not None:
            facts = replace(before.facts, rating=rating.vote.value)
            step = lifecycle.end(before, Resolution.WITHDRAWN, now=moment.server, facts=facts)
            await commit.settle(before, step, moment)

    async def _evaluate_window(self, commit: Commit, rule: Rule, moment: Moment) -> None:
        within = rule.within or 0.0
        happened = await commit.tx.ratings.changes(self._project.name, since=moment.server - within)
        open_alerts = await commit.tx.alerts.open(self._project.name, rules=[rule.name])
        grouped = self._grouped(rule, happened, await self._blinds(commit, happened, moment), moment)
        # A group that an alert is about and nothing happened in any more is to be asked about as well.
        for alert in open_alerts.values():
            grouped.setdefault(alert.identity.subject, [])
        for values, changes in grouped.items():
            await self._apply_window(commit, rule, values, changes, open_alerts, moment)

    def _grouped(
        self, rule: Rule, happened: Iterable[RatingChange], blinds: Sequence[Blind], moment: Moment
    ) -> dict[Values, list[RatingChange]]:
        """Return the changes that count, by the values of `by`: one whose interval is too long is late."""
        grouped: dict[Values, list[RatingChange]] = {}
        for change in happened:
            data = rating_variables(change, now=moment.server, blind=_blind(change, blinds))
            [counts] = evaluate_where([rule], data)
            self._project.note(counts)
            is_late = change.rating.seen_at - change.rating.not_before > (rule.within or 0.0)
            if counts.truth is Truth.TRUE and not is_late:
                values = tuple(sorted((name, str(data[name])) for name in rule.by))
                grouped.setdefault(values, []).append(change)
        return grouped

    async def _apply_window(  # noqa: PLR0917 - one window of one rule
        self,
        commit: Commit,
        rule: Rule,
        values: Values,
        changes: Sequence[RatingChange],
        open_alerts: dict[str, Alert],
        moment: Moment,
    ) -> None:
        identity = Identity(project=self._project.name, rule=rule.name, subject=values)
        before = open_alerts.get(fingerprint(identity))
        app = changes[0].app if changes else None
        named = {**dict(values), **({"app.name": app.name if app else ""} if "app.id" in rule.by else {})}
        users = len({change.user_id for change in changes if change.user_id is not None})
        data = window_variables(named, project=self._project.name, count=len(changes), users=users)
        [evaluation] = evaluate([rule], data)
        self._project.note(evaluation)
        if evaluation.truth is Truth.UNKNOWN:
            return
        step = lifecycle.advance(
            before,
            identity,
            true=evaluation.truth is Truth.TRUE,
            now=moment.server,
            terms=self._project.terms(rule, gap=_GAP),
            labels=self._window_labels(rule, values, app),
            annotations=self._project.annotations(evaluation, app if "app.id" in rule.by else None),
            facts=replace(self._project.facts(), count=len(changes), within=rule.within),
        )
        await commit.settle(before, step, moment)

    def _facts(self, change: RatingChange, blind: Blind | None) -> Facts:
        return replace(
            self._project.facts(blind),
            rating=change.rating.vote.value,
            rated_by=change.rating.by.value,
            excerpt=excerpt_of_rating(change, self._project.settings),
        )

    def _window_labels(self, rule: Rule, values: Values, app: App | None) -> dict[str, str]:
        """Return the labels of a window's alert: the values of `by` with `_` for dots."""
        by = {name.replace(".", "_"): value for name, value in values if value}
        return self._project.labels(rule, app if "app.id" in rule.by else None, by)

    def _events(self) -> list[Rule]:
        return [rule for rule in self._project.rules.by_subject(Subject.RATING) if rule.is_event]

    def _windows(self) -> list[Rule]:
        return [rule for rule in self._project.rules.by_subject(Subject.RATING) if rule.is_window]


def _blind(change: RatingChange, blinds: Sequence[Blind]) -> Blind | None:
    """Return the newest blind time in which the change may have happened."""
    return newest_within(blinds, change.rating.not_before, change.rating.seen_at)
