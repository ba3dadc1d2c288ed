"""A TLS server and a proxy on free ports of 127.0.0.1; each tells what it was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field

__all__ = ["Proxy", "Server", "proxy", "server"]

_Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(kw_only=True)
class Server:
    """What a server saw: for each request its first line, and the organization of the client's certificate or ""."""

    port: int
    asked: list[str] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Proxy:
    """What a proxy saw: the first line of each request and its credentials, or ""."""

    port: int
    asked: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)


@asynccontextmanager
async def server(context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Answer every request with 200, a cookie and the body ``ok``."""
    seen = Server(port=0)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await _head(reader)
        seen.asked.append(head[0])
        seen.clients.append(_organization(writer.get_extra_info("peercert")))
        _answer(writer, "Set-Cookie: a=b")

    async with _listening(handle, context) as seen.port:
        yield seen


@asynccontextmanager
async def proxy(upstream: int, context: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """Connect every CONNECT, whatever host it names, to the port `upstream`; answer other requests with ``ok``."""
    seen = Proxy(port=0)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *headers = await _head(reader)
        seen.asked.append(first)
        named = dict(line.split(": ", 1) for line in headers)
        seen.credentials.append(named.get("Proxy-Authorization", ""))
        if not first.startswith("CONNECT "):
            _answer(writer)
            return
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", upstream)
        with closing(far_writer):
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    async with _listening(handle, context) as seen.port:
        yield seen


@asynccontextmanager
async def _listening(handle: _Handler, context: ssl.SSLContext | None) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            await handle(reader, writer)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(guarded(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async with AsyncExitStack() as stack:
        listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
        stack.callback(listener.close)
        yield listener.sockets[0].getsockname()[1]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _head(reader: asyncio.StreamReader) -> list[str]:
    text = await reader.readuntil(b"\r\n\r\n")
    return text.decode("ascii").rstrip().split("\r\n")


def _answer(writer: asyncio.StreamWriter, *headers: str) -> None:
    lines = ["HTTP/1.1 200 OK", "Content-Length: 2", "Connection: close", *headers, "", "ok"]
    writer.write("\r\n".join(lines).encode("ascii"))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while some := await reader.read(65536):
        writer.write(some)
    writer.close()


def _organization(certificate: dict[str, tuple[tuple[tuple[str, str], ...], ...]] | None) -> str:
    names = dict(pair for parts in (certificate or {}).get("subject", ()) for pair in parts)
    return names.get("organizationName", "")
