"""The world of the demo shows what the demo is about, within its first seconds and for minutes."""

from __future__ import annotations

import pytest

from monitor.simulator.entities import Ending
from monitor.simulator.loading import load_scenario
from monitor.simulator.record import Record, RunRecord
from monitor.simulator.scenario import DEMO
from monitor.simulator.script import build_world
from monitor.simulator.world import World
from tests.support.clock import ManualClock

LIMIT = 6.0


class Watch:
    """The demo's world, watched as the demo's monitor would: what is over the limit is checked, then stopped."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.world: World = build_world(load_scenario(DEMO), self.clock)
        self.asked_twice: set[str] = set()

    def until(self, seconds: float) -> Record:
        """Watch up to this offset from the start, every half second, and return the record."""
        while self.clock.now() < self.world.start + seconds:
            self.clock.advance(0.5)
            self.world.advance()
            asked = {stop.run_id for stop in self.world.record().stops}
            for conversation in list(self.world.conversations.values()):
                run = conversation.run
                if run is not None and run.id not in asked and self.world.now - run.began >= LIMIT:
                    self.world.check(conversation.id)
                    if conversation.run is not None:
                        self.world.stop(conversation.id)
        return self.world.record()


@pytest.fixture(scope="module")
def record() -> Record:
    """Give the record of the first 20 seconds."""
    return Watch().until(20)


def over_limit(record: Record) -> list[RunRecord]:
    """Return the runs that lasted as long as the limit."""
    return [run for run in record.runs if run.age(record.now) >= LIMIT]


def test_apps_have_names_in_three_languages(record: Record) -> None:
    """Runs of Korean and Japanese apps are there, and votes about an English one."""
    assert {run.app_name for run in record.runs} == {"주간 보고서 작성", "契約書レビュー"}
    assert {app.name for app in Watch().world.apps.values()} > {"Customer Support"}


def test_hanging_and_looping_runs_are_stopped(record: Record) -> None:
    """Within 20 seconds at least three runs have to be stopped, the first of them 8 seconds after the start."""
    stopped = [run for run in record.runs if run.ending is Ending.STOPPED]
    assert len(stopped) >= 3
    first = min(run.ended or 0 for run in stopped)
    assert first - record.start == pytest.approx(8, abs=0.5)


def test_one_run_ends_just_before_its_stop(record: Record) -> None:
    """One run reaches the limit and finishes when it is looked at, so that no stop hits it."""
    finished = [run for run in over_limit(record) if run.ending is Ending.FINISHED]
    assert len(finished) == 1
    assert finished[0].id not in {stop.run_id for stop in record.stops}
    assert {stop.effect for stop in record.stops} == {"stopped", "lagging"}


def test_healthy_runs_go_on_all_the_time(record: Record) -> None:
    """Short runs begin in each part of the first 20 seconds and end within the limit."""
    healthy = [run.began - record.start for run in record.runs if run.ended and run.age(record.now) < LIMIT]
    for begin in (0, 10):
        assert any(begin <= at < begin + 10 for at in healthy)


def test_votes(record: Record) -> None:
    """A vote is withdrawn, an agent votes, and a burst about one app comes from at least three users."""
    new = [rating for rating in record.ratings if rating.at > record.start]
    assert any(rating.previous is False and rating.vote is None for rating in new)
    assert any(rating.by == "agent" and rating.vote is False for rating in new)
    burst = [rating for rating in new if 13 <= rating.at - record.start <= 15 and rating.vote is False]
    world = Watch().world
    world.clock.advance(20)  # type: ignore[attr-defined]
    world.advance()
    conversations = [world.conversations[rating.conversation_id] for rating in burst]
    assert len({each.app and each.app.id for each in conversations}) == 1
    assert len({each.user and each.user.id for each in conversations}) >= 3
    assert len(burst) >= 5


def test_later_events() -> None:
    """Later a stop is ignored, the API fails for seconds, and runs to stop keep coming for ten minutes."""
    watch = Watch()
    record = watch.until(600)
    assert "ignored" in {stop.effect for stop in record.stops}
    assert watch.world.faults.strike("list_conversations", record.start + 31) is not None
    assert watch.world.faults.strike("list_conversations", record.start + 34) is None
    for begin in range(0, 600, 100):
        assert any(begin <= stop.at - record.start < begin + 100 for stop in record.stops)
        assert sum(begin <= run.began - record.start < begin + 100 for run in record.runs) > 10
