"""The demo's comparison of what its monitor found with what truly happened."""

from __future__ import annotations

import io

from rich.console import Console

from monitor.cli.collector import Collector
from monitor.cli.picture import summary_table
from monitor.cli.tally import Tally, compare
from monitor.simulator.world import World
from monitor.store import Store
from tests.support.clock import ManualClock


async def tally_of_a_missed_run(store: Store, *, looks: int) -> Tally:
    """Let a list show a run so many times, a second apart, and compare it with a ledger that lacks it."""
    clock = ManualClock()
    world = World(clock)
    conversation = world.add_conversation()
    world.start_run(conversation.id)
    for _ in range(looks):
        clock.advance(1.0)
        world.advance()
        world.note_listed([conversation], running=True)
    return await compare(store, world, Collector(clock), until=clock.now())


def shown(tally: Tally) -> str:
    """Return the summary as it is printed."""
    console = Console(file=io.StringIO(), width=120)
    with console.capture() as printed:
        console.print(summary_table(tally))
    return printed.get()


async def test_a_run_that_was_listed_once_may_be_missed(store: Store) -> None:
    """What was over before a second look is said to be, and makes no difference between the two sides."""
    summary = shown(await tally_of_a_missed_run(store, looks=1))
    assert "1, 1 of them over before a second look" in summary
    assert "both agree" in summary


async def test_a_run_that_was_listed_twice_may_not_be_missed(store: Store) -> None:
    """What two polls could see and the ledger lacks is a difference."""
    summary = shown(await tally_of_a_missed_run(store, looks=2))
    assert "second look" not in summary
    assert "THEY DIFFER" in summary


async def test_a_run_that_nothing_listed_is_none(store: Store) -> None:
    """What no list ever showed nobody could find."""
    tally = await tally_of_a_missed_run(store, looks=0)
    assert (tally.runs.true, tally.agrees) == (0, True)
