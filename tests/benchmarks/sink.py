"""A webhook in a process of its own that accepts everything and counts alerts: ``python -m tests.benchmarks.sink``."""

from __future__ import annotations

import asyncio
import json

from tests.support.receivers import FakeReceiver, Reply, Request


class Sink(FakeReceiver):
    """Keeps no requests, only how many alerts came."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts = 0

    def reply(self, request: Request) -> Reply | str:
        """Count, and answer a request without alerts with the count."""
        self.requests.clear()
        self.alerts += len(request.body.get("alerts", ()))
        return Reply(body=json.dumps(self.alerts).encode())


async def main() -> None:
    """Serve until the process is ended; the first line on standard output is the address."""
    async with Sink() as sink:
        print(sink.url, flush=True)  # noqa: T201 - whoever started it reads this
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
