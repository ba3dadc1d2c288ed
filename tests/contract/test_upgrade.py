"""A database that an older version wrote: it is copied, brought to this version's schema, and everything goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from monitor import __version__
from monitor.errors import StartError
from monitor.model.run import Outcome
from monitor.model.stop import StopResult
from monitor.store import Store
from tests.support.clock import ManualClock
from tests.support.rig import PROJECT, START, Rig, open_rig
from tests.support.rig_ratings import changes
from tests.support.upgrade_story import RULES, Cast, play

OLD = sorted((Path(__file__).parents[1] / "data").glob("schema_*.sql"))
"""What the code of each older schema left behind in the middle of the story, as SQL."""

CURRENT = "0003"


def restore(dump: Path, file: Path) -> None:
    """Make a database file out of the text of one."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as database:
        database.executescript(dump.read_text(encoding="utf-8"))


def dumped(file: Path) -> list[str]:
    """Return all that a database holds, as SQL."""
    with closing(sqlite3.connect(file)) as database:
        return list(database.iterdump())


def beside(file: Path, prefix: str) -> list[Path]:
    """Return what lies beside a database under names that begin like this."""
    return sorted(file.parent.glob(f"{prefix}*"))


def copies(directory: Path) -> list[Path]:
    """Return the copies from before migrations, the oldest first."""
    return beside(directory / "monitor.db", "monitor.db.before-")


async def opened(file: Path, clock: ManualClock | None = None, *, exclusive: bool = True) -> None:
    """Open a store and close it."""
    async with Store.open(f"sqlite:///{file}", clock=clock, exclusive=exclusive):
        pass


@asynccontextmanager
async def upgraded(directory: Path, dump: Path, *, away: float) -> AsyncIterator[tuple[Rig, Cast]]:
    """Yield the story as an older daemon left it, taken up by this one after some seconds; receivers work again."""
    async with open_rig(directory, rules=RULES) as rig:
        cast = await play(rig)
        await rig.stop()
        restore(dump, directory / "monitor.db")
        rig.inbox.told.clear()
        rig.inbox.error = None
        rig.clock.advance(away)
        await rig.start()
        yield rig, cast


@pytest.fixture(params=OLD, ids=lambda dump: dump.stem)
def dump(request: pytest.FixtureRequest) -> Path:
    """Provide the database of one older schema."""
    assert isinstance(request.param, Path)
    return request.param


# What goes on


async def test_runs_go_on_with_their_ages(tmp_path: Path, dump: Path) -> None:
    """A run that was open is the same run, is as old as it was, and is stopped when that is over its limit."""
    async with upgraded(tmp_path, dump, away=5) as (rig, cast):
        [before] = [run for run in await rig.runs() if run.conversation_id == cast.young.id]
        assert (before.age_since - START, before.ended_at) == (180, None)
        await rig.run_for(40)
        [after] = [run for run in await rig.runs() if run.conversation_id == cast.young.id]
        assert (after.id, after.age_since, after.outcome) == (before.id, before.age_since, Outcome.STOPPED)
        [stop] = [stop for stop in rig.world.record().stops if stop.conversation_id == cast.young.id]
        assert round(stop.at - START) == 240


async def test_a_stop_in_the_middle_is_verified_and_not_asked_for_again(tmp_path: Path, dump: Path) -> None:
    """What the older version asked Alli is looked after by this one, and the alert that waited is told with it."""
    async with upgraded(tmp_path, dump, away=5) as (rig, cast):
        await rig.run_for(60)
        [stop] = [stop for stop in await rig.stops() if stop.conversation_id == cast.stopping.id]
        assert (stop.result, stop.requests) == (StopResult.STOPPED, 1)
        asked = [stop.conversation_id for stop in rig.world.record().stops]
        assert (asked.count(cast.stopping.id), asked.count(cast.obeyed.id)) == (1, 1)
        told = [told for told in rig.inbox.about("RunOverLimit") if told.entry.labels["run_id"] == stop.run_id]
        assert [(each.status.value, each.action) for each in told] == [("firing", "stopped"), ("resolved", "stopped")]


async def test_what_waited_in_the_outbox_is_delivered(tmp_path: Path, dump: Path) -> None:
    """A notification that no receiver took is delivered, under the key that it was tried with."""
    async with upgraded(tmp_path, dump, away=5) as (rig, cast):
        with closing(sqlite3.connect(tmp_path / "monitor.db")) as database:
            waiting = "SELECT json_extract(payload, '$.key') FROM intents WHERE kind = 'notify' AND state = 'waiting'"
            [(key,)] = database.execute(waiting).fetchall()
        await rig.run_for(30)
        told = [told for told in rig.inbox.about("RunSlow") if told.entry.labels["conversation_id"] == cast.young.id]
        assert [(each.status.value, each.notification.key) for each in told] == [("firing", key)]


async def test_open_alerts_resolve_where_they_were_told(tmp_path: Path, dump: Path) -> None:
    """What the older version told firing this one tells resolved, and nothing that fires is told anew."""
    async with upgraded(tmp_path, dump, away=5) as (rig, cast):
        rig.world.rate(next(chat for chat in cast.rated.chats if chat.sender == "BOT").id, None)
        await rig.run_for(60)
        assert rig.inbox.transitions("NegativeRating") == ["resolved"]
        slow = [told for told in rig.inbox.about("RunSlow") if told.entry.labels["conversation_id"] == cast.stopping.id]
        assert [each.status.value for each in slow] == ["resolved"]
        assert not rig.inbox.about("Watchdog")


async def test_there_is_no_second_baseline(tmp_path: Path, dump: Path) -> None:
    """An upgrade is no first start: what was known of ratings is known, and a new vote is told."""
    async with upgraded(tmp_path, dump, away=5) as (rig, cast):
        await rig.sweep(2)
        await rig.run_for(60)
        assert not rig.inbox.about("BaselineRecorded", "NegativeRating")
        assert [change.rating.conversation_id for change in await changes(rig)] == [cast.rated.id]
        rig.world.rate(next(chat for chat in cast.obeyed.chats if chat.sender == "BOT").id, vote=False)
        await rig.run_for(360)
        assert rig.inbox.transitions("NegativeRating") == ["firing"]


async def test_history_and_brakes_are_still_there(tmp_path: Path, dump: Path) -> None:
    """What is over can still be read, and what an operator forbade stays forbidden."""
    async with upgraded(tmp_path, dump, away=5) as (rig, cast), rig.store.snapshot() as tx:
        [brake] = await tx.stops.brakes(now=rig.now)
        assert (brake.kind, brake.target) == ("protect", cast.old.id)
        lines = await tx.stops.lines(limit=9, conversation_id=cast.obeyed.id)
        assert [line.what for line in lines] == ["stopped", "requested", "requesting", "intended"]
        assert (await tx.observations.baseline_at(PROJECT)) == START


# How it is brought here


async def test_a_copy_from_before_is_kept(tmp_path: Path, dump: Path) -> None:
    """Before anything is changed, a private copy that the older version can use stands beside the database."""
    file = tmp_path / "monitor.db"
    restore(dump, file)
    before = dumped(file)
    await opened(file, ManualClock(START))
    [copy] = copies(tmp_path)
    assert copy.name == f"monitor.db.before-{CURRENT}-20270115T080000Z.bak"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert dumped(copy) == before


async def test_two_copies_are_kept(tmp_path: Path, dump: Path) -> None:
    """Each migration keeps a copy, and only the newest two of them stay."""
    clock = ManualClock(START)
    for _ in range(4):
        restore(dump, tmp_path / "monitor.db")
        await opened(tmp_path / "monitor.db", clock)
        clock.advance(60)
    assert [copy.name.rpartition("-")[2] for copy in copies(tmp_path)] == [
        "20270115T080200Z.bak",
        "20270115T080300Z.bak",
    ]


async def test_nothing_is_copied_without_need(tmp_path: Path) -> None:
    """A new database, and one that has this version's schema, are opened without a copy."""
    await opened(tmp_path / "monitor.db")
    await opened(tmp_path / "monitor.db")
    assert not copies(tmp_path)


async def test_an_old_file_can_shrink_afterwards(tmp_path: Path, dump: Path) -> None:
    """A database from before files could shrink is rewritten once, together with its migration."""
    restore(dump, tmp_path / "monitor.db")
    await opened(tmp_path / "monitor.db")
    with closing(sqlite3.connect(tmp_path / "monitor.db")) as database:
        assert database.execute("PRAGMA auto_vacuum").fetchone() == (2,)


async def test_a_migration_that_fails_changes_nothing(tmp_path: Path, dump: Path) -> None:
    """It is taken back whole, and the error says what was in the way and where the copy is."""
    file = tmp_path / "monitor.db"
    restore(dump, file)
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE silences (something TEXT)")
    before = dumped(file)
    with pytest.raises(StartError, match=r"silences already exists.* It is as it was before; a copy is .*\.bak"):
        await opened(file)
    assert dumped(file) == before
    assert dumped(copies(tmp_path)[0]) == before


async def test_without_a_copy_nothing_is_migrated(tmp_path: Path, dump: Path) -> None:
    """Where no copy can be kept, the daemon does not start, and the database is as it was."""
    file = tmp_path / "monitor.db"
    restore(dump, file)
    before = dumped(file)
    (tmp_path / f"monitor.db.before-{CURRENT}-20270115T080000Z.bak").mkdir()
    with pytest.raises(StartError, match=r"cannot open the database .*monitor\.db: .*[Dd]irectory"):
        await opened(file, ManualClock(START))
    assert dumped(file) == before
    assert not beside(file, "."), "what was begun is cleared away"


async def test_a_command_does_not_migrate_under_a_daemon(tmp_path: Path, dump: Path) -> None:
    """While an older daemon runs on it, a command of this version leaves the database alone and says what to do."""
    file = tmp_path / "monitor.db"
    await opened(file)
    async with Store.open(f"sqlite:///{file}"):
        with closing(sqlite3.connect(file)) as database:
            database.execute("UPDATE alembic_version SET version_num = '0001'")
            database.commit()
        with pytest.raises(
            StartError, match=r"another alli-monitor is running .* of another version than this command"
        ):
            await opened(file, exclusive=False)


async def test_a_newer_schema_is_refused_naming_both_versions(tmp_path: Path) -> None:
    """The error names version and schema of the database and of this alli-monitor, and nothing is changed."""
    file = tmp_path / "monitor.db"
    await opened(file)
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE alembic_version SET version_num = '0099'")
        database.execute("UPDATE meta SET value = '9.8.7' WHERE key = 'version'")
        database.commit()
    before = dumped(file)
    for exclusive in (True, False):
        with pytest.raises(StartError) as caught:
            await opened(file, exclusive=exclusive)
        message = str(caught.value)
        assert all(part in message for part in ("9.8.7", "0099", __version__, CURRENT)), message
    assert dumped(file) == before


async def test_the_version_that_wrote_last_is_noted(tmp_path: Path) -> None:
    """A database says which version opened it last, so that an older one can name it."""
    file = tmp_path / "monitor.db"
    await opened(file)
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE meta SET value = '0.0.1'")
        database.commit()
    await opened(file)
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT value FROM meta WHERE key = 'version'").fetchall() == [(__version__,)]


async def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """Where storage.url names the database of another program, nothing is written into it."""
    file = tmp_path / "monitor.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE songs (title TEXT)")
    before = dumped(file)
    with pytest.raises(StartError, match=r"monitor\.db is a database of something else"):
        await opened(file)
    assert dumped(file) == before
