"""
Stops that people ask for.

What only automatic stops need is skipped: a rule, the mode, the app list, budget, cooldown and the brake. The rest is
the one protocol of `monitor.actions.stop`, with at most three requests for each run, whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from monitor.alerting.guard import MOST_REQUESTS
from monitor.commit import Commit
from monitor.cycle.project import Project
from monitor.cycle.stops import draft, holds, intend
from monitor.errors import MonitorError
from monitor.model.run import Run
from monitor.model.stop import Stop, StopMode, StopResult, StopState
from monitor.store.stops import Brake

__all__ = ["AskedFor", "CannotStop", "stop_by_hand"]


class CannotStop(MonitorError):
    """There is nothing that could be stopped; `unknown` tells that not even the project or conversation is known."""

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """A stop that goes on now, and the brakes that would hold it back if no person had asked for it."""

    stop: Stop
    brakes: Sequence[Brake]


async def stop_by_hand(
    projects: Iterable[Project], conversation_id: str, *, project: str | None, asked_by: str
) -> AskedFor:
    """
    Write that the run of a conversation is to be stopped, and by whom; a stop that goes on already is joined.

    Raises CannotStop where no run is known to go on, or where more requests are of no use, and StorageError.
    """
    watched = list(projects)
    asked = [each for each in watched if project in {None, each.name}]
    if not asked:
        names = ", ".join(each.name for each in watched)
        raise CannotStop(f"there is no project {project!r}; there are: {names}", unknown=True)
    async with asked[0].commits.begin() as commit:
        where, run = await _run_of(commit, asked, conversation_id)
        stop = await _ask(commit, where, run, asked_by)
        brakes = await commit.tx.stops.brakes(now=where.moment().own)
    return AskedFor(stop=stop, brakes=[brake for brake in brakes if holds(brake, stop)])


async def _run_of(commit: Commit, projects: Iterable[Project], conversation_id: str) -> tuple[Project, Run]:
    """Return the run that goes on in a conversation, and its project."""
    newest = [
        (each, run)
        for each in projects
        for run in await commit.tx.runs.newest(each.name, limit=1, conversation_id=conversation_id)
    ]
    going_on = [(each, run) for each, run in newest if run.ended_at is None]
    if len(going_on) > 1:
        names = ", ".join(each.name for each, _ in going_on)
        raise CannotStop(f"runs of this conversation go on in several projects, name one of them: {names}")
    if going_on:
        return going_on[0]
    if not newest:
        raise CannotStop("no run of this conversation is known", unknown=True)
    raise CannotStop("; ".join(_how_it_ended(run) for _, run in newest))


def _how_it_ended(run: Run) -> str:
    at = datetime.fromtimestamp(run.ended_at or 0.0, UTC)
    return f"nothing to stop: its newest run is {run.outcome}, since {at:%Y-%m-%d %H:%M:%S} UTC"


async def _ask(commit: Commit, project: Project, run: Run, asked_by: str) -> Stop:
    moment = project.moment()
    previous = await commit.tx.stops.of_run(run.id, StopMode.ENFORCE)
    if previous is not None and previous.state is not StopState.DONE:
        joined = replace(previous, asked_by=asked_by, age_since=run.age_since)
        await commit.tx.stops.put(joined)
        await commit.note(joined, "joined", f"asked for by {asked_by}; a stop of this run was already going on", moment)
        return joined
    if previous is not None:
        _check_that_more_helps(previous)
    limit = project.settings.app_policy(run.app, project.name).run_limit
    stop = replace(
        draft(run, StopMode.ENFORCE, limit=limit, moment=moment),
        id=previous.id if previous is not None else 0,
        requests=previous.requests if previous is not None else 0,
        asked_by=asked_by,
    )
    if previous is None:
        stop = await commit.tx.stops.add(stop)
    await intend(commit, stop, f"asked for by {asked_by}", moment)
    return stop


def _check_that_more_helps(previous: Stop) -> None:
    """Raise CannotStop where a concluded stop of the same run says that another request is of no use."""
    if previous.result is StopResult.STOPPED:
        raise CannotStop("this run was stopped already; what goes on now is seen with the next poll")
    if previous.requests >= MOST_REQUESTS:
        raise CannotStop(
            f"{previous.requests} requests to stop this run had no effect; end the conversation in Alli's dashboard"
        )
