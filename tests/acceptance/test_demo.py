"""The commands that need no account: the demo, and the simulator alone."""

from __future__ import annotations

import asyncio
import re
import subprocess

import httpx
import pytest

from tests.support.daemon import command, run_command

_ROW = re.compile(r"[│┃|] +(?P<name>[a-z. ]+?) +[│┃|] +(?P<found>\d+) +[│┃|]")
_ABOVE_ZERO = (
    "conversations with runs seen",
    "runs stopped",
    "negative ratings flagged",
    "alert transitions delivered",
)


@pytest.mark.parametrize(
    "options", [("--duration", "20s"), ("--duration", "60s", "--speed", "4")], ids=["20s", "60s at speed 4"]
)
async def test_the_demo_finds_what_truly_happened(options: tuple[str, ...]) -> None:
    """The demo prints its addresses, and ends with a summary above zero in which both sides agree, and exit code 0."""
    outcome = await run_command("demo", *options)
    assert outcome.code == 0, outcome
    for name in ("console", "metrics", "Alli API", "webhook"):
        assert re.search(rf"^{name} +http://127\.0\.0\.1:\d+/", outcome.stdout, re.MULTILINE), outcome.stdout
    found = {row["name"]: int(row["found"]) for row in _ROW.finditer(outcome.stdout)}
    for name in _ABOVE_ZERO:
        assert found[name] > 0, outcome.stdout
    assert "both agree" in outcome.stdout
    assert outcome.stderr == ""


async def test_the_simulator_serves_until_sigterm() -> None:
    """`simulate` prints its address and the key that it takes, answers there, and ends with 0 on SIGTERM."""
    process = await asyncio.create_subprocess_exec(*command("simulate", "--port", "0"), stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False) as http:
            line = (await process.stdout.readline()).decode()
            url, key = re.findall(r"http://\S+|(?<=API-KEY: )[^)]+", line)
            answer = await http.get(f"{url}/webapi/v2/conversations", headers={"API-KEY": key})
            refused = await http.get(f"{url}/webapi/v2/conversations")
            process.terminate()
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (answer.status_code, refused.status_code, code) == (200, 401, 0)
    assert answer.json()["conversations"]
