"""A damaged database is set aside and told of; one that merely cannot be opened is left where it is."""

# ruff: noqa: ASYNC240 - files are looked at while nothing else is to go on

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.cycle.storage import StorageHealth
from monitor.errors import StartError
from monitor.store import Store
from monitor.store.database import StorageError
from tests.support.build import PROJECT, run
from tests.support.clock import ManualClock
from tests.support.rig import START, Rig, open_rig
from tests.support.rig_ratings import answer_of
from tests.support.rig_rules import NEGATIVE, OVER_LIMIT

ASIDE = "monitor.db.corrupt-20270115T080000Z"
DAY = 86400.0


async def filled(file: Path) -> None:
    """Make a database of many pages that a daemon has used and closed."""
    async with Store.open(f"sqlite:///{file}") as store, store.transaction() as tx:
        await tx.runs.put(run(id=f"run-{n}", conversation_id=f"c{n}", user_id="x" * 500) for n in range(200))


async def opened(file: Path, *, exclusive: bool = True) -> dict[str, object]:
    """Open the database as a daemon, or as a command, and return what runs it knows."""
    url, clock = f"sqlite:///{file}", ManualClock(START)
    async with Store.open(url, clock=clock, exclusive=exclusive) as store, store.snapshot() as tx:
        return dict(await tx.runs.open(PROJECT))


def aside(file: Path) -> list[str]:
    """Return the names of the databases that were set aside, without their logs."""
    return sorted(each.name for each in file.parent.glob("monitor.db.corrupt-*Z"))


def overwrite_the_middle(file: Path) -> None:
    """Let a broken disk answer with noise."""
    with file.open("r+b") as database:
        database.seek(file.stat().st_size // 2)
        database.write(os.urandom(16384))


def cut_off(file: Path) -> None:
    """Let a copy break off in the middle."""
    os.truncate(file, file.stat().st_size // 2)


def lose_the_header(file: Path) -> None:
    """Let the first page be lost."""
    with file.open("r+b") as database:
        database.write(bytes(4096))


def break_the_schema(file: Path) -> None:
    """Let the database hold a table that cannot be understood."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE runs (' WHERE name = 'runs'")
        database.commit()


def cross_its_pages(file: Path) -> None:
    """Let the database open and answer, while two tables claim the same pages."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'brakes')"
            " WHERE name = 'deliveries'"
        )
        database.commit()


DAMAGES = [overwrite_the_middle, cut_off, lose_the_header, break_the_schema, cross_its_pages]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Provide the place of the database."""
    return tmp_path / "monitor.db"


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_database_is_set_aside(file: Path, damage: Callable[[Path], None]) -> None:
    """The daemon starts with a new database, keeps the old one as it was, and says so at the level of an error."""
    await filled(file)
    damage(file)
    before = file.read_bytes()
    with capture_logs() as logs:
        assert await opened(file) == {}
    assert (file.parent / ASIDE).read_bytes() == before
    [line] = [line for line in logs if line["log_level"] == "error"]
    assert line["event"].startswith("the database is damaged and was set aside")
    assert line["set_aside"] == str(file.parent / ASIDE)
    with capture_logs() as logs:
        await opened(file)
    assert aside(file) == [ASIDE], "the new one is whole"
    assert not logs


async def test_the_log_goes_with_it(file: Path) -> None:
    """What stands in the log of the damaged database stays with it, and never gets into the new one."""
    await filled(file)
    log = Path(f"{file}-wal")
    with closing(sqlite3.connect(file)) as database:
        database.execute("INSERT INTO projects VALUES ('support', 1)")
        database.commit()
        before, written = file.read_bytes(), log.read_bytes()
    file.write_bytes(before)
    log.write_bytes(written)
    overwrite_the_middle(file)
    assert await opened(file) == {}
    assert (file.parent / f"{ASIDE}-wal").read_bytes() == written


async def test_a_command_sets_nothing_aside(file: Path) -> None:
    """A command that joins a daemon's database reports the damage and leaves the file to the daemon."""
    await filled(file)
    lose_the_header(file)
    with pytest.raises(StartError, match=r"cannot open the database .*: .*it is damaged: restore a backup"):
        await opened(file, exclusive=False)
    assert aside(file) == []


# What is no damage


async def test_a_file_that_never_was_a_database_is_left_alone(file: Path) -> None:
    """Where storage.url names some other file, and no alli-monitor ever ran there, the file stays what it is."""
    file.write_text("projects: {}\n" * 100, encoding="utf-8")
    for _ in range(2):
        with pytest.raises(StartError, match=r"cannot open the database .*monitor\.db: .*not a database"):
            await opened(file)
    assert file.read_text(encoding="utf-8") == "projects: {}\n" * 100
    assert aside(file) == []


async def test_a_database_that_is_locked_is_left_alone(file: Path) -> None:
    """Something else that holds the file for long is an error at the start, not damage."""
    await filled(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StartError, match=r"cannot open the database .* is locked; see what else holds it"):
            await opened(file)
    assert aside(file) == []
    assert len(await opened(file)) == 200


async def test_a_database_that_may_not_be_read_is_left_alone(file: Path) -> None:
    """A directory in its place, or permissions that are wrong, are errors at the start, not damage."""
    file.mkdir()
    with pytest.raises(StartError, match=r"cannot open the database .*monitor\.db: .*; check its disk and permissions"):
        await opened(file)
    file.rmdir()
    await filled(file)
    assert len(await opened(file)) == 200
    assert aside(file) == []


# What is told


async def damaged_rig(rig: Rig, directory: Path) -> None:
    """Let the database of a rig be damaged while its daemon is away, and let the daemon come back."""
    await rig.stop()
    overwrite_the_middle(directory / "monitor.db")
    rig.clock.advance(60)
    await rig.start()


async def test_what_was_lost_is_told(tmp_path: Path) -> None:
    """An alert says that ledger and history begin anew, that there is a new baseline, and where the old file is."""
    async with open_rig(tmp_path, rules=NEGATIVE) as rig:
        rig.world.rate(answer_of(rig.talk("question", ">answer")).id, vote=False)
        await rig.run_for(60)
        await damaged_rig(rig, tmp_path)
        health = StorageHealth(rig.commits, rig.clock)
        await health.evaluate(limit=0)
        await rig.run_for(60)
        [told] = rig.inbox.about("StorageFailing")
        summary = told.entry.annotations["summary"]
        [name] = aside(tmp_path / "monitor.db")
        assert told.entry.labels["reason"] == "damaged"
        assert all(part in summary for part in (name, "new baseline", "Runs count from then", "restore a backup"))
        assert rig.inbox.transitions("BaselineRecorded") == ["firing", "firing"]
        assert not rig.inbox.about("NegativeRating")


async def test_it_is_told_after_a_crash_as_well(tmp_path: Path) -> None:
    """A daemon that dies between setting the old file aside and telling tells when it starts again, and for a day."""
    async with open_rig(tmp_path, rules=NEGATIVE) as rig:
        await rig.run_for(5)
        await rig.stop()
        (tmp_path / "monitor.db").rename(tmp_path / ASIDE)
        await rig.start()
        await rig.restart()
        health = StorageHealth(rig.commits, rig.clock)
        await health.evaluate(limit=0)
        await rig.run_for(5)
        assert rig.inbox.transitions("StorageFailing") == ["firing"]
        rig.clock.advance(DAY)
        await health.evaluate(limit=0)
        await rig.run_for(5)
        assert rig.inbox.transitions("StorageFailing") == ["firing", "resolved"]


async def test_an_ordinary_first_start_tells_no_loss(tmp_path: Path) -> None:
    """Where nothing was set aside, nothing of the kind is told."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        await StorageHealth(rig.commits, rig.clock).evaluate(limit=0)
        await rig.run_for(5)
        assert not rig.inbox.about("StorageFailing")


async def test_damage_in_the_middle_says_what_to_do(file: Path) -> None:
    """While the daemon runs, a damaged file is an error of the storage that names the way back."""
    await filled(file)
    async with Store.open(f"sqlite:///{file}") as store:
        with pytest.raises(StorageError, match=r"malformed; it is damaged: restore a backup"):
            await read_after_damage(store, file)


async def read_after_damage(store: Store, file: Path) -> None:
    """Damage the file under an open store and read everything."""
    with file.open("r+b") as database:
        database.seek(4096)
        database.write(b"\xff" * (file.stat().st_size - 4096))
    async with store.snapshot() as tx:
        await tx.runs.newest(PROJECT, limit=1000)
