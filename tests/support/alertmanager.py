"""A real Alertmanager from the operating system's packages, as a process of the test that asks for it."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["alertmanager_binary", "running_alertmanager"]

_LISTENING = re.compile(r'msg="Listening on".*\baddress="?(?P<address>127\.0\.0\.1:\d+)')
_STARTS_WITHIN = 30.0  # seconds


def alertmanager_binary() -> str | None:
    """Return the path of Alertmanager, under the name Debian gives it or its own; None where it is missing."""
    return shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


@asynccontextmanager
async def running_alertmanager(binary: str, config: str, directory: Path) -> AsyncIterator[str]:
    """
    Run Alertmanager with this configuration and yield its address; files go into `directory`.

    It chooses a free port itself and says in its log which, and answers from then on.
    """
    config_file = directory / "alertmanager.yml"
    config_file.write_text(config, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        binary,
        f"--config.file={config_file}",
        f"--storage.path={directory / 'data'}",
        "--web.listen-address=127.0.0.1:0",
        "--cluster.listen-address=",
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(_STARTS_WITHIN):
            address = await _address(process.stderr)
        drain = asyncio.create_task(process.stderr.read())  # a full pipe would stop it
        yield f"http://{address}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    await drain


async def _address(log: asyncio.StreamReader) -> str:
    lines = []
    async for line in log:
        lines.append(line.decode("utf-8", "replace"))
        if match := _LISTENING.search(lines[-1]):
            return match["address"]
    raise AssertionError("Alertmanager ended before it listened:\n" + "".join(lines))
