from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.settings.supervision import Supervision
from monitor.systemd import ServiceManager
from tests.support.clock import ManualClock
from tests.support.notify_socket import NotifySocket, listening


class _SteppedClock(ManualClock):
    """A clock on which every sleep is noted and over at once, up to the third, which never ends."""

    def __init__(self) -> None:
        super().__init__(start=50.25)
        self.slept: list[float] = []
        self.in_third = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        if len(self.slept) == 3:
            self.in_third.set()
            await asyncio.Event().wait()


@pytest.fixture
async def systemd(tmp_path: Path) -> AsyncIterator[NotifySocket]:
    """Provide what listens at NOTIFY_SOCKET."""
    async with listening(tmp_path / "notify") as found:
        yield found


def manager(systemd: NotifySocket, watchdog: float | None = None) -> ServiceManager:
    """Return the service manager that listens there."""
    return ServiceManager(Supervision(notify_socket=systemd.address, watchdog=watchdog), _SteppedClock())


async def test_it_hears_of_the_start_and_the_end(systemd: NotifySocket) -> None:
    """Readiness and the end are told in the words of sd_notify."""
    told = manager(systemd)
    await told.ready()
    await told.stopping()
    assert systemd.heard == [{"READY": "1"}, {"STOPPING": "1", "STATUS": "stopping"}]


async def test_it_is_told_at_an_abstract_address() -> None:
    """A name that begins with @ is an abstract one; an @ elsewhere is a part of the name."""
    async with listening(f"@alli@{secrets.token_hex(8)}") as systemd:
        await manager(systemd).ready()
        assert systemd.heard == [{"READY": "1"}]


async def test_a_path_may_have_an_at_sign(tmp_path: Path) -> None:
    """Only the first letter makes a name abstract."""
    async with listening(tmp_path / "notify@1") as systemd:
        await manager(systemd).ready()
        assert systemd.heard == [{"READY": "1"}]


async def test_a_reload_is_told_with_its_time(systemd: NotifySocket) -> None:
    """A reload tells the monotonic time of its begin, in microseconds, and that it is over even when it fails."""
    told = manager(systemd)

    async def fail() -> None:
        async with told.reload():
            assert systemd.heard == [{"RELOADING": "1", "MONOTONIC_USEC": "50250000"}]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert systemd.heard[1:] == [{"READY": "1"}]


async def test_reloads_are_told_one_after_the_other(systemd: NotifySocket) -> None:
    """Of two reloads asked for at once the second begins, for systemd as well, when the first is over."""
    told = manager(systemd)

    async def reload() -> None:
        async with told.reload():
            await asyncio.sleep(0)

    await asyncio.gather(reload(), reload())
    assert systemd.order("RELOADING", "READY") == ["RELOADING", "READY"] * 2


async def test_the_watchdog_hears_only_of_a_healthy_daemon(systemd: NotifySocket) -> None:
    """A daemon that is stuck tells why, and no longer that it lives; a status is told when it changes."""
    told = manager(systemd, watchdog=30.0)
    await told.beat(None, "watching support")
    await told.beat(None, "watching support")
    await told.beat("the outbox has not moved for 61 s", "watching support")
    await told.beat("the outbox has not moved for 61 s", "watching support")
    await told.beat(None, "watching support")
    assert systemd.heard == [
        {"WATCHDOG": "1", "STATUS": "watching support"},
        {"WATCHDOG": "1"},
        {"STATUS": "stuck: the outbox has not moved for 61 s"},
        {"WATCHDOG": "1", "STATUS": "watching support"},
    ]


async def test_without_a_watchdog_only_the_status_is_told(systemd: NotifySocket) -> None:
    """Where WATCHDOG_USEC is not set, no sign of life is sent."""
    await manager(systemd).beat(None, "watching support")
    assert systemd.heard == [{"STATUS": "watching support"}]


@pytest.mark.parametrize(("watchdog", "every"), [(3.0, 1.5), (30.0, 10.0), (None, 10.0)])
async def test_it_tells_of_its_life_in_time(systemd: NotifySocket, watchdog: float | None, every: float) -> None:
    """Between two signs of life lies half of the watchdog's time at most, and a status is at most ten seconds old."""
    clock = _SteppedClock()
    told = ServiceManager(Supervision(notify_socket=systemd.address, watchdog=watchdog), clock)
    watching = asyncio.create_task(told.watch(lambda: None, lambda: f"{len(clock.slept)} rounds"))
    await clock.in_third.wait()
    watching.cancel()
    assert clock.slept == [every] * 3
    assert systemd.all("STATUS") == ["0 rounds", "1 rounds", "2 rounds"]
    assert len(systemd.all("WATCHDOG")) == (0 if watchdog is None else 3)


async def test_a_long_start_asks_for_time(systemd: NotifySocket) -> None:
    """While the database is migrated, more time than the next message takes is asked for, until that is over."""
    clock = _SteppedClock()
    told = ServiceManager(Supervision(notify_socket=systemd.address), clock)
    async with told.patience("opening the database"):
        await clock.in_third.wait()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert systemd.heard[0] == {"EXTEND_TIMEOUT_USEC": "60000000", "STATUS": "opening the database"}
    assert systemd.heard[1:] == [{"EXTEND_TIMEOUT_USEC": "60000000"}] * 2
    assert max(clock.slept) < 60.0


async def test_where_nobody_listens_nothing_is_sent() -> None:
    """Without a socket every call returns, and nothing is logged."""
    told = ServiceManager(Supervision(watchdog=1.0), _SteppedClock())
    with capture_logs() as logs:
        await told.ready()
        await told.beat(None, "watching support")
        async with told.reload():
            pass
    assert not logs


async def test_a_socket_that_is_gone_is_told_once(tmp_path: Path) -> None:
    """A daemon whose service manager went away goes on and says so once."""
    told = ServiceManager(Supervision(notify_socket=str(tmp_path / "nothing")), _SteppedClock())
    with capture_logs() as logs:
        await told.ready()
        await told.stopping()
    assert [line["event"] for line in logs] == ["the service manager cannot be told"]
