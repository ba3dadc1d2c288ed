"""Keeps the record of a simulated world while things happen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from monitor.simulator.entities import Chat, Conversation, Run, RunPlan
from monitor.simulator.record import RatingRecord, Record, RunRecord, StopEffect, StopRecord

__all__ = ["Ledger"]


class Ledger:
    """What happened so far; times are server time."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._stops: list[StopRecord] = []
        self._ratings: list[RatingRecord] = []
        self._requests: Counter[str] = Counter()
        self._untrue: Counter[str] = Counter()
        self._users_created: list[str] = []

    def open_run(self, conversation: Conversation, plan: RunPlan, now: float) -> Run:
        """Return a new run, whose end is read from itself."""
        run = Run(id=f"run-{len(self._runs) + 1}", conversation=conversation, plan=plan, began=now)
        self._runs.append(run)
        return run

    def add_stop(
        self, conversation_id: str, effect: StopEffect, *, run: Run | None, status: int | None, now: float
    ) -> StopRecord:
        """Note a stop request and return the note."""
        run_id = None if run is None else run.id
        record = StopRecord(at=now, conversation_id=conversation_id, effect=effect, run_id=run_id, status=status)
        self._stops.append(record)
        return record

    def add_rating(self, chat: Chat, by: str, *, previous: bool | None, vote: bool | None, now: float) -> None:
        """Note a change of a rating; a vote that changes nothing is none."""
        if previous is not vote:
            ids = {"conversation_id": chat.conversation_id, "chat_id": chat.id}
            self._ratings.append(RatingRecord(at=now, by=by, previous=previous, vote=vote, **ids))

    def add_request(self, operation: str) -> None:
        """Count a request."""
        self._requests[operation] += 1

    def add_untrue(self, operation: str) -> None:
        """Count an answer that said something untrue of what runs."""
        self._untrue[operation] += 1

    def add_user(self, user_id: str) -> None:
        """Note a user that a header created."""
        self._users_created.append(user_id)

    def record(self, start: float, now: float, faults: Mapping[str, int]) -> Record:
        """Return everything noted so far."""
        return Record(
            start=start,
            now=now,
            runs=tuple(_run_record(run) for run in self._runs),
            stops=tuple(self._stops),
            ratings=tuple(self._ratings),
            requests=dict(self._requests),
            untrue=dict(self._untrue),
            faults=faults,
            users_created=tuple(self._users_created),
        )


def _run_record(run: Run) -> RunRecord:
    app = run.conversation.app
    return RunRecord(
        id=run.id,
        conversation_id=run.conversation.id,
        app_id=app.id if app is not None else None,
        app_name=app.name if app is not None else None,
        began=run.began,
        listed_at=run.listed_at,
        listed_until=run.listed_until,
        confirmed_at=run.confirmed_at,
        ended=run.ended,
        ending=run.ending,
    )
