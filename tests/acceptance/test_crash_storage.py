"""A database that takes nothing for a while: full, or read-only."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from monitor.app import App
from monitor.clock import SystemClock
from monitor.model.stop import StopResult
from monitor.settings import load
from monitor.simulator.entities import Chat, Conversation, RunPlan
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.server import serve
from monitor.simulator.world import World
from tests.support.crash_story import Hook, write_config
from tests.support.waiting import eventually

_POLLS = 5  # that are seen to go on while the database takes nothing


class _Storage:
    """What becomes of the writes of `engine`: they fail while `broken` is set."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.broken = False

    def be_full(self) -> None:
        """Let every commit of a writing transaction fail as on a full disk."""

        def commit(connection: Connection) -> None:
            if self.broken and connection.get_execution_options().get("sqlite_begin") == "IMMEDIATE":
                raise OperationalError("COMMIT", {}, sqlite3.OperationalError("database or disk is full"))

        event.listen(self.engine, "commit", commit)

    def be_read_only(self) -> None:
        """Let SQLite itself refuse whatever writes."""

        def checkout(connection: Any, *_: object) -> None:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA query_only = {self.broken:d}")
            cursor.close()

        event.listen(self.engine, "checkout", checkout)


@asynccontextmanager
async def _running(directory: Path, base_url: str, hook: Hook) -> AsyncIterator[App]:
    settings = load(await asyncio.to_thread(write_config, directory, base_url, f"{hook.url}/hook"), {})
    async with App.open(settings, SystemClock()) as app:
        stopped = asyncio.Event()
        running = asyncio.create_task(app.run(stopped))
        try:
            yield app
        finally:
            stopped.set()
            await running


@pytest.mark.parametrize("how", [_Storage.be_full, _Storage.be_read_only])
async def test_a_database_that_takes_nothing_is_told_and_loses_nothing(
    tmp_path: Path, world: World, how: Callable[[_Storage], None]
) -> None:
    """While nothing can be kept, polls go on and nothing is stopped; what was missed is made up for afterwards."""
    conversation, chat = _talk(world)
    async with serve(world) as base_url, Hook() as hook, _running(tmp_path, base_url, hook) as app:
        await eventually(lambda: _told(hook, "BaselineRecorded", "firing"), "the baseline is told")
        storage = _Storage(app.store._engine.sync_engine)
        how(storage)
        storage.broken = True
        world.rate(chat.id, vote=False)
        world.start_run(conversation.id, RunPlan())
        await eventually(lambda: _told(hook, "StorageFailing", "firing"), "the failure is told")
        lists = world.record().requests["list_conversations"] + _POLLS
        await eventually(lambda: world.record().requests["list_conversations"] >= lists, "polls go on")
        assert not _told(hook, "NegativeRating", "firing")
        assert not world.record().stops
        storage.broken = False
        await eventually(lambda: _told(hook, "StorageFailing", "resolved"), "the end of the failure is told")
        await eventually(lambda: _told(hook, "NegativeRating", "firing"), "the rating is told")
        await eventually(lambda: _told(hook, "RunOverLimit", "resolved"), "the stop is told")
        assert [stop.conversation_id for stop in world.record().stops] == [conversation.id]
        assert _told(hook, "StorageFailing", "firing") == 1


async def test_a_stop_whose_answer_cannot_be_kept_is_not_asked_for_again(tmp_path: Path, world: World) -> None:
    """When the database fails between a request to stop and its answer, the outcome is looked up, not asked for."""
    conversation, _ = _talk(world)
    held_back = frozenset({"stop_conversation"})
    world.set_fault(Fault(kind=FaultKind.SLOW, delay=0.5, operations=held_back))
    async with serve(world) as base_url, Hook() as hook, _running(tmp_path, base_url, hook) as app:
        await eventually(lambda: _told(hook, "BaselineRecorded", "firing"), "the baseline is told")
        storage = _Storage(app.store._engine.sync_engine)
        storage.be_full()
        world.start_run(conversation.id, RunPlan(stop_lag=2.0))
        await eventually(lambda: world.record().stops, "the run is to be stopped")
        storage.broken = True
        await eventually(lambda: _told(hook, "StorageFailing", "firing"), "the failure is told")
        await eventually(lambda: conversation.run is None, "the run ends")
        storage.broken = False
        await eventually(lambda: _told(hook, "RunOverLimit", "resolved"), "the stop is told")
        assert len(world.record().stops) == 1
        async with app.store.snapshot() as tx:
            [stop] = await tx.stops.newest("support", limit=10)
        assert stop.result is StopResult.STOPPED


def _talk(world: World) -> tuple[Conversation, Chat]:
    """Let a user ask, and the app answer."""
    conversation = world.add_conversation(app=world.add_app("Report writer"), user=world.add_user("user-1"))
    world.add_chat(conversation.id, "USER", "Go.")
    return conversation, world.add_chat(conversation.id, "BOT", "Done.")


def _told(hook: Hook, rule: str, status: str) -> int:
    """Return how often an alert of this rule was told with this status."""
    return sum(each == status and labels["alertname"] == rule for _, each, labels in hook.told)
