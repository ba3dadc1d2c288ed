"""The daemon says when it is stuck, from the beats of its own loops."""

from __future__ import annotations

from pathlib import Path

from monitor.app import App
from monitor.settings import Settings
from tests.support.clock import ManualClock


def settings(directory: Path) -> Settings:
    """Return the least that a daemon needs."""
    return Settings.model_validate(
        {
            "projects": {"p": {"base_url": "http://127.0.0.1:9", "api_key": "a-key"}},
            "storage": {"url": f"sqlite:///{directory / 'monitor.db'}"},
        }
    )


async def test_a_daemon_whose_loops_do_not_move_is_unhealthy_and_says_which(tmp_path: Path) -> None:
    """A minute without a beat of the schedule and of the outbox is reported, a shorter pause is not."""
    clock = ManualClock()
    async with App.open(settings(tmp_path), clock) as app:
        clock.advance(59)
        assert app.unhealthy() is None
        clock.advance(2)
        reason = app.unhealthy()
        assert reason is not None
        assert "schedule" in reason
        assert "outbox" in reason


async def test_a_daemon_that_has_not_polled_yet_is_not_ready_and_says_what_it_waits_for(tmp_path: Path) -> None:
    """Readiness names every poll of every project whose first attempt has not ended."""
    async with App.open(settings(tmp_path), ManualClock()) as app:
        reason = app.not_ready()
        assert reason is not None
        assert all(poll in reason for poll in ("p:", "runs", "conversations", "ratings_7200s"))
