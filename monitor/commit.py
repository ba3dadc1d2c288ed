"""
State and what follows from it, in one transaction.

Everything that changes the ledger, alerts, stops or the outbox goes through a `Commit`. What must wait until the
transaction is on disk (metrics, log lines, waking the outbox) is queued with `after` and forgotten if it fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog

from monitor.alerting import lifecycle
from monitor.alerting.guard import Decision
from monitor.alerting.lifecycle import Step, Terms
from monitor.announcer import Announcer
from monitor.metrics import Metrics
from monitor.model.alert import Alert, AlertState, Identity, Resolution, Transition, fingerprint
from monitor.model.builtin import SEVERITIES, Builtin
from monitor.model.facts import Facts
from monitor.model.run import Run
from monitor.model.stop import Stop, StopResult, StopState
from monitor.store import Store, Transaction
from monitor.store.stops import LogLine
from monitor.tracking import facts as facts_about

__all__ = ["Commit", "Commits", "Moment"]

log = structlog.get_logger()

_HAPPENED_FOR = 86400.0  # seconds

_ACTION_LABELS = {
    StopResult.STOPPED: "stopped",
    StopResult.SHADOW: "shadow",
    StopResult.REFUSED: "refused",
    StopResult.CHANGED: "changed",
    StopResult.ALREADY_FINISHED: "changed",  # what ran is no longer there: the label's set of values is closed
    StopResult.INEFFECTIVE: "ineffective",
    StopResult.ERROR: "refused",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One moment on both clocks: `server` is the project's server time, `own` is ours."""

    server: float
    own: float

    @property
    def offset(self) -> float:
        """Server time minus own time."""
        return self.server - self.own


class Commit:
    """
    One transaction and what is to happen once it is on disk.

    `wake` lets the outbox look: alerts that changed do so by themselves, an intent needs it among the effects.
    """

    def __init__(self, tx: Transaction, announcer: Announcer, metrics: Metrics, wake: Callable[[], object]) -> None:
        self.tx = tx
        self.wake = wake
        self.metrics = metrics
        self._announcer = announcer
        self._effects: list[Callable[[], object]] = []

    def after(self, effect: Callable[[], object]) -> None:
        """Do this once the transaction is on disk."""
        self._effects.append(effect)

    def run_effects(self) -> None:
        """Do what was queued. For `Commits` alone."""
        for effect in self._effects:
            effect()

    async def settle(self, before: Alert | None, step: Step, moment: Moment) -> Alert | None:
        """Write what an evaluation made of an alert, tell what is to be told, and return the alert."""
        alert = step.alert
        if alert is None:
            if before is not None:
                await self.tx.alerts.forget(before.fingerprint)
                self.after(self.wake)
            return None
        if step.transition is Transition.RESOLVED and alert.announced_at is None:
            alert = lifecycle.announce(alert, now=moment.server).alert or alert
            await self._tell(alert, Transition.FIRING, moment)
        if alert != before:
            await self.tx.alerts.put([alert])
            self.after(self.wake)
        if step.transition is not None:
            await self._tell(alert, step.transition, moment)
        return alert

    async def end_alerts(self, alerts: Iterable[Alert], resolution: Resolution, moment: Moment) -> None:
        """Resolve alerts for a reason other than their expression."""
        for alert in alerts:
            await self.settle(alert, lifecycle.end(alert, resolution, now=moment.server), moment)

    async def end_run(self, run: Run, moment: Moment) -> None:
        """Write a run that ended and resolve the alerts about it."""
        await self.tx.runs.put([run])
        resolution = Resolution.GONE if run.outcome == "gone" else Resolution.ENDED
        for alert in (await self.tx.alerts.open(run.project, run_id=run.id)).values():
            facts = facts_about.of_run(alert.facts, run, now=moment.server)
            await self.settle(alert, lifecycle.end(alert, resolution, now=moment.server, facts=facts), moment)
        self.after(lambda: self._show_end(run))

    async def conclude(self, stop: Stop, result: StopResult, reason: str, moment: Moment, *, done: bool = True) -> Stop:
        """Write the result of a stop and announce, with it, the alert that waited for it."""
        told_before = stop.result
        stop = replace(
            stop,
            result=result,
            reason=reason,
            state=StopState.DONE if done else stop.state,
            finished_at=moment.server if done else None,
        )
        await self.tx.stops.put(stop)
        await self.note(stop, result.value, reason, moment)
        about = (await self.tx.alerts.open(stop.project, run_id=stop.run_id)).values()
        for alert in about:
            if alert.announce_by is not None:
                await self.announce_result(alert, stop, moment)
        if result in {StopResult.INEFFECTIVE, StopResult.ERROR}:
            await self._stop_ineffective(stop, next((alert.facts for alert in about), Facts()), moment)
        if told_before is not result:
            self.after(lambda: self._count_stop(stop))
        return stop

    async def announce_result(self, alert: Alert, stop: Stop, moment: Moment) -> None:
        """Announce a firing alert that waits for the outcome of a stop, or bring up to date what it says of that."""
        if alert.state is AlertState.FIRING and stop.result is not None:
            facts = replace(alert.facts, stop=stop.result.value, stop_reason=stop.reason)
            action = _ACTION_LABELS[stop.result]
            step = lifecycle.announce(alert, now=moment.server, action=action, note=_note(stop), facts=facts)
            await self.settle(alert, step, moment)

    async def raise_builtin(
        self,
        name: Builtin,
        *,
        project: str,
        subject: Mapping[str, str],
        labels: Mapping[str, str],
        summary: str,
        true: bool,
        moment: Moment,
        facts: Facts = Facts(),
    ) -> None:
        """Write what a known truth makes of a built-in alert: it fires at once and resolves at once."""
        identity = Identity(project=project, rule=name.value, subject=tuple(sorted(subject.items())))
        before = await self.tx.alerts.get(fingerprint(identity))
        fixed = {"alertname": name.value, "severity": SEVERITIES[name], **({"project": project} if project else {})}
        step = lifecycle.advance(
            before,
            identity,
            true=true,
            now=moment.server,
            terms=Terms(),
            labels={**labels, **subject, **fixed},
            annotations={"summary": summary},
            facts=facts,
        )
        await self.settle(before, step, moment)

    async def fire_builtin(
        self,
        name: Builtin,
        *,
        project: str,
        subject: Mapping[str, str],
        labels: Mapping[str, str],
        summary: str,
        moment: Moment,
        facts: Facts,
    ) -> None:
        """Tell, by a built-in alert, of something that happened; it ends by itself a day later."""
        identity = Identity(project=project, rule=name.value, subject=tuple(sorted(subject.items())))
        fixed = {"alertname": name.value, "project": project}
        step = lifecycle.fire_event(
            identity,
            now=moment.server,
            terms=Terms(resolve_after=_HAPPENED_FOR),
            labels={"severity": SEVERITIES[name], **labels, **subject, **fixed},
            annotations={"summary": summary},
            facts=facts,
        )
        await self.settle(None, step, moment)

    async def _stop_ineffective(self, stop: Stop, facts: Facts, moment: Moment) -> None:
        await self.raise_builtin(
            Builtin.STOP_INEFFECTIVE,
            project=stop.project,
            subject={"run_id": stop.run_id, "conversation_id": stop.conversation_id},
            labels={"app": stop.app.name, "app_id": stop.app.id} if stop.app else {},
            summary=f"A stop had no effect: {stop.reason}. The run still goes on; a person must act.",
            true=True,
            moment=moment,
            facts=replace(facts, stop=stop.result.value if stop.result else "", stop_reason=stop.reason),
        )

    async def note(self, stop: Stop, what: str, detail: str, moment: Moment) -> None:
        """Append to the audit of a stop."""
        await self.tx.stops.log(
            LogLine(
                project=stop.project,
                stop_id=stop.id,
                conversation_id=stop.conversation_id,
                at=moment.server,
                own_at=moment.own,
                what=what,
                detail=detail,
            )
        )
        self.after(
            lambda: log.info(
                "stop",
                project=stop.project,
                conversation=stop.conversation_id,
                run=stop.run_id,
                mode=stop.mode.value,
                what=what,
                detail=detail,
            )
        )

    async def _tell(self, alert: Alert, transition: Transition, moment: Moment) -> None:
        await self._announcer.tell(self.tx, alert, transition, at=moment.own, offset=moment.offset)
        self.after(
            lambda: log.info(
                "alert",
                alertname=alert.identity.rule,
                project=alert.identity.project,
                status=transition.value,
                resolution=alert.resolution.value if transition is Transition.RESOLVED and alert.resolution else None,
                fingerprint=alert.fingerprint,
                **dict(alert.identity.subject),
            )
        )

    def _show_end(self, run: Run) -> None:
        if run.ended_at is not None and run.outcome is not None:
            app = self.metrics.app(run.project, run.app)
            duration = run.ended_at - run.began_at
            self.metrics.run_duration.labels(run.project, app, run.outcome.value).observe(duration)
            log.info(
                "run",
                project=run.project,
                run=run.id,
                conversation=run.conversation_id,
                app=run.app.name if run.app else None,
                what=run.outcome.value,
                seconds=round(duration, 3),
            )

    def _count_stop(self, stop: Stop) -> None:
        if stop.result is not None:
            app = self.metrics.app(stop.project, stop.app)
            self.metrics.run_stops.labels(stop.project, app, stop.result.value).inc()


class Commits:
    """Begins commits; `wake` is called after those that leave something to do, so that the outbox looks at once."""

    def __init__(self, store: Store, announcer: Announcer, metrics: Metrics, wake: Callable[[], object]) -> None:
        self.store = store
        self.metrics = metrics
        self.announcer = announcer
        self._wake = wake

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Commit]:
        """Commit at the end of the block, or nothing of it. Raises StorageError."""
        async with self.store.transaction() as tx:
            commit = Commit(tx, self.announcer, self.metrics, self._wake)
            yield commit
        commit.run_effects()


def _note(stop: Stop) -> str:
    """Return what the monitor did, for people."""
    texts = {
        StopResult.STOPPED: "The monitor stopped this run and saw that it ended.",
        StopResult.SHADOW: "The monitor would have stopped this run; to arm it, set auto_stop.mode to enforce.",
        StopResult.REFUSED: f"The monitor did not stop this run: {_WHY_REFUSED.get(stop.reason, stop.reason)}.",
        StopResult.CHANGED: f"The monitor did not stop this run, because it is no longer the same: {stop.reason}.",
        StopResult.ALREADY_FINISHED: "The run ended by itself just before its stop; nothing was asked of Alli.",
        StopResult.INEFFECTIVE: "The monitor asked Alli to stop this run, but it still runs; a person must act.",
        StopResult.ERROR: f"Alli refused to stop this run: {stop.reason}.",
    }
    return texts[stop.result] if stop.result is not None else ""


_WHY_REFUSED: dict[str, str] = {
    Decision.APP_NOT_ALLOWED: "its app is not in auto_stop.apps",
    Decision.PAUSED: "automatic stops are paused; `alli-monitor autostop resume` lets them go on",
    Decision.PROTECTED: "its conversation is protected by an operator",
    Decision.CONTRADICTED: "what Alli says about it contradicts itself",
    Decision.COOLDOWN: "another run of its conversation was stopped less than auto_stop.cooldown ago",
    Decision.BUDGET_SPENT: "the budget of this hour (auto_stop.budget) is spent",
}
