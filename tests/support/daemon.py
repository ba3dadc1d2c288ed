"""The real daemon, as a process of the test that asks for it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from monitor.clock import Clock
from tests.support.shifted import ShiftedClock, as_argument
from tests.support.waiting import eventually

__all__ = ["TOKEN", "Daemon", "Outcome", "command", "run_command", "running_daemon", "write_config"]

TOKEN = "let-me-in"  # noqa: S105 - made up
"""The token of the console of every daemon here that is not told otherwise."""

_ROOT = Path(__file__).parents[2]
_SHIFTED = Path(__file__).with_name("shifted.py")
_STARTS_WITHIN = 60.0  # seconds
_ENDS_WITHIN = 20.0  # seconds; how soon it has to is for a test to say


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended, what it wrote, and how many seconds it took."""

    code: int
    stdout: str
    stderr: str
    seconds: float


def command(*arguments: str | Path) -> list[str]:
    """Return the command line of `alli-monitor` with these arguments."""
    return [sys.executable, "-m", "monitor", *map(str, arguments)]


async def run_command(*arguments: str | Path, cwd: Path | None = None, within: float = 60.0) -> Outcome:
    """Run `alli-monitor` to its end; it is killed, and the test fails, after `within` seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    process = await asyncio.create_subprocess_exec(
        *command(*arguments), cwd=cwd, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(within):
            stdout, stderr = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Outcome(
        code=process.returncode,
        stdout=stdout.decode("utf-8", "replace"),
        stderr=stderr.decode("utf-8", "replace"),
        seconds=loop.time() - began,
    )


def write_config(config: Mapping[str, Any], directory: Path) -> Path:
    """Write a configuration, as JSON, which is YAML, and return its path."""
    file = directory / "monitor.yml"
    file.write_text(json.dumps(config, indent=2), encoding="utf-8")
    return file


class Daemon:
    """A daemon that runs; `url` is where its console is, `logs` what it has logged so far, one event each."""

    def __init__(self, process: asyncio.subprocess.Process, http: httpx.AsyncClient) -> None:
        self.url = ""
        self.logs: list[dict[str, Any]] = []
        self.noise: list[str] = []
        self._process = process
        self._http = http
        self._reading = asyncio.create_task(self._read())

    def events(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """Return what it logged under this name, with these fields."""
        return [line for line in self.logs if line.get("event") == event and fields.items() <= line.items()]

    async def get(self, path: str, **parameters: Any) -> httpx.Response:
        """Ask its web server."""
        return await self._http.get(f"{self.url}{path}", params=parameters)

    async def api(self, path: str, **parameters: Any) -> Any:
        """Return what its API answers: ``daemon.api("runs")``; for a list, the items themselves."""
        answer = await self.get(f"/api/v1/{path}", **parameters)
        assert answer.status_code == httpx.codes.OK, answer.text
        content = answer.json()
        return content.get(path, content)

    async def post(self, path: str, token: str | None = None) -> httpx.Response:
        """Post nothing to its web server."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self._http.post(f"{self.url}{path}", headers=headers)

    async def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of a metric that have these labels; 0 when there are none."""
        text = (await self.get("/metrics")).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def hang_up(self) -> None:
        """Send SIGHUP."""
        self._process.send_signal(signal.SIGHUP)

    async def terminate(self) -> tuple[int, float]:
        """Send SIGTERM, and return the exit code and how many seconds it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._process.terminate()
        code = await self._ended()
        return code, loop.time() - began

    async def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()
        await self._ended()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.returncode is None

    async def started(self, *, ready: bool) -> None:
        """Wait until it listens and, if `ready`, until its first round of polls is over."""
        await eventually(self._listens, "the daemon listens", within=_STARTS_WITHIN)
        if ready:
            await eventually(self._is_ready, "the daemon is ready", within=_STARTS_WITHIN)

    async def close(self) -> None:
        """Let the process end as an operator would, and fail on anything but a clean end."""
        if self.is_running:
            code, _ = await self.terminate()
            assert code == 0, (code, self.noise)
        assert not self.noise, "not JSON lines on stderr:\n" + "\n".join(self.noise)
        assert not (broken := [line for line in self.logs if "exception" in line]), broken

    async def _listens(self) -> bool:
        assert self.is_running, "the daemon ended:\n" + "\n".join([*self.noise, *map(str, self.logs)])
        if lines := self.events("started"):
            self.url = lines[0]["listen"]
        return bool(self.url)

    async def _is_ready(self) -> bool:
        return (await self.get("/-/ready")).status_code == httpx.codes.OK

    async def _read(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            text = line.decode("utf-8", "replace").rstrip()
            try:
                self.logs.append(json.loads(text))
            except ValueError:
                self.noise.append(text)

    async def _ended(self) -> int:
        async with asyncio.timeout(_ENDS_WITHIN):
            code = await self._process.wait()
            await self._reading
        return code


@asynccontextmanager
async def running_daemon(
    config: Mapping[str, Any], directory: Path, *, shift: float = 0.0, clock: Clock | None = None, ready: bool = True
) -> AsyncIterator[Daemon]:
    """
    Run the daemon with this configuration, written into `directory`, on `clock`.

    Without one it has the machine's clock, `shift` seconds ahead.

    At the end of the block it gets a SIGTERM and has to end cleanly, without a traceback or a line that is not JSON in
    its log, unless the test ended it before.
    """
    file = write_config(config, directory)
    clock = clock or (ShiftedClock(shift) if shift else None)
    program = command("run", "--config", file)
    if clock is not None:
        program = [sys.executable, str(_SHIFTED), as_argument(clock), str(file)]
    process = await asyncio.create_subprocess_exec(*program, cwd=directory, env=_environment(), stderr=subprocess.PIPE)
    async with httpx.AsyncClient(trust_env=False, timeout=10.0) as http:
        daemon = Daemon(process, http)
        try:
            await daemon.started(ready=ready)
            yield daemon
            await daemon.close()
        finally:
            if daemon.is_running:
                await daemon.kill()


def _environment() -> dict[str, str]:
    """Return the environment of this process without what would configure a monitor."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ALLI_MONITOR_")}  # noqa: TID251 - a process of ours gets it
    return {**own, "PYTHONPATH": str(_ROOT), "NO_COLOR": "1", "COLUMNS": "200"}
