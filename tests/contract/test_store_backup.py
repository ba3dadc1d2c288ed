"""A backup of a database in use: consistent, verified, private, and never in the place of something else."""

# ruff: noqa: ASYNC240 - files are looked at while nothing else is to go on

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from monitor import __version__
from monitor.store import Store
from monitor.store.backup import Backup, back_up
from monitor.store.database import StorageError
from tests.support.build import PROJECT, run


@asynccontextmanager
async def in_use(file: Path, *ids: str) -> AsyncIterator[Store]:
    """Yield the store of a daemon that watches runs in these conversations."""
    async with Store.open(f"sqlite:///{file}") as store:
        async with store.transaction() as tx:
            await tx.runs.put(run(id=f"run-{each}", conversation_id=each) for each in ids)
        yield store


async def backed_up(file: Path, target: Path, *, overwrite: bool = False) -> Backup:
    """Make a backup, as the command does in a process of its own."""
    return await asyncio.to_thread(back_up, file, target, overwrite=overwrite)


async def open_runs(file: Path) -> list[str]:
    """Return the conversations that have open runs, from a database that is used as it is."""
    async with Store.open(f"sqlite:///{file}") as store, store.snapshot() as tx:
        return sorted(await tx.runs.open(PROJECT))


def names(directory: Path) -> list[str]:
    """Return what lies in a directory."""
    return sorted(each.name for each in directory.iterdir())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Provide the place of the database, in a directory of its own."""
    directory = tmp_path / "data"
    directory.mkdir()
    return directory / "monitor.db"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Provide the place of the backup, in a directory of its own."""
    directory = tmp_path / "backup"
    directory.mkdir()
    return directory / "copy.db"


async def test_backup_of_a_database_in_use(file: Path, target: Path) -> None:
    """It holds what is committed, also what stands only in the log, and can be used as a database at once."""
    async with in_use(file, "c1", "c2") as store:
        async with store.transaction() as tx:
            await tx.runs.put([run(id="run-c3", conversation_id="c3")])
        assert Path(f"{file}-wal").stat().st_size
        made = await backed_up(file, target)
        assert await open_runs(target) == ["c1", "c2", "c3"]
    assert made.size > 4096
    assert (made.schema.revision, made.schema.version) == ("0003", __version__)


async def test_backup_is_one_moment(file: Path, target: Path) -> None:
    """What a transaction writes while the copy is made is in it as a whole or not at all."""
    async with in_use(file) as store:
        done = asyncio.Event()

        async def write() -> None:
            number = 0
            while not done.is_set():
                number += 1
                async with store.transaction() as tx:
                    await tx.runs.put(run(id=f"{side}-{number}", conversation_id=f"{side}{number}") for side in "ab")

        writing = asyncio.create_task(write())
        counts: list[tuple[int, int]] = []
        while len(counts) < 5 or not counts[-1][0]:
            await backed_up(file, target, overwrite=True)
            with closing(sqlite3.connect(target)) as database:
                counts += database.execute("SELECT total(id LIKE 'a-%'), total(id LIKE 'b-%') FROM runs")
        done.set()
        await writing
        assert all(left == right for left, right in counts), counts


async def test_writers_do_not_wait_for_a_backup(file: Path, target: Path) -> None:
    """A transaction that is open before, and one that begins during, a backup commits."""
    async with in_use(file) as store:
        async with store.transaction() as tx:
            await tx.runs.put([run(id="run-c1", conversation_id="c1")])
            await backed_up(file, target)
        assert await open_runs(target) == []
        assert await open_runs_of(store) == ["c1"]


async def open_runs_of(store: Store) -> list[str]:
    """Return the conversations that have open runs."""
    async with store.snapshot() as tx:
        return sorted(await tx.runs.open(PROJECT))


async def test_only_its_owner_can_read_it(file: Path, target: Path) -> None:
    """Whatever the umask, others read neither the backup nor, before, what becomes it."""
    before = os.umask(0)
    try:
        async with in_use(file):
            await backed_up(file, target)
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == 0o600
    assert names(target.parent) == ["copy.db"], "nothing but the backup is left"


async def test_backup_without_a_daemon(file: Path, target: Path) -> None:
    """With no daemon it works as well, and leaves nothing beside the database."""
    async with in_use(file, "c1"):
        pass
    before = names(file.parent)
    await backed_up(file, target)
    assert names(file.parent) == before
    assert await open_runs(target) == ["c1"]


async def test_an_older_schema_is_copied_as_it_is(file: Path, target: Path) -> None:
    """A backup migrates nothing: it is what somebody makes right before an upgrade."""
    with closing(sqlite3.connect(file)) as database:
        database.executescript((Path(__file__).parents[1] / "data/schema_0001.sql").read_text(encoding="utf-8"))
    made = await backed_up(file, target)
    assert (made.schema.revision, made.schema.version) == ("0001", None)


# What it refuses


async def refused(file: Path, target: Path, *, overwrite: bool = False) -> str:
    """Return why a backup is refused."""
    with pytest.raises(StorageError) as caught:
        await backed_up(file, target, overwrite=overwrite)
    return str(caught.value)


async def test_an_existing_file_is_not_overwritten(file: Path, target: Path) -> None:
    """Something that stands at the target stays as it is, unless one asks for it to be overwritten."""
    target.write_text("precious", encoding="utf-8")
    async with in_use(file, "c1"):
        assert await refused(file, target) == f"{target} exists; --force overwrites it"
        assert target.read_text(encoding="utf-8") == "precious"
        await backed_up(file, target, overwrite=True)
    assert await open_runs(target) == ["c1"]


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", ".lock"])
async def test_the_database_is_no_target(file: Path, suffix: str) -> None:
    """Neither the database nor a file that belongs to it is overwritten, whatever one asks for."""
    async with in_use(file, "c1"):
        assert "belongs to the database itself" in await refused(file, Path(f"{file}{suffix}"), overwrite=True)
    assert await open_runs(file) == ["c1"]


async def test_a_link_to_the_database_is_no_target(file: Path, target: Path) -> None:
    """The database is known under another name as well."""
    async with in_use(file, "c1"):
        target.symlink_to(file)
        assert "belongs to the database itself" in await refused(file, target, overwrite=True)
        target.unlink()
        target.hardlink_to(file)
        assert "belongs to the database itself" in await refused(file, target, overwrite=True)


async def test_a_database_in_use_is_no_target(file: Path, target: Path) -> None:
    """A database that another daemon uses is not replaced under it, and no log of it is taken for the backup's."""
    async with in_use(file, "c1"), in_use(target, "other"):
        assert "is in use, or was left unfinished" in await refused(file, target, overwrite=True)
    assert await open_runs(target) == ["other"]


async def test_there_must_be_a_database(file: Path, target: Path) -> None:
    """A backup of nothing, of another file or of another program's database is an error, and makes nothing."""
    assert "there is no database" in await refused(file, target)
    file.write_bytes(b"no database at all" * 1000)
    assert "not a database" in await refused(file, target)
    file.unlink()
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE songs (title TEXT)")
    assert "is not a database of alli-monitor" in await refused(file, target)
    assert names(target.parent) == []


async def test_a_damaged_database_makes_no_backup(file: Path, target: Path) -> None:
    """What cannot be read whole never becomes a backup, and a good one from before stays."""
    async with in_use(file, *(f"c{number}" for number in range(200))):
        await backed_up(file, target)
    with file.open("r+b") as database:
        database.seek(-8192, os.SEEK_END)
        database.write(os.urandom(8192))
    before = target.read_bytes()
    assert "cannot copy" in await refused(file, target, overwrite=True)
    assert target.read_bytes() == before
    assert names(target.parent) == ["copy.db"]


async def test_a_place_that_cannot_be_written(file: Path, tmp_path: Path) -> None:
    """The error names the file that cannot be written."""
    async with in_use(file):
        assert await refused(file, tmp_path / "missing/copy.db") == (
            f"cannot write {tmp_path}/missing/copy.db: No such file or directory"
        )
        assert "is a directory" in await refused(file, tmp_path)
