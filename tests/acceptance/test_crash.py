"""A daemon that is killed with SIGKILL, at each step it takes, in a world that goes on without it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.crash_story import Trial

_AT_ONCE = 4  # a trial mostly waits, and what waits for a core is late


async def _try(directory: Path, kills: list[str], turn: asyncio.Semaphore) -> Trial:
    await asyncio.to_thread(directory.mkdir)
    trial = Trial(directory, kills)
    async with turn:
        await trial.run()
    return trial


def _report(trials: list[Trial]) -> str:
    return "\n".join(f"{trial.directory}: killed {trial.kills}: {trial.problems}" for trial in trials)


@pytest.mark.timeout(3600)
async def test_a_killed_daemon_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """Wherever it is killed: every alert is told once and in order, every overdue run stopped once, no other ever."""
    turn = asyncio.Semaphore(_AT_ONCE)
    dry = await _try(tmp_path / "dry", [], turn)
    assert not dry.problems, _report([dry])
    trials = await asyncio.gather(*(_try(tmp_path / str(n), [step], turn) for n, step in enumerate(dry.steps)))
    wrong = [trial for trial in trials if trial.problems]
    assert not wrong, _report(wrong)
    # which commits come how often depends on timing, so that a few steps may not come again
    assert sum(trial.killed for trial in trials) >= 0.9 * len(trials)


async def test_two_kills_at_the_same_stop_leave_one_stop(tmp_path: Path) -> None:
    """A daemon killed around its first request to stop, and again around the next, still stops each run once."""
    turn = asyncio.Semaphore(_AT_ONCE)
    kills = [
        ["before POST stop #1", "after POST stop #1"],
        ["after POST stop #1", "after POST stop #1"],
        ["after POST hook #2", "after POST hook #1"],
    ]
    trials = await asyncio.gather(*(_try(tmp_path / str(n), steps, turn) for n, steps in enumerate(kills)))
    wrong = [trial for trial in trials if trial.problems or trial.killed != len(trial.kills)]
    assert not wrong, _report(wrong)
