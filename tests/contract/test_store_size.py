"""storage.max_size: history is shed, the oldest first; what is still needed never is; the file becomes smaller."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.cycle.storage import StorageHealth, shed_until
from monitor.model.alert import Alert, AlertState, Transition
from monitor.model.intent import IntentKind, IntentState
from monitor.model.notification import Entry
from monitor.model.run import Outcome, Run
from monitor.model.stop import Answered, Stop, StopMode, StopResult, StopState
from monitor.store import Store, Transaction
from monitor.store.groups import NotificationGroup
from monitor.store.stops import LogLine
from tests.support.build import PROJECT, START, alert, change, identity, rating, run, stop
from tests.support.rig import Rig, open_rig
from tests.support.rig_rules import OVER_LIMIT

DAY = 86400.0
PADDING = "x" * 2000
"""Makes each thing that is over take about as much room as one with long texts."""

GROUP = NotificationGroup(integration="oncall/webhook[0]", key="g", route="{}", labels={})


# Writing what is over, and what is not


def ended_run(name: str, at: float) -> Run:
    """Return a run that ended at `at`."""
    return replace(run(at - 60, conversation_id=name), id=name, user_id=PADDING, ended_at=at, outcome=Outcome.FINISHED)


def resolved(name: str, at: float) -> Alert:
    """Return an alert that was resolved at `at`."""
    return alert(identity(run_id=name), state=AlertState.RESOLVED, resolved_at=at, annotations={"summary": PADDING})


async def add_stop(tx: Transaction, name: str, at: float, **fields: object) -> Stop:
    """Add the stop of the run `name` that was decided at `at`, with a request and a line of the audit."""
    added = await tx.stops.add(stop(run_id=name, conversation_id=name, decided_at=at, **fields))
    await tx.stops.add_request(added, at=at, answer=Answered.ACCEPTED)
    line = LogLine(project=PROJECT, stop_id=added.id, conversation_id=name, at=at, own_at=at, what="intended")
    await tx.stops.log(replace(line, detail=PADDING))
    return added


async def tell(tx: Transaction, of: Alert, at: float, state: IntentState) -> None:
    """Add a transition of an alert and the delivery that carries it, which is in this state since `at`."""
    entry = Entry(fingerprint=of.fingerprint, status=Transition.FIRING, labels={}, annotations={}, starts_at=at)
    await tx.groups.tell(GROUP, entry, at=at, due_at=at)
    untold = await tx.groups.untold(GROUP.integration, GROUP.key)
    intent = await tx.outbox.add(
        IntentKind.NOTIFY, lane=of.fingerprint, destination=GROUP.integration, payload=PADDING, due_at=at, at=at
    )
    await tx.groups.carry({each.id: None for each in untold}, intent)
    if state is not IntentState.WAITING:
        await tx.outbox.finish(intent, state, at=at)


async def add_history(tx: Transaction, name: str, at: float) -> None:
    """Add one of everything that can be over, over since `at`."""
    await tx.runs.put([ended_run(name, at)])
    await tx.alerts.put([resolved(name, at)])
    await add_stop(tx, name, at, state=StopState.DONE, result=StopResult.STOPPED)
    await tell(tx, resolved(name, at), at, IntentState.DONE)
    rated = rating(name, seen_at=at)
    await tx.ratings.put([rated])
    await tx.ratings.record_changes([change(rated)])


async def rows(store: Store) -> dict[str, int]:
    """Return how many rows each table of history has."""
    tables = ("runs", "alerts", "stops", "stop_requests", "stop_log", "intents", "transitions", "rating_changes")
    with closing(sqlite3.connect(store._path)) as database:
        return {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}  # noqa: S608 - fixed names


# What is shed


async def test_everything_that_is_over_is_shed(store: Store) -> None:
    """Of each kind of history, what is older than a time goes and what is younger stays, whoever's it is."""
    async with store.transaction() as tx:
        await add_history(tx, "old", START)
        await add_history(tx, "new", START + 10)
    assert set((await rows(store)).values()) == {2}
    async with store.transaction() as tx:
        assert await tx.history.oldest() == START
        await tx.history.shed(before=START + 10)
        assert await tx.history.oldest() == START + 10
    assert set((await rows(store)).values()) == {1}
    async with store.transaction() as tx:
        await tx.history.shed(before=START + 99)
        assert await tx.history.oldest() is None
    assert set((await rows(store)).values()) == {0}


async def test_what_is_needed_stays_whatever_its_age(store: Store) -> None:
    """Open runs and alerts, what waits, stops that are not done, states of ratings and the baseline are no history."""
    firing = alert()
    pending = alert(identity(run_id="pending"), state=AlertState.PENDING, fired_at=None)
    async with store.transaction() as tx:
        await tx.observations.record_baseline(PROJECT, START)
        await tx.runs.put([run(conversation_id="c1")])
        await tx.alerts.put([firing, pending])
        await tell(tx, firing, START, IntentState.DONE)
        await tell(tx, resolved("waiting", START), START, IntentState.WAITING)
        await add_stop(tx, "in the middle", START, state=StopState.REQUESTED)
        await tx.ratings.put([rating("rated")])
    before = await rows(store)
    async with store.transaction() as tx:
        assert await tx.history.oldest() == START
        await tx.history.shed(before=START + 1000 * DAY)
    gone = {"intents": 1}  # the delivery that was made; that the alert was told stays
    assert {
        table: before[table] - count for table, count in (await rows(store)).items() if before[table] != count
    } == gone
    async with store.snapshot() as tx:
        assert await tx.observations.baseline_at(PROJECT) == START
        assert (await tx.ratings.known(PROJECT, ["c1"]))["c1"]
        assert [group for group, _ in await tx.groups.told_of(firing.fingerprint)]


@pytest.mark.parametrize("mode", [StopMode.ENFORCE, StopMode.SHADOW])
async def test_the_stop_of_a_run_that_goes_on_stays(store: Store, mode: StopMode) -> None:
    """However long ago a run was dealt with, it is not stopped again while it lasts; once it is over, it is history."""
    going_on = run(conversation_id="c1")
    async with store.transaction() as tx:
        await tx.runs.put([going_on])
        await add_stop(tx, going_on.id, START, mode=mode, state=StopState.DONE)
        await tx.history.shed(before=START + 1000 * DAY)
        await tx.stops.prune(PROJECT, before=START + 1000 * DAY)
        assert await tx.stops.of_run(going_on.id, mode) is not None
        assert len(await tx.stops.lines(limit=9)) == 1
        await tx.runs.put([replace(going_on, ended_at=START + 1)])
        await tx.stops.prune(PROJECT, before=START + 1000 * DAY)
        assert await tx.stops.of_run(going_on.id, mode) is None
        assert await tx.stops.lines(limit=9) == []


@pytest.mark.parametrize(
    ("size", "until"),
    [(200, 50.0), (1000, 90.0), (101, 25.0)],
    ids=["half too much", "ten times too much", "a little too much"],
)
def test_how_much_is_shed(size: float, until: float) -> None:
    """A step takes the share of time that the excess is of the size, but a quarter at least."""
    day = 100 * 3600.0
    found = shed_until(size=size, goal=100, oldest=START, newest=START + day)
    assert (found - START) / day * 100 == pytest.approx(until)


def test_the_last_hour_goes_at_once() -> None:
    """Where little is left to shed, it is not cut into ever smaller pieces."""
    assert shed_until(size=101, goal=100, oldest=START, newest=START + 4000) == START + 4000


# What the daemon makes of it


async def fill(rig: Rig, days: int) -> None:
    """Give the rig a history: something that was over on each of the days before, five times."""
    async with rig.store.transaction() as tx:
        for day in range(days):
            for number in range(5):
                await add_history(tx, f"{day}-{number}", rig.now - (day + 0.5) * DAY)


async def on_disk(rig: Rig) -> int:
    """Return the size of the file, with nothing left in its log."""
    size = await rig.store.size()
    file = rig.store._path.stat().st_size
    assert size <= file
    return file


async def oldest_days(rig: Rig) -> float | None:
    """Return how many days ago the oldest of the history was."""
    async with rig.store.snapshot() as tx:
        oldest = await tx.history.oldest()
    return None if oldest is None else round((rig.now - oldest) / DAY, 1)


async def test_a_database_within_its_size_keeps_everything(tmp_path: Path) -> None:
    """Nothing is shed while there is room, nor where the size is unlimited."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        await fill(rig, 20)
        health = StorageHealth(rig.commits, rig.clock)
        for limit in (0, await rig.store.size() + 100_000):
            await health.evaluate(limit=limit)
            assert await oldest_days(rig) == 19.5
        assert not [line for line in rig.logs if line["event"] == "history shed"]


async def test_the_oldest_goes_first_and_the_file_shrinks(tmp_path: Path) -> None:
    """Above its size the database loses its oldest days, no more than needed, and the disk gets its room back."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        await fill(rig, 20)
        before = await on_disk(rig)
        limit = round(before * 0.8)
        await StorageHealth(rig.commits, rig.clock).evaluate(limit=limit)
        assert limit * 0.5 < await on_disk(rig) < limit
        left = await oldest_days(rig)
        assert left is not None
        assert 8 < left < 18
        [line] = [line for line in rig.logs if line["event"] == "history shed"]
        assert (line["max_size"], line["size"] < limit) == (limit, True)
        assert not await rig.open_alerts("StorageFailing")


async def test_what_cannot_be_made_small_enough_is_told(tmp_path: Path) -> None:
    """History younger than a day is not shed; that the database stays too large is told until it is not."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        await fill(rig, 3)
        health = StorageHealth(rig.commits, rig.clock)
        await health.evaluate(limit=4096)
        assert await oldest_days(rig) == 0.5
        await rig.run_for(5)
        [told] = rig.inbox.about("StorageFailing")
        assert told.entry.labels["reason"] == "size"
        assert "Raise storage.max_size" in told.entry.annotations["summary"]
        await health.evaluate(limit=4096)
        await health.evaluate(limit=0)
        await rig.run_for(5)
        assert rig.inbox.transitions("StorageFailing") == ["firing", "resolved"]


async def test_what_rules_look_back_at_is_kept(tmp_path: Path) -> None:
    """A window of several days keeps its days, however large the database is."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        await fill(rig, 20)
        await StorageHealth(rig.commits, rig.clock).evaluate(limit=4096, keep=7 * DAY)
        assert await oldest_days(rig) == 6.5


async def test_shedding_disturbs_nothing_that_goes_on(tmp_path: Path) -> None:
    """A run that is open while history is shed is stopped, told and resolved as ever."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        rig.start_run()
        await fill(rig, 5)
        await rig.run_for(30)
        await StorageHealth(rig.commits, rig.clock).evaluate(limit=4096)
        await rig.run_for(60)
        assert rig.inbox.transitions("RunOverLimit") == ["firing", "resolved"]
        assert len(rig.world.record().stops) == 1
        assert rig.inbox.transitions("BaselineRecorded") == ["firing"]
