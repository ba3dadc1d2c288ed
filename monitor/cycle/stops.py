"""Deciding about stops inside the transaction that saw the run overdue, and judging those of shadow mode."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from monitor.actions.stop import conclude_ended
from monitor.alerting.guard import MOST_REQUESTS, Decision, Situation, decide
from monitor.commit import Commit, Moment
from monitor.cycle.project import Project
from monitor.model.alert import Alert
from monitor.model.intent import IntentKind
from monitor.model.run import Outcome, Run
from monitor.model.stop import Answered, Stop, StopMode, StopResult, StopState, Verdict
from monitor.store.stops import Brake
from monitor.tracking import runs
from monitor.tracking.capability_report import holds_stops

__all__ = ["draft", "end_run", "holds", "intend", "judge", "want_stop"]

_HOUR = 3600.0


def holds(brake: Brake, stop: Stop) -> bool:
    """Return whether a brake holds a stop back: a pause for its app, or a protection of its conversation."""
    if brake.project not in {"", stop.project}:
        return False
    if brake.kind == "protect":
        return brake.target == stop.conversation_id
    names = (stop.app.id, stop.app.name) if stop.app else ("",)
    return not brake.target or any(fnmatchcase(name, brake.target) for name in names)


async def want_stop(project: Project, commit: Commit, run: Run, alert: Alert, moment: Moment) -> None:
    """Decide about the stop that a firing alert's rule wants, and write the decision and its intent."""
    policy = project.settings.app_policy(run.app, project.name)
    if policy.stop_mode is StopMode.OFF:
        return
    previous = await commit.tx.stops.of_run(run.id, policy.stop_mode)
    if previous is not None and not _may_ask_again(previous, run):
        await commit.announce_result(alert, previous, moment)
        return
    stop = previous or draft(run, policy.stop_mode, limit=policy.run_limit, moment=moment)
    decision = decide(await _situation(project, commit, stop, run, moment))
    if previous is not None and previous.result is StopResult.REFUSED and previous.reason == decision.value:
        await commit.announce_result(alert, previous, moment)
        return
    stop = replace(
        stop,
        state=StopState.INTENDED,
        result=None,
        reason="",
        finished_at=None,
        fingerprint=alert.fingerprint,
        asked_by="",
        age_since=run.age_since,
    )
    if previous is None:
        stop = await commit.tx.stops.add(stop)
    await _carry_out(commit, stop, decision, moment)


def _may_ask_again(previous: Stop, run: Run) -> bool:
    """Whether a stop that came to nothing may be decided anew, now that the ledger has seen the run again."""
    if previous.state is not StopState.DONE or previous.requests >= MOST_REQUESTS:
        return False
    if previous.result is StopResult.REFUSED:
        return True
    seen_since = previous.finished_at is not None and run.seen_at > previous.finished_at
    return previous.result in {StopResult.CHANGED, StopResult.ALREADY_FINISHED} and seen_since


def draft(run: Run, mode: StopMode, *, limit: float, moment: Moment) -> Stop:
    """Return a stop of a run whose limit is `limit` seconds, before anything was decided or written."""
    return Stop(
        id=0,
        project=run.project,
        run_id=run.id,
        conversation_id=run.conversation_id,
        app=run.app,
        fingerprint="",
        mode=mode,
        state=StopState.INTENDED,
        decided_at=moment.server,
        age_since=run.age_since,
        limit=limit,
    )


async def _situation(project: Project, commit: Commit, stop: Stop, run: Run, moment: Moment) -> Situation:
    auto_stop = project.settings.auto_stop
    spent = await commit.tx.stops.spent(stop, since=moment.server - _HOUR)
    brakes = [brake for brake in await commit.tx.stops.brakes(now=moment.own) if holds(brake, stop)]
    return Situation(
        mode=stop.mode,
        app_allowed=project.settings.stop_allowed(stop.app),
        paused=any(brake.kind == "pause" for brake in brakes),
        protected=any(brake.kind == "protect" for brake in brakes),
        contradicted=run.contradiction is not None or holds_stops(project.capabilities),
        spent=spent.total,
        spent_by_app=spent.by_app,
        per_hour=auto_stop.budget.per_hour,
        per_app_per_hour=auto_stop.budget.per_app_per_hour,
        last_request_at=spent.last_request_at,
        cooldown=auto_stop.cooldown,
        now=moment.server,
    )


async def _carry_out(commit: Commit, stop: Stop, decision: Decision, moment: Moment) -> None:
    if decision is Decision.STOP:
        await intend(commit, stop, "", moment)
    elif decision is Decision.SHADOW:
        await commit.tx.stops.add_request(stop, at=moment.server, answer=Answered.ACCEPTED)
        await commit.conclude(stop, StopResult.SHADOW, "", moment)
    else:
        await commit.conclude(stop, StopResult.REFUSED, decision.value, moment)


async def intend(commit: Commit, stop: Stop, detail: str, moment: Moment) -> None:
    """Write a stop that is to be carried out, and its intent; `detail` goes into the audit."""
    await commit.tx.stops.put(stop)
    await commit.note(stop, "intended", detail, moment)
    await commit.tx.outbox.add(
        IntentKind.STOP,
        lane=f"stop {stop.id}",
        destination=stop.project,
        payload=str(stop.id),
        due_at=moment.own,
        at=moment.own,
    )
    commit.after(commit.wake)


async def end_run(commit: Commit, run: Run, outcome: Outcome, at: float, moment: Moment) -> None:
    """Write that a run ended, as stopped if a stop of it was asked for, and conclude that stop."""
    stop = await commit.tx.stops.of_run(run.id, StopMode.ENFORCE)
    if stop is not None and stop.state is not StopState.DONE:
        stop = await conclude_ended(commit, stop, moment)
    if stop is not None and stop.result is StopResult.STOPPED and outcome is Outcome.FINISHED:
        outcome = Outcome.STOPPED
    await commit.end_run(runs.end(run, outcome, at=at), moment)


async def judge(project: Project, commit: Commit, moment: Moment) -> None:
    """
    Give shadow stops their verdict: whether the run ended by itself within one more limit.

    A run that is still going on is judged only once it was seen after that time, because unknown is not a verdict.
    """
    for stop in await commit.tx.stops.unjudged(project.name):
        if stop.result is not StopResult.SHADOW:
            continue
        run = await commit.tx.runs.get(stop.run_id)
        verdict = _verdict(stop, run)
        if verdict is not None:
            await commit.tx.stops.put(replace(stop, verdict=verdict))
            await commit.note(stop, verdict.value, "", moment)
            app = project.metrics.app(project.name, stop.app)
            counter = project.metrics.shadow_verdicts.labels(project.name, app, verdict.value)
            commit.after(counter.inc)


def _verdict(stop: Stop, run: Run | None) -> Verdict | None:
    if run is None:
        return None
    deadline = stop.decided_at + stop.limit
    if run.ended_at is not None:
        by_itself = run.outcome is Outcome.FINISHED and run.ended_at <= deadline
        return Verdict.REGRETTED if by_itself else Verdict.JUSTIFIED
    return Verdict.JUSTIFIED if run.seen_at > deadline else None
