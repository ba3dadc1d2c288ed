"""
A story in whose middle a daemon is shut down, and the database it leaves behind.

Before a migration is added, the database of the schema as it stands is kept for the upgrade test:

    python -m tests.support.upgrade_story tests/data/schema_0001.sql
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import DeliveryDelayed
from monitor.simulator.entities import Conversation
from monitor.store.stops import Brake
from tests.support.rig import Rig, open_rig
from tests.support.rig_ratings import answer_of, past_conversation
from tests.support.rig_rules import NEGATIVE, OVER_LIMIT, tell

__all__ = ["RULES", "Cast", "play"]

RULES = OVER_LIMIT + NEGATIVE + tell('run.age > duration("20s")', name="RunSlow")
_DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who is in the story."""

    old: Conversation  # its answer was rated negative before the monitor came: baseline; an operator protects it
    rated: Conversation  # its answer was rated negative under the monitor's eyes: an alert fires
    obeyed: Conversation  # its run was stopped, verified and told
    stopping: Conversation  # its run was asked to stop and goes on for 20 seconds; its alert waits for the outcome
    young: Conversation  # its run is older than 20 seconds and younger than the limit: told to nobody yet


async def play(rig: Rig) -> Cast:
    """Play the story up to the moment at which the daemon goes."""
    old = past_conversation(rig, 2 * _DAY)
    rig.world.rate(answer_of(old).id, vote=False)
    rated = rig.talk("question", ">answer")
    await rig.run_for(30)
    obeyed = rig.start_run()
    await rig.run_for(100)
    rig.world.rate(answer_of(rated).id, vote=False)
    stopping = rig.start_run(stop_lag=20)
    await rig.run_for(40)
    rig.inbox.error = DeliveryDelayed("the receiver is away")
    young = rig.start_run()
    brake = Brake(kind="protect", project="", target=old.id, until=None, set_at=rig.now, set_by="operator")
    async with rig.store.transaction() as tx:
        await tx.stops.set_brake(brake)
    await rig.run_for(35)
    return Cast(old=old, rated=rated, obeyed=obeyed, stopping=stopping, young=young)


async def _database() -> str:
    with tempfile.TemporaryDirectory() as directory:
        async with open_rig(Path(directory), rules=RULES) as rig:
            await play(rig)
            await rig.stop()
            with sqlite3.connect(Path(directory, "monitor.db")) as database:
                text = "".join(f"{line}\n" for line in database.iterdump())
            database.close()
            await rig.start()
            return text


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(asyncio.run(_database()), encoding="utf-8")
