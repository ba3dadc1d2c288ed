"""
How many notifications a second leave, and what they cost: ``python -m tests.benchmarks.delivery [COUNT]``.

COUNT alerts, 10,000 if it is not given, are committed as polls would commit them, a hundred at a time, and then told
over HTTP on loopback: to a webhook, each alert a group and so a request of its own; to a webhook, all of an app in one
group; and to a real Alertmanager, if it is installed. The database is a file, as the daemon has it. A line for each
case says how long committing and telling took, and how much CPU time of this process that was.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from monitor.clock import SystemClock
from monitor.notify.alertmanager import Alertmanager, alerts_url
from monitor.notify.http import Endpoint
from monitor.notify.receiver import Receiver
from monitor.notify.webhook import Webhook
from tests.support.alertmanager import alertmanager_binary, running_alertmanager
from tests.support.desk import Desk

__all__ = ["Measured", "measure"]

_AT_ONCE = 100
_ALERTMANAGER = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What telling `count` alerts took, in seconds, of which `arrived` arrived in `requests` notifications."""

    case: str
    count: int
    arrived: int
    requests: int
    committing: float
    telling: float
    cpu: float

    def __str__(self) -> str:
        return (
            f"{self.case:<36} {self.arrived:>6} of {self.count} alerts in {self.requests:>5} notifications: "
            f"committed in {self.committing:6.1f} s ({self.count / self.committing:6.0f}/s), "
            f"told in {self.telling:6.1f} s ({self.requests / self.telling:5.0f} notifications/s, "
            f"{self.count / self.telling:6.0f} alerts/s), {self.cpu:6.1f} s of CPU in all"
        )


async def measure(count: int) -> list[Measured]:
    """Return what each case took."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        url = await stack.enter_async_context(_sink())
        arrived = _counter(http, url)
        webhook = _webhook(http, f"{url}/hook")
        found = [
            await _case("webhook, each alert alone", count, webhook, ["..."], arrived),
            await _case("webhook, grouped by app", count, webhook, ["app"], arrived),
        ]
        if (binary := alertmanager_binary()) is not None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            address = await stack.enter_async_context(running_alertmanager(binary, _ALERTMANAGER, directory))

            async def known() -> int:
                return len((await http.get(f"{address}/api/v2/alerts", timeout=60)).json())

            found.append(await _case("Alertmanager", count, _alertmanager(http, address), ["..."], known))
        return found


async def _case(
    case: str, count: int, receiver: Receiver, group_by: list[str], arrived: Callable[[], Awaitable[int]]
) -> Measured:
    route = {"receiver": receiver.receiver, "group_by": group_by, "group_wait": "0s", "group_interval": "1s"}
    alerting = {"route": route, "receivers": [{"name": receiver.receiver}]}
    with tempfile.TemporaryDirectory() as directory:
        desk = Desk.of(Path(directory), alerting, [receiver], SystemClock())
        await desk.start()
        before, cpu, began = await arrived(), _cpu(), time.perf_counter()
        for start in range(0, count, _AT_ONCE):
            await desk.fire_all([_labels(number) for number in range(start, min(start + _AT_ONCE, count))])
        committed = time.perf_counter()
        while await desk.pending():
            await desk.courier.settle()
        told = time.perf_counter()
        requests = desk.delivered(receiver)
        measured = Measured(
            case=case,
            count=count,
            arrived=await arrived() - before,
            requests=requests,
            committing=committed - began,
            telling=told - committed,
            cpu=_cpu() - cpu,
        )
        await desk.stop()
    return measured


def _labels(number: int) -> dict[str, str]:
    labels = {"alertname": "RunOverLimit", "severity": "critical", "app": f"app {number % 20}", "team": "bi"}
    return {**labels, "conversation_id": f"Q29udmVyc2F0aW9u{number:08}", "run_id": f"{number:016x}"}


def _webhook(http: httpx.AsyncClient, url: str) -> Webhook:
    endpoint = Endpoint(http=http, url=SecretStr(url), timeout=30.0, clock=SystemClock())
    return Webhook(name="oncall/webhook[0]", receiver="oncall", endpoint=endpoint)


def _alertmanager(http: httpx.AsyncClient, url: str) -> Alertmanager:
    clock = SystemClock()
    endpoint = Endpoint(http=http, url=alerts_url(SecretStr(url)), timeout=30.0, clock=clock)
    return Alertmanager(name="oncall/alertmanager[0]", receiver="oncall", endpoint=endpoint, clock=clock)


@asynccontextmanager
async def _sink() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.sink", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


def _counter(http: httpx.AsyncClient, url: str) -> Callable[[], Awaitable[int]]:
    async def arrived() -> int:
        answer: Any = (await http.post(f"{url}/count", json={})).json()
        return int(answer)

    return arrived


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    for line in asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)):
        print(line)  # noqa: T201 - this is what the program is for
