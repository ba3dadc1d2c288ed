"""Why somebody could not be reached: real failures of a real client, and what is said of them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import trustme

from monitor.network import reason


async def failure(url: str) -> httpx.TransportError:
    """Return the error with which a client fails to get `url`."""
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(httpx.TransportError) as caught:
            await http.get(url)
    return caught.value


@asynccontextmanager
async def served(answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Answer every connection with these bytes, and then close it; yield the port."""

    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:1/", "connection refused"),
        ("http://localhost:1/", "connection refused"),
        ("http://nobody.invalid/", "name or service not known"),
    ],
)
async def test_nobody_is_there(url: str, says: str) -> None:
    """It is said in the words of the operating system, also where several addresses were tried."""
    assert reason(await failure(url)) == says


async def test_a_certificate_that_is_not_trusted() -> None:
    """It is said what is wrong with it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    async with served(b"", context) as port:
        said = reason(await failure(f"https://localhost:{port}/"))
    assert said == "its certificate is not trusted (unable to get local issuer certificate)"


async def test_a_server_without_tls() -> None:
    """It is said that it is about TLS."""
    async with served(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        assert reason(await failure(f"https://localhost:{port}/")) == "no TLS with it (wrong version number)"


async def test_what_the_other_side_sent_is_not_quoted() -> None:
    """A library's message may hold anything: only the kind of its error is told."""
    async with served(b"secret words\r\n\r\n") as port:
        assert reason(await failure(f"http://127.0.0.1:{port}/")) == "remote protocol error"


def test_the_first_of_several() -> None:
    """Where several attempts failed together the first one says why."""
    error = OSError("all failed")
    error.__cause__ = ExceptionGroup("attempts", [ConnectionRefusedError(111, "x"), TimeoutError(110, "y")])
    assert reason(error) == "connection refused"


def test_errors_that_name_each_other() -> None:
    """A circle of causes ends."""
    one, other = ValueError("1"), ValueError("2")
    one.__cause__, other.__cause__ = other, one
    assert reason(one) == "value error"
