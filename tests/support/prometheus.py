"""A real Prometheus from the operating system's packages, as a process of the test that asks for it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["running_prometheus"]

_LISTENING = re.compile(r'msg="Listening on".*\baddress="?(?P<address>127\.0\.0\.1:\d+)')
_STARTS_WITHIN = 30.0  # seconds


@asynccontextmanager
async def running_prometheus(target: str, directory: Path, rule_files: Iterable[Path] = ()) -> AsyncIterator[str]:
    """
    Run Prometheus, let it scrape `target` (host:port) each second, and yield its address; files go into `directory`.

    It evaluates `rule_files` each second too. It chooses a free port itself and says in its log which.
    """
    binary = shutil.which("prometheus")
    assert binary is not None
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(file) for file in rule_files],
        "scrape_configs": [{"job_name": "alli-monitor", "static_configs": [{"targets": [target]}]}],
    }
    config_file = directory / "prometheus.yml"
    config_file.write_text(json.dumps(config), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        binary,
        f"--config.file={config_file}",
        f"--storage.tsdb.path={directory / 'tsdb'}",
        "--web.listen-address=127.0.0.1:0",
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
    raise AssertionError("Prometheus ended before it listened:\n" + "".join(lines))
