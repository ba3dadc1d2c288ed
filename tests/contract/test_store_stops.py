"""The journal of stops on disk: stops, their requests and budget, their audit, and the brake."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.model.conversation import App
from monitor.model.stop import Answered, Stop, StopMode, StopResult, StopState, Verdict
from monitor.store import Store, Transaction
from monitor.store.stops import Brake, LogLine, Spent
from tests.support.build import APP, PROJECT, START, stop

HOUR_AGO = START - 3600
LINE = LogLine(project=PROJECT, stop_id=1, conversation_id="c1", at=START, own_at=START + 2, what="requested")
PAUSE = Brake(kind="pause", project="", target="Report*", until=None, set_at=START, set_by="operator")


async def add(tx: Transaction, **fields: object) -> Stop:
    """Put a stop into the journal, past INTENDED so that it takes none of the budget by itself."""
    return await tx.stops.add(replace(stop(state=StopState.REQUESTED), **fields))  # type: ignore[arg-type]


# Stops


async def test_stop_round_trips(store: Store) -> None:
    """A stop is read as it was written, by its id and by its run and mode."""
    async with store.transaction() as tx:
        new = await tx.stops.add(stop(requested_at=START, result=StopResult.INEFFECTIVE, reason="still running"))
        assert new.id > 0
        assert await tx.stops.get(new.id) == new
        assert await tx.stops.of_run("run-1", StopMode.ENFORCE) == new
        assert await tx.stops.of_run("run-1", StopMode.SHADOW) is None
        assert await tx.stops.get(new.id + 1) is None


async def test_stop_is_written_over(store: Store) -> None:
    """The newest value of a stop counts, and one that is done is not open."""
    async with store.transaction() as tx:
        new = await tx.stops.add(stop())
        assert await tx.stops.open(PROJECT) == [new]
        done = replace(new, state=StopState.DONE, result=StopResult.STOPPED, finished_at=START + 9)
        await tx.stops.put(done)
        assert await tx.stops.get(new.id) == done
        assert (await tx.stops.open(PROJECT), await tx.stops.open("sales")) == ([], [])


async def test_shadow_stops_wait_for_their_verdict(store: Store) -> None:
    """Shadow stops without a verdict are found; verdicts and results are counted."""
    async with store.transaction() as tx:
        shadow = await add(tx, mode=StopMode.SHADOW, state=StopState.DONE, result=StopResult.SHADOW)
        await add(tx, result=StopResult.STOPPED)
        assert await tx.stops.unjudged(PROJECT) == [shadow]
        await tx.stops.put(replace(shadow, verdict=Verdict.REGRETTED))
        assert await tx.stops.unjudged(PROJECT) == []
        assert await tx.stops.verdicts(PROJECT) == {Verdict.REGRETTED: 1}
        assert await tx.stops.results(PROJECT) == {StopResult.SHADOW: 1, StopResult.STOPPED: 1}


async def test_newest_stops(store: Store) -> None:
    """The newest stops come first; a limit and a conversation narrow them."""
    async with store.transaction() as tx:
        first, second = await add(tx), await add(tx, conversation_id="c2")
        assert await tx.stops.newest(PROJECT, limit=9) == [second, first]
        assert await tx.stops.newest(PROJECT, limit=1) == [second]
        assert await tx.stops.newest(PROJECT, limit=9, conversation_id="c1") == [first]


# Requests and budget


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        (Answered.PENDING, True),
        (Answered.ACCEPTED, True),
        (Answered.UNANSWERED, True),
        (Answered.REFUSED, False),
        (Answered.WITHOUT_EFFECT, False),
    ],
    ids=str,
)
async def test_budget_counts_what_may_have_arrived(store: Store, answer: Answered, counts: bool) -> None:  # noqa: FBT001 - of a table
    """A request that Alli took, or may have taken, counts for budget and cooldown; one it refused for neither."""
    async with store.transaction() as tx:
        new = await add(tx)
        await tx.stops.add_request(new, at=START, answer=answer)
        expected = (
            Spent(total=1, by_app=1, last_request_at=START)
            if counts
            else Spent(total=0, by_app=0, last_request_at=None)
        )
        assert await tx.stops.spent(new, since=HOUR_AGO) == expected


async def test_answer_is_of_the_pending_request(store: Store) -> None:
    """An answer settles the request under way, and leaves those before it as they were."""
    async with store.transaction() as tx:
        new = await add(tx)
        await tx.stops.add_request(new, at=START - 9, answer=Answered.ACCEPTED)
        await tx.stops.add_request(new, at=START, answer=Answered.PENDING)
        await tx.stops.answer(new.id, Answered.REFUSED)
        assert await tx.stops.spent(new, since=HOUR_AGO) == Spent(total=1, by_app=1, last_request_at=START - 9)


async def test_budget_is_a_rolling_hour(store: Store) -> None:
    """Older requests are spent no more; the newest to the conversation counts for the cooldown however old it is."""
    async with store.transaction() as tx:
        new = await add(tx)
        await tx.stops.add_request(new, at=HOUR_AGO, answer=Answered.ACCEPTED)
        assert await tx.stops.spent(new, since=HOUR_AGO) == Spent(total=0, by_app=0, last_request_at=HOUR_AGO)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param({"project": "sales"}, Spent(total=0, by_app=0, last_request_at=None), id="project"),
        pytest.param({"mode": StopMode.SHADOW}, Spent(total=0, by_app=0, last_request_at=None), id="mode"),
        pytest.param({"app": App(id="app-2", name="x")}, Spent(total=1, by_app=0, last_request_at=START), id="app"),
        pytest.param({"app": None}, Spent(total=1, by_app=0, last_request_at=START), id="no app"),
        pytest.param({"conversation_id": "c2"}, Spent(total=1, by_app=1, last_request_at=None), id="conversation"),
    ],
)
async def test_budget_is_of_project_mode_and_app(store: Store, other: dict[str, object], expected: Spent) -> None:
    """Budgets of projects and modes are apart, the one of an app is its own, the cooldown is of a conversation."""
    async with store.transaction() as tx:
        await tx.stops.add_request(await add(tx, **other), at=START, answer=Answered.ACCEPTED)
        assert await tx.stops.spent(stop(), since=HOUR_AGO) == expected


async def test_open_intents_count_for_the_budget(store: Store) -> None:
    """Stops decided but not asked for yet take their part of the budget, except the one in question."""
    async with store.transaction() as tx:
        mine = await tx.stops.add(stop())
        await tx.stops.add(stop(run_id="run-2", app=None))
        await tx.stops.add(stop(run_id="run-3", state=StopState.DONE))
        assert await tx.stops.spent(mine, since=HOUR_AGO) == Spent(total=1, by_app=0, last_request_at=None)


# Audit, brake, retention


async def test_audit_is_read_newest_first(store: Store) -> None:
    """The audit keeps every line as written, also those that are about no stop."""
    brake = replace(LINE, stop_id=None, conversation_id="", what="paused", detail="매니저 🛑", project="sales")
    async with store.transaction() as tx:
        for line in (LINE, brake):
            await tx.stops.log(line)
        assert await tx.stops.lines(limit=9) == [brake, LINE]
        assert await tx.stops.lines(limit=1) == [brake]
        assert await tx.stops.lines(limit=9, conversation_id="c1") == [LINE]
        assert await tx.stops.lines(limit=9, project="sales") == [brake]


async def test_brake_holds_until_its_time(store: Store) -> None:
    """A brake without end holds until it is lifted, one with an end until then."""
    short = Brake(kind="protect", project=PROJECT, target="c1", until=START + 60, set_at=START, set_by="operator")
    async with store.transaction() as tx:
        for brake in (PAUSE, short):
            await tx.stops.set_brake(brake)
        assert await tx.stops.brakes(now=START + 59) == [PAUSE, short]
        assert await tx.stops.brakes(now=START + 60) == [PAUSE]


async def test_brake_replaces_the_same_brake(store: Store) -> None:
    """A brake of the same kind, project and target is set once, with the newest end."""
    later = replace(PAUSE, until=START + 60)
    async with store.transaction() as tx:
        for brake in (PAUSE, replace(PAUSE, project=PROJECT), later):
            await tx.stops.set_brake(brake)
        assert await tx.stops.brakes(now=START) == [replace(PAUSE, project=PROJECT), later]


async def test_lifting_a_brake_tells_whether_there_was_one(store: Store) -> None:
    """Only the brake that is named is lifted."""
    async with store.transaction() as tx:
        await tx.stops.set_brake(PAUSE)
        assert await tx.stops.lift_brake("pause", project=PROJECT, target="Report*") == 0
        assert await tx.stops.lift_brake("pause", project="", target="Report*") == 1
        assert await tx.stops.brakes(now=START) == []


async def test_prune_keeps_stops_that_go_on(store: Store) -> None:
    """Old stops that are done go, with requests and audit lines of that time; one that goes on stays."""
    async with store.transaction() as tx:
        done = await add(tx, state=StopState.DONE)
        going_on = await add(tx, run_id="run-2")
        await tx.stops.add_request(done, at=START, answer=Answered.ACCEPTED)
        await tx.stops.log(LINE)
        await tx.stops.prune(PROJECT, before=START + 1)
        assert await tx.stops.newest(PROJECT, limit=9) == [going_on]
        assert await tx.stops.lines(limit=9) == []
        assert (await tx.stops.spent(stop(app=APP), since=0)).total == 0
