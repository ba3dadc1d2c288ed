"""What the monitor says about itself: blindness, credentials, contradictions, receivers, rules, budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from monitor.alerting.guard import Decision
from monitor.clock import Clock
from monitor.commit import Commit, Commits, Moment
from monitor.cycle.coverage import POLL
from monitor.cycle.project import Project
from monitor.model.alert import Alert, Resolution
from monitor.model.builtin import Builtin
from monitor.model.run import Run
from monitor.model.stop import StopMode, StopResult
from monitor.store.outbox import Health
from monitor.tracking.capability_report import degradations
from monitor.tracking.contradictions import is_hidden

__all__ = ["DaemonHealth", "ProjectHealth"]

_HOUR = 3600.0
_SET_ASIDE_SHOWN = 900.0  # seconds for which a receiver that did not take an alert is told of
_FAILING_AFTER = 3  # failed attempts in a row
_DEGRADED_FOR = 600.0  # seconds after the newest sign

_DRIFT = {
    "time_unit": "times and ids disagree (time_unit)",
    "filter_ignored": "the list ignores a filter (filter_ignored)",
    "unknown_sender": (
        "chats have senders that this version does not know, and may be a user's: a run in which one comes is young "
        "again and not stopped (unknown_sender)"
    ),
}
"""What deviates in a way that degrades a project, by its kind, in words."""


class ProjectHealth:
    """
    The built-in alerts about one project.

    `started_at` is the server time at which this daemon began: before it, nothing could be observed.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._started_at = project.moment().server
        self._degraded_at: dict[str, float] = {}
        self.auth_error: str | None = None
        self.incomplete: dict[str, str] = {}

    def drifted(self, kind: str) -> None:
        """Note that an answer deviates from the API's description; some kinds of that degrade the project."""
        if kind in _DRIFT:
            self._degraded_at[kind] = self._project.moment().server

    async def evaluate(self) -> None:
        """Write what is known about the health of the project. Raises StorageError."""
        async with self._project.commits.begin() as commit:
            moment = self._project.moment()
            known = list((await commit.tx.alerts.open(self._project.name)).values())
            open_runs = list((await commit.tx.runs.open(self._project.name)).values())
            await self._auth(commit, known, moment)
            await self._blind(commit, known, moment)
            await self._degraded(commit, known, open_runs, moment)
            await self._budget(commit, known, open_runs, moment)
            await self._rules(commit, known, moment)
            await self._removed_rules(commit, known, moment)
        self._show(moment)

    async def _raise(
        self,
        commit: Commit,
        known: Sequence[Alert],
        name: Builtin,
        summary: str,
        *,
        true: bool,
        moment: Moment,
        rule: str = "",
    ) -> None:
        """Write what became of a built-in alert; what is not so, and is not `known` to be told, needs no look at it."""
        subject = {"rule": rule} if rule else {}
        if not true and not any(_is(alert, name, subject) for alert in known):
            return
        await commit.raise_builtin(
            name,
            project=self._project.name,
            subject=subject,
            labels={},
            summary=summary,
            true=true,
            moment=moment,
            facts=self._project.facts(),
        )

    async def _auth(self, commit: Commit, known: Sequence[Alert], moment: Moment) -> None:
        summary = (
            f"Alli refuses the credential of project {self._project.name}: nothing is observed until it is replaced. "
            f"{self.auth_error or ''}"
        )
        true = self.auth_error is not None
        await self._raise(commit, known, Builtin.MONITOR_API_AUTH, summary, true=true, moment=moment)

    async def _blind(self, commit: Commit, known: Sequence[Alert], moment: Moment) -> None:
        done = await commit.tx.observations.newest_pass(self._project.name, POLL)
        since = max(done.completed_at if done else self._started_at, 0.0)
        if done is not None and done.completed_at < self._started_at:
            since = self._started_at  # what was missed while no daemon ran is not this one's blindness
        blind = moment.server - since > 3 * self._project.polling.runs
        summary = f"No complete look at the runs of project {self._project.name} for {moment.server - since:.0f} s."
        await self._raise(commit, known, Builtin.MONITOR_BLIND, summary, true=blind, moment=moment)

    async def _degraded(self, commit: Commit, known: Sequence[Alert], open_runs: Sequence[Run], moment: Moment) -> None:
        """Raise an alert for each cause, so that one that comes while another stands is told, too."""
        hidden = [run for run in open_runs if is_hidden(run, interval=self._project.polling.runs, now=moment.server)]
        begin = f"Alli does not answer about project {self._project.name} as it should"
        causes = {cause: f"{begin}: {text}." for cause, text in self._causes(len(hidden), moment.server).items()}
        degraded = [alert for alert in known if alert.identity.rule == Builtin.MONITOR_DEGRADED.value]
        told = {dict(a.identity.subject).get("cause", ""): a.annotations["summary"] for a in degraded}
        for cause, summary in (told | causes).items():
            await commit.raise_builtin(
                Builtin.MONITOR_DEGRADED,
                project=self._project.name,
                subject={"cause": cause} if cause else {},
                labels={},
                summary=summary,
                true=cause in causes,
                moment=moment,
                facts=self._project.facts(),
            )

    def _causes(self, hidden: int, now: float) -> dict[str, str]:
        proven = degradations(self._project.capabilities)
        recent = {kind: _DRIFT[kind] for kind, at in self._degraded_at.items() if now - at < _DEGRADED_FOR}
        if proven.keys() & {"time_filters", "running_filter"}:
            recent.pop("filter_ignored", None)  # which one is known
        missing = {"hidden_runs": f"{hidden} runs not listed and not ended"} if hidden else {}
        incomplete = {poll: f"{poll} does not get through: {why}" for poll, why in self.incomplete.items()}
        return recent | missing | incomplete | proven

    async def _budget(self, commit: Commit, known: Sequence[Alert], open_runs: Sequence[Run], moment: Moment) -> None:
        """Alert while a run is overdue and goes on because the budget of this hour is spent."""
        newest = await commit.tx.stops.newest(self._project.name, limit=200) if open_runs else []
        going_on = {run.id for run in open_runs}
        waiting = [
            stop
            for stop in newest
            if stop.mode is StopMode.ENFORCE
            and stop.result is StopResult.REFUSED
            and stop.reason == Decision.BUDGET_SPENT.value
            and stop.run_id in going_on
        ]
        summary = f"The stop budget of project {self._project.name} is spent; overdue runs that go on: {len(waiting)}."
        await self._raise(commit, known, Builtin.STOP_BUDGET_SPENT, summary, true=bool(waiting), moment=moment)

    async def _rules(self, commit: Commit, known: Sequence[Alert], moment: Moment) -> None:
        for rule in self._project.rules.rules:
            failure = self._project.failing_rules.get(rule.name)
            summary = f"Rule {rule.name} failed when it was last evaluated: {failure}. It stays on."
            await self._raise(
                commit, known, Builtin.RULE_FAILING, summary, true=failure is not None, moment=moment, rule=rule.name
            )

    async def _removed_rules(self, commit: Commit, known: Sequence[Alert], moment: Moment) -> None:
        """Resolve alerts whose rule a reload or a restart took away."""
        names = {rule.name for rule in self._project.rules.rules} | {name.value for name in Builtin}
        orphans = [alert for alert in known if alert.identity.rule not in names]
        await commit.end_alerts(orphans, Resolution.RULE_REMOVED, moment)

    def _show(self, moment: Moment) -> None:
        metrics = self._project.metrics
        metrics.clock_offset.labels(self._project.name).set(round(moment.offset, 3))


def _is(alert: Alert, name: Builtin, subject: Mapping[str, str]) -> bool:
    return alert.identity.rule == name.value and dict(alert.identity.subject) == subject


class DaemonHealth:
    """The built-in alerts about the daemon itself, in own time."""

    def __init__(self, commits: Commits, clock: Clock) -> None:
        self._commits = commits
        self._clock = clock

    async def evaluate(self) -> None:
        """Write what is known about the daemon's health. Raises StorageError."""
        now = self._clock.now()
        moment = Moment(server=now, own=now)
        async with self._commits.begin() as commit:
            await commit.raise_builtin(
                Builtin.WATCHDOG,
                project="",
                subject={},
                labels={},
                summary="Always firing: when it stops arriving, the monitor or the way to you is broken.",
                true=True,
                moment=moment,
            )
            for health in (await commit.tx.outbox.health()).values():
                await self._receiver(commit, health, moment)
            alerts = list((await commit.tx.alerts.open()).values())
            backlog = await commit.tx.outbox.backlog()
        counts = Counter((alert.identity.rule, alert.state.value) for alert in alerts)
        self._commits.metrics.set_alerts(counts)
        for name in self._commits.announcer.integrations:
            waiting = backlog.get(name)
            self._commits.metrics.outbox_pending.labels(name).set(waiting.pending if waiting else 0)
            self._commits.metrics.outbox_oldest.labels(name).set(waiting.oldest_at if waiting else 0)

    async def _receiver(self, commit: Commit, health: Health, moment: Moment) -> None:
        set_aside = health.set_aside_at is not None and moment.own - health.set_aside_at < _SET_ASIDE_SHOWN
        failing = health.permanent or health.attempts >= _FAILING_AFTER or set_aside
        configured = health.destination in self._commits.announcer.integrations
        what = "does not take notifications"
        if health.permanent:
            what = "refuses whatever it is sent; that waits until the receiver or its configuration is mended"
        elif set_aside:
            what = "did not take an alert, which was set aside: the log says which and why"
        await commit.raise_builtin(
            Builtin.RECEIVER_FAILING,
            project="",
            subject={"integration": health.destination},
            labels={"receiver": health.destination.partition("/")[0]},
            summary=f"Receiver {health.destination} {what}{f': {health.error}' if health.error else ''}",
            true=failing and configured,
            moment=moment,
        )
