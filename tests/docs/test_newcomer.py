"""What getting-started.md tells somebody to type, typed: with the simulator in Alli's place and a fake Slack."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from monitor.clock import SystemClock
from monitor.simulator.loading import load_scenario
from monitor.simulator.scenario import DEMO
from monitor.simulator.script import build_world
from monitor.simulator.server import serve
from tests.docs.pages import ROOT, Example, examples
from tests.support.daemon import command
from tests.support.fake_slack import FakeSlack
from tests.support.waiting import eventually

PAGE = ROOT / "docs/getting-started.md"
PROGRAM = ".venv/bin/alli-monitor "
TOKEN = "let-me-in"  # noqa: S105 - made up


def blocks(language: str) -> list[Example]:
    """Return the examples of the page in one language, in order."""
    return [example for example in examples(language) if example.page == PAGE]


class Shell:
    """A newcomer's shell in `directory`: it knows `export`, `unset` and our commands, and keeps what they print."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.environment = dict(environment)
        self.printed = ""

    async def type(self, line: str) -> None:
        """Do what a line says; a daemon is looked at once it has seen the project, and then ended."""
        words = line.partition(" #")[0].replace("/run/secrets", str(self.directory)).split()
        if words[0] == "export":
            self.environment.update((name, value) for name, _, value in (word.partition("=") for word in words[1:]))
        elif words[0] == "unset":
            for name in words[1:]:
                del self.environment[name]
        else:
            assert line.startswith(PROGRAM), line
            await (self._look_at_daemon if words[1] == "run" else self.run)(*words[1:])

    async def run(self, *words: str) -> None:
        """Run a command, which has to end well."""
        async with self._process(*words) as process:
            stdout, stderr = await process.communicate()
        self.printed += stdout.decode() + stderr.decode()
        assert process.returncode == 0, (words, self.printed)

    async def _look_at_daemon(self, *words: str) -> None:
        async with self._process(*words) as process, httpx.AsyncClient(trust_env=False, timeout=10) as http:
            url = await self._address(process)
            reading = asyncio.create_task(process.communicate())

            async def has_looked() -> bool:
                return bool((await http.get(f"{url}/api/v1/status")).json()["projects"][0]["state"] == "healthy")

            await eventually(has_looked, "the daemon has seen the project", within=60)
            self.printed += (await http.get(f"{url}/")).text
            if "--config" in words:
                token = self.directory / "web_token"
                await self.run("drill", "--url", url, "--token-file", str(token), "--severity", "critical")
            process.terminate()
            await reading
        assert process.returncode == 0, self.printed

    async def _address(self, process: asyncio.subprocess.Process) -> str:
        assert process.stderr is not None
        async for line in process.stderr:
            self.printed += line.decode()
            said = json.loads(line) if line.startswith(b"{") else {}
            if said.get("event") == "started":
                return str(said["listen"])
        raise AssertionError(self.printed)

    @asynccontextmanager
    async def _process(self, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            *command(*words),
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.mark.timeout(240)
async def test_every_line_of_getting_started_works(tmp_path: Path) -> None:
    """From the environment alone to a configuration that tells Slack: each command of the page does what it says."""
    first, *others = blocks("bash")
    assert first.text.splitlines() == [
        line for line in examples("bash")[0].text.splitlines() if line.endswith("alli-monitor demo")
    ]  # the README's first line, which .ci/run runs
    world = build_world(load_scenario(DEMO), SystemClock())
    async with serve(world) as alli, FakeSlack() as slack:
        secrets = {"alli_api_key": world.options.api_key, "slack_url": f"{slack.url}/hook", "web_token": TOKEN}
        for name, text in secrets.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        config = blocks("yaml")[0].text.replace("/run/secrets", str(tmp_path))
        quick = config.replace(
            "receiver: oncall\n", "receiver: oncall\n    group_wait: 0s\n    group_interval: 1s\n", 1
        )
        assert quick != config
        (tmp_path / "monitor.yml").write_text(quick, encoding="utf-8")
        shell = Shell(
            tmp_path,
            {
                "PATH": os.defpath,
                "PYTHONPATH": str(ROOT),
                "ALLI_MONITOR_BASE_URL": alli,
                "ALLI_MONITOR_WEB__LISTEN": "127.0.0.1:0",
            },
        )
        for example in others:
            if "--config" in example.text:
                del shell.environment["ALLI_MONITOR_BASE_URL"]
                shell.environment["ALLI_MONITOR_PROJECTS__SUPPORT__BASE_URL"] = alli
            for line in example.text.splitlines():
                await shell.type(line)
        assert slack.messages
    assert "default: http://" in shell.printed
    assert "No receiver is configured" in shell.printed
    assert "everything arrived" in shell.printed
