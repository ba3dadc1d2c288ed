"""Stops, their requests, their audit and the brake, on disk."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.stop import MANUAL, Answered, Stop, StopMode, StopResult, StopState, Verdict
from monitor.store import schema
from monitor.store.rows import decode, encode

__all__ = ["Brake", "LogLine", "Spent", "Stops"]

_runs = schema.runs
_stops = schema.stops
_requests = schema.stop_requests
_log = schema.stop_log
_brakes = schema.brakes

_COUNTED = [Answered.PENDING.value, Answered.ACCEPTED.value, Answered.UNANSWERED.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What the budget of the last hour went to."""

    total: int
    by_app: int
    last_request_at: float | None  # the newest one to this conversation, whenever that was


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of the audit; `at` is server time, `own_at` own time."""

    project: str
    stop_id: int | None
    conversation_id: str
    at: float
    own_at: float
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brake:
    """What an operator forbade; `kind` is pause or protect, an empty project or target means every one."""

    kind: str
    project: str
    target: str
    until: float | None
    set_at: float
    set_by: str


class Stops:
    """Reads and writes stops."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, stop: Stop) -> Stop:
        """Put a stop into the journal and return it with its id."""
        statement = insert(_stops).values(**_row(stop)).returning(_stops.c.id)
        stop = replace(stop, id=(await self._connection.execute(statement)).scalar_one())
        await self.put(stop)
        return stop

    async def put(self, stop: Stop) -> None:
        """Write a stop as it is now."""
        await self._connection.execute(update(_stops).where(_stops.c.id == stop.id).values(**_row(stop)))

    async def get(self, stop_id: int) -> Stop | None:
        """Return one stop."""
        body = await self._connection.scalar(select(_stops.c.body).where(_stops.c.id == stop_id))
        return decode(body, Stop) if body is not None else None

    async def of_run(self, run_id: str, mode: StopMode) -> Stop | None:
        """Return the stop of a run: there is at most one in each mode."""
        query = select(_stops.c.body).where(_stops.c.run_id == run_id, _stops.c.mode == mode.value)
        body = await self._connection.scalar(query)
        return decode(body, Stop) if body is not None else None

    async def open(self, project: str) -> list[Stop]:
        """Return the stops of a project that are not done."""
        query = select(_stops.c.body).where(_stops.c.project == project, _stops.c.state != StopState.DONE.value)
        return [decode(body, Stop) for body in await self._connection.scalars(query)]

    async def unjudged(self, project: str) -> list[Stop]:
        """Return the shadow stops of a project that have no verdict yet."""
        query = select(_stops.c.body).where(
            _stops.c.project == project, _stops.c.mode == StopMode.SHADOW.value, _stops.c.verdict.is_(None)
        )
        return [decode(body, Stop) for body in await self._connection.scalars(query)]

    async def newest(self, project: str, *, limit: int, conversation_id: str | None = None) -> list[Stop]:
        """Return the newest stops of a project, newest first."""
        query = select(_stops.c.body).where(_stops.c.project == project)
        if conversation_id is not None:
            query = query.where(_stops.c.conversation_id == conversation_id)
        return [
            decode(body, Stop)
            for body in await self._connection.scalars(query.order_by(_stops.c.id.desc()).limit(limit))
        ]

    async def verdicts(self, project: str) -> dict[Verdict, int]:
        """Return how many shadow stops had which verdict."""
        query = (
            select(_stops.c.verdict, func.count())
            .where(_stops.c.project == project, _stops.c.verdict.is_not(None))
            .group_by(_stops.c.verdict)
        )
        return {Verdict(verdict): count for verdict, count in await self._connection.execute(query)}

    async def results(self, project: str) -> dict[StopResult, int]:
        """Return how many stops had which result."""
        query = (
            select(_stops.c.result, func.count())
            .where(_stops.c.project == project, _stops.c.result.is_not(None))
            .group_by(_stops.c.result)
        )
        return {StopResult(result): count for result, count in await self._connection.execute(query)}

    # Requests

    async def add_request(self, stop: Stop, *, at: float, answer: Answered) -> int:
        """Note that a request is about to leave (or, in shadow, would have left), and return its id."""
        statement = (
            insert(_requests)
            .values(
                stop_id=stop.id,
                project=stop.project,
                conversation_id=stop.conversation_id,
                app_id=stop.app.id if stop.app else "",
                mode=stop.kind,
                at=at,
                answer=answer.value,
            )
            .returning(_requests.c.id)
        )
        new_id: int = (await self._connection.execute(statement)).scalar_one()
        return new_id

    async def answer(self, stop_id: int, answer: Answered) -> None:
        """Note what became of the pending request of a stop."""
        await self._connection.execute(
            update(_requests)
            .where(_requests.c.stop_id == stop_id, _requests.c.answer == Answered.PENDING.value)
            .values(answer=answer.value)
        )

    async def spent(self, stop_of: Stop, *, since: float) -> Spent:
        """
        Return what the budget since then went to, of the mode, project and app of `stop_of`; open intents count.

        What people asked for counts as the last request to its conversation, and for no budget.
        """
        counted = (_requests.c.project == stop_of.project, _requests.c.answer.in_(_COUNTED))
        same_mode = _requests.c.mode == stop_of.mode.value
        app_id = stop_of.app.id if stop_of.app else ""
        total, by_app = (
            await self._connection.execute(
                select(func.count(), func.count().filter(_requests.c.app_id == app_id)).where(
                    *counted, same_mode, _requests.c.at > since
                )
            )
        ).one()
        last = await self._connection.scalar(
            select(func.max(_requests.c.at)).where(
                *counted,
                or_(same_mode, _requests.c.mode == MANUAL),
                _requests.c.conversation_id == stop_of.conversation_id,
            )
        )
        intended = (
            _stops.c.project == stop_of.project,
            _stops.c.mode == stop_of.mode.value,
            _stops.c.fingerprint != "",  # no rule asks for the others
            _stops.c.state == StopState.INTENDED.value,
            _stops.c.id != stop_of.id,
        )
        open_total, open_by_app = (
            await self._connection.execute(
                select(func.count(), func.count().filter(_stops.c.app_id == app_id)).where(*intended)
            )
        ).one()
        return Spent(total=total + open_total, by_app=by_app + open_by_app, last_request_at=last)

    # Audit and brake

    async def log(self, line: LogLine) -> None:
        """Append a line to the audit."""
        values = {name: getattr(line, name) for name in LogLine.__dataclass_fields__}
        await self._connection.execute(insert(_log).values(**values))

    async def lines(
        self, *, limit: int, conversation_id: str | None = None, project: str | None = None
    ) -> list[LogLine]:
        """Return the newest lines of the audit, newest first."""
        query = select(*(_log.c[name] for name in LogLine.__dataclass_fields__)).order_by(_log.c.id.desc()).limit(limit)
        if conversation_id is not None:
            query = query.where(_log.c.conversation_id == conversation_id)
        if project is not None:
            query = query.where(_log.c.project == project)
        rows = await self._connection.execute(query)
        return [LogLine(**row._mapping) for row in rows]  # noqa: SLF001 - public in spite of its name

    async def brakes(self, *, now: float) -> list[Brake]:
        """Return the brakes that hold at `now`, own time."""
        query = select(*(_brakes.c[name] for name in Brake.__dataclass_fields__)).where(
            or_(_brakes.c.until.is_(None), _brakes.c.until > now)
        )
        rows = await self._connection.execute(query)
        return [Brake(**row._mapping) for row in rows]  # noqa: SLF001 - public in spite of its name

    async def set_brake(self, brake: Brake) -> None:
        """Set a brake; it replaces one of the same kind, project and target."""
        await self.lift_brake(brake.kind, project=brake.project, target=brake.target)
        values = {name: getattr(brake, name) for name in Brake.__dataclass_fields__}
        await self._connection.execute(insert(_brakes).values(**values))

    async def lift_brake(self, kind: str, *, project: str, target: str) -> int:
        """Lift a brake and return how many there were."""
        statement = delete(_brakes).where(
            _brakes.c.kind == kind, _brakes.c.project == project, _brakes.c.target == target
        )
        return (await self._connection.execute(statement)).rowcount

    async def prune(self, project: str | None = None, *, before: float) -> None:
        """
        Forget stops that were decided, requests made and audit lines written before then, of one project or of all.

        What belongs to a stop that is not done, or whose run still goes on, stays: a run is stopped once.
        """
        open_runs = select(_runs.c.id).where(_runs.c.ended_at.is_(None))
        needed = select(_stops.c.id).where(or_(_stops.c.state != StopState.DONE.value, _stops.c.run_id.in_(open_runs)))
        for table, stop_id, at in (
            (_requests, _requests.c.stop_id, _requests.c.at),
            (_log, _log.c.stop_id, _log.c.at),
            (_stops, _stops.c.id, _stops.c.decided_at),
        ):
            old = delete(table).where(at < before, or_(stop_id.is_(None), stop_id.not_in(needed)))
            await self._connection.execute(old if project is None else old.where(table.c.project == project))


def _row(stop: Stop) -> dict[str, object]:
    return {
        "project": stop.project,
        "run_id": stop.run_id,
        "conversation_id": stop.conversation_id,
        "app_id": stop.app.id if stop.app else "",
        "fingerprint": stop.fingerprint,
        "mode": stop.mode.value,
        "state": stop.state.value,
        "result": stop.result.value if stop.result else None,
        "verdict": stop.verdict.value if stop.verdict else None,
        "decided_at": stop.decided_at,
        "body": encode(stop),
    }
