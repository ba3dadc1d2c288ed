"""
What the daemon takes, by projects and conversations: ``nice python -m tests.benchmarks.sizing [SHARE]``.

The real daemon with the default configuration watches simulated projects (`tests.benchmarks.worlds`), which are
processes of their own. Both have a clock that runs faster than the machine's, so that an hour is observed in minutes;
CPU time does not depend on that, only on what there is to do. Measured are, after the baseline, CPU seconds and
requests in an hour of the daemon's time, and the memory that is resident at the end. Linux only: it reads /proc.

Then, in this process and on virtual time: by how many bytes the database grows for each run, rating and alert.

SHARE, 1 if it is not given, shortens every hour, as 0.1 for a quick look.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from monitor.clock import Clock, ScaledClock
from monitor.simulator.entities import Conversation
from tests.support.daemon import TOKEN, Daemon, running_daemon
from tests.support.rig import Rig, open_rig
from tests.support.rig_rules import NEGATIVE
from tests.support.shifted import as_argument

__all__ = ["Growth", "Load", "Sized", "grow", "measure"]

_HOUR = 3600.0
_TICKS = os.sysconf("SC_CLK_TCK")
_BASELINE_WITHIN = 600.0  # seconds of this machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many projects, each with so many conversations, watched for `hours` on a clock `speed` times as fast."""

    projects: int
    conversations: int
    speed: float
    hours: float = 0.5


LOADS = (
    Load(projects=1, conversations=10, speed=20),
    Load(projects=1, conversations=100, speed=20),
    Load(projects=1, conversations=1_000, speed=20),
    Load(projects=1, conversations=10_000, speed=20),
    Load(projects=10, conversations=100, speed=3, hours=0.25),
    Load(projects=100, conversations=100, speed=1, hours=0.1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """What a load took in `seconds` of the daemon's time: CPU seconds, requests, MiB of memory at the end, at most."""

    load: Load
    seconds: float
    cpu: float
    requests: float
    resident: float
    most_resident: float

    def __str__(self) -> str:
        hours = self.seconds / _HOUR
        each = 1000 * self.cpu / max(self.requests, 1)
        return (
            f"{self.load.projects:>4} projects of {self.load.conversations:>6} conversations: "
            f"{self.requests / hours:9,.0f} requests/h, {self.cpu / hours:7.1f} s of CPU/h "
            f"({100 * self.cpu / self.seconds:5.2f} % of a core, {each:5.1f} ms each), "
            f"{self.resident:5.0f} MiB (at most {self.most_resident:.0f})"
        )


async def measure(load: Load) -> Sized:
    """Return what a load takes."""
    clock = ScaledClock(load.speed)
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = await stack.enter_async_context(_worlds(load, clock))
        running = running_daemon(_config(load, url), directory, clock=clock, ready=False)
        daemon = await stack.enter_async_context(running)
        await _take_baselines(daemon)
        began, cpu, asked = clock.monotonic(), _cpu(daemon.pid), await _requests(daemon)
        await clock.sleep(load.hours * _HOUR)
        seconds = clock.monotonic() - began
        return Sized(
            load=load,
            seconds=seconds,
            cpu=_cpu(daemon.pid) - cpu,
            requests=await _requests(daemon) - asked,
            resident=_memory(daemon.pid, "VmRSS"),
            most_resident=_memory(daemon.pid, "VmHWM"),
        )


def _config(load: Load, url: str) -> dict[str, Any]:
    names = [f"p{number}" for number in range(load.projects)]
    return {
        "projects": {name: {"base_url": f"{url}/{name}", "api_key": "simulated-key"} for name in names},
        "web": {"listen": "127.0.0.1:0", "token": TOKEN},
    }


@asynccontextmanager
async def _worlds(load: Load, clock: Clock) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.worlds"),
        *(str(load.projects), str(load.conversations), as_argument(clock)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


async def _take_baselines(daemon: Daemon) -> None:
    """Wait for the baseline of each project, without keeping a daemon with many of them busy with answers."""
    async with asyncio.timeout(_BASELINE_WITHIN):
        while True:
            with contextlib.suppress(httpx.TimeoutException):
                if all(project["baseline_at"] for project in (await daemon.api("status"))["projects"]):
                    return
            await asyncio.sleep(2.0)


async def _requests(daemon: Daemon) -> float:
    return await daemon.metric("alli_monitor_api_requests_total")


def _cpu(pid: int) -> float:
    """Return the CPU seconds of a process: user and system time, fields 14 and 15 of proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory(pid: int, name: str) -> float:
    """Return a figure of /proc/PID/status in MiB."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines())
    return int(lines[name].split()[0]) / 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """By how many bytes the database grew for each of `count` things that happened."""

    what: str
    count: int
    bytes_each: float

    def __str__(self) -> str:
        return f"{self.bytes_each:7,.0f} bytes for each of {self.count} {self.what}"


async def grow(count: int) -> list[Growth]:
    """Return by how much runs, ratings and alerts make the database grow."""
    with tempfile.TemporaryDirectory() as name:
        async with open_rig(Path(name), rules=NEGATIVE, apps=[{"match": "*", "run_limit": "10h"}]) as rig:
            before = _database(name)
            talks = [rig.talk("> answer", user=f"user-{number % 50}") for number in range(count)]
            await rig.poll_ratings()
            listed = _database(name)
            await _run_all(rig, talks)
            ran = _database(name)
            _rate_all(rig, talks, vote=True)
            await rig.sweep()
            rated = _database(name)
            _rate_all(rig, talks, vote=False)
            await rig.sweep()
            await rig.run_for(5)
            told = _database(name)
    sizes = {
        "conversations that are known": listed - before,
        "runs, begun and ended": ran - listed,
        "ratings": rated - ran,
        "negative ratings, with an alert that is told": told - rated,
    }
    return [Growth(what=what, count=count, bytes_each=size / count) for what, size in sizes.items()]


async def _run_all(rig: Rig, talks: list[Conversation]) -> None:
    for conversation in talks:
        rig.world.start_run(conversation.id)
    await rig.poll_runs()
    rig.clock.advance(10)
    await rig.poll_runs()
    for conversation in talks:
        rig.world.finish_run(conversation.id)
    rig.clock.advance(10)
    await rig.poll_runs()
    assert all(run.ended_at is not None for run in await rig.runs())


def _rate_all(rig: Rig, talks: list[Conversation], *, vote: bool) -> None:
    for conversation in talks:
        rig.world.rate(conversation.chats[0].id, vote)


def _database(directory: str) -> int:
    """Return how many bytes of the database are in use."""
    connection = sqlite3.connect(f"file:{directory}/monitor.db?mode=ro", uri=True)
    try:
        pages, free, size = (
            connection.execute(f"PRAGMA {each}").fetchone()[0] for each in ("page_count", "freelist_count", "page_size")
        )
    finally:
        connection.close()
    return int((pages - free) * size)


async def main(share: float) -> None:
    """Measure everything, and print a line for each."""
    for load in LOADS:
        shorter = Load(
            projects=load.projects, conversations=load.conversations, speed=load.speed, hours=load.hours * share
        )
        print(await measure(shorter), flush=True)  # noqa: T201 - this is what the program is for
    for growth in await grow(max(round(1000 * share), 10)):
        print(growth, flush=True)  # noqa: T201 - this is what the program is for


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
