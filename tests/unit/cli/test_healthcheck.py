"""What the health check asks, what it says, and what it costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitor.cli import commands
from monitor.cli.healthcheck import _address
from monitor.errors import ConfigError
from tests.support.daemon import run_command, write_config

Server = Callable[[bytes], None]


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """Serve one answer to whoever connects, on loopback, and yield the address as host:port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /-/healthy HTTP/1.1\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"


async def asked(*words: str, **environment: str) -> Result:
    """Run the command beside the event loop in which the server of the test runs."""
    return await asyncio.to_thread(CliRunner().invoke, commands, ["healthcheck", *words], env=environment)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("127.0.0.1:7464", ("127.0.0.1", 7464)),
        ("0.0.0.0:80", ("127.0.0.1", 80)),
        (":80", ("127.0.0.1", 80)),
        ("[::]:80", ("::1", 80)),
        ("[2001:db8::1]:80", ("2001:db8::1", 80)),
        ("monitor.internal:80", ("monitor.internal", 80)),
    ],
)
def test_all_addresses_are_asked_on_loopback(listen: str, expected: tuple[str, int]) -> None:
    """Every way to write where to listen is asked where that can be reached from the same machine."""
    assert _address(listen) == expected


@pytest.mark.parametrize("listen", ["", "7464", "localhost", "localhost:0", ":http", ":70000", "[::1:80"])
def test_what_is_no_address_is_told(listen: str) -> None:
    """Without a port that can be asked, the command says what an address is like."""
    with pytest.raises(ConfigError, match=r"it should be like 127\.0\.0\.1:7464"):
        _address(listen)


async def test_healthy_is_what_the_daemon_says() -> None:
    """An answer of 200 is exit code 0 and one line."""
    async with answering(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhealthy\n") as listen:
        result = await asked("--listen", listen)
    assert (result.exit_code, result.output) == (0, "healthy\n")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            b"HTTP/1.1 503 Service Unavailable\r\n\r\nthe outbox has\x1b[1m not moved\n",
            "503 Service Unavailable: the outbox",
        ),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "answers 404 Not Found"),
        (b"220 mail.example.com ESMTP\r\n", "does not answer with HTTP"),
        (b"", "does not answer with HTTP"),
    ],
)
async def test_everything_else_is_unhealthy(answer: bytes, says: str) -> None:
    """Any other answer is exit code 1 and one line why, which cannot steer a terminal."""
    async with answering(answer) as listen:
        result = await asked("--listen", listen)
    assert result.exit_code == 1
    assert result.output.startswith("unhealthy: 127.0.0.1:")
    assert says in result.output
    assert result.output.count("\n") == 1
    assert "\x1b" not in result.output


async def test_nobody_there_is_unhealthy() -> None:
    """A daemon that does not listen is exit code 1."""
    async with answering(b"") as listen:
        pass
    result = await asked("--listen", listen)
    assert (result.exit_code, result.output) == (
        1,
        f"unhealthy: no daemon can be asked at {listen}: connection refused\n",
    )


async def test_where_it_listens_is_read_like_the_daemon_reads_it(tmp_path: Path) -> None:
    """The environment wins over the configuration file, as with `run`; without either it is the usual port."""
    file = write_config({"projects": {"p": {"api_key": "k"}}, "web": {"listen": "127.0.0.1:1"}}, tmp_path)
    assert "127.0.0.1:1:" in (await asked("--config", str(file))).output
    assert "127.0.0.1:2:" in (await asked("--config", str(file), ALLI_MONITOR_WEB__LISTEN="0.0.0.0:2")).output
    assert "--listen" in (await asked("--help")).output


def test_the_check_imports_next_to_nothing() -> None:
    """What a container asks each half minute pays for none of the libraries that the daemon needs."""
    code = (
        "import sys; sys.argv = ['alli-monitor', 'healthcheck', '--listen', '127.0.0.1:1']\n"
        "import monitor.cli\n"
        "try: monitor.cli.main()\n"
        "except SystemExit: print(*sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "monitor.cli.healthcheck" in loaded
    assert not loaded & {"asyncio", "sqlalchemy", "apprise", "httpx", "rich", "monitor.settings", "monitor.store"}


async def test_commands_work_when_they_are_imported_on_use() -> None:
    """A command, a command of a group, and one that is misspelled, from the real command line."""
    assert (await run_command("healthcheck", "--listen", "127.0.0.1:1")).code == 1
    assert "Stop nothing from now on" in (await run_command("autostop", "pause", "--help")).stdout
    assert "Did you mean 'healthcheck'" in (await run_command("healthchek")).stderr
